import dataclasses
import json
import math

import pytest

from jem_tf.runs import training_state
from jem_tf.runs.training_state import NewerFormat, TrainingState

STATE = TrainingState(
    step=7,
    seed=3,
    retries=2,
    changes={"learning_rate": 1e-4 / 3, "energy_l2": 0.1},
    good=False,
    val_accuracy=0.1 + 0.2,
    streak=4,
    drift={"steps": 7, "gap": 0.1 + 0.2, "seen": True},
    seconds=1e-7 / 3,
    sums={"loss": 2 / 3},
    count=5,
    model_facts={"network": "convnet-8", "image_shape": [8, 8, 1]},
    replicas=2,
    processes=1,
)
# Written by jem_tf before `TrainingState` was a type (commit 5fd3434).
BEFORE = (
    '{"about": {"dataset": "digits", "image_shape": [8, 8, 1], "classes": 10, '
    '"network": "convnet-8", "norm": "none", "activation": "leaky_relu", '
    '"optimizer": "adam", "buffer_size": 100}, "replicas": 1, "processes": 1, '
    '"step": 12, "seed": 3, "retries": 0, "changes": {}, "good": true, '
    '"val_accuracy": null, "streak": 0, "seconds": 3.066267251968384, "sums": '
    '{"cross_entropy": 27.843109846115112, "energy_real": -27.21147322654724, '
    '"energy_drawn": -27.213984489440918, "energy_gap": -0.002511262893676758, '
    '"loss": 27.84562110900879, "gradient_norm": 2.7520826756954193, '
    '"saturation": 1.859375, "reinitialised": 0.6875, "accuracy": 1.1875}, '
    '"count": 12, "format": 1, "crc32": 3808837555}'
)


def changed(text, **values):
    """The JSON object of a text with other values and the same checksum."""
    return json.dumps(json.loads(text) | values)


def without(text, name):
    values = json.loads(text)
    del values[name]
    return json.dumps(values)


def test_every_field_of_the_state_here_is_not_its_default():
    """Or a field could be lost on the way to JSON and back unseen."""
    for field in dataclasses.fields(TrainingState):
        default, factory = field.default, field.default_factory
        if factory is not dataclasses.MISSING:
            default = factory()
        assert getattr(STATE, field.name) != default


@pytest.mark.parametrize("state", [STATE, TrainingState(0)])
def test_a_state_goes_to_json_and_back_to_the_last_bit(state):
    assert TrainingState.from_json(state.to_json()) == state


def test_sums_that_are_not_finite_go_to_json_and_back():
    sums = {"loss": math.inf, "energy_gap": -math.inf, "saturation": math.nan}
    back = TrainingState.from_json(TrainingState(1, sums=sums).to_json()).sums
    assert (back["loss"], back["energy_gap"]) == (math.inf, -math.inf)
    assert math.isnan(back["saturation"])


@pytest.mark.parametrize("name", [*json.loads(STATE.to_json())])
def test_a_value_that_changed_does_not_match_the_checksum(name):
    values = {"format": training_state.FORMAT - 1}
    text = changed(STATE.to_json(), **{name: values.get(name, "another")})
    with pytest.raises(ValueError, match="does not match its checksum"):
        TrainingState.from_json(text)


def test_a_state_without_its_checksum_is_refused():
    with pytest.raises(ValueError, match="does not match its checksum"):
        TrainingState.from_json(without(STATE.to_json(), "crc32"))


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null", "7", '{"step": 7}'])
def test_what_is_no_state_is_refused(text):
    with pytest.raises((ValueError, LookupError, TypeError)):
        TrainingState.from_json(text)


def test_a_newer_format_is_refused_whatever_it_holds():
    newer = training_state.FORMAT + 1
    for text in (changed(STATE.to_json(), format=newer), f'{{"format": {newer}}}'):
        with pytest.raises(NewerFormat, match=f"format {newer}, newer than this"):
            TrainingState.from_json(text)


def test_a_state_that_was_written_before_it_was_a_type_is_read():
    state = TrainingState.from_json(BEFORE)
    values = json.loads(BEFORE)
    assert state.model_facts == values.pop("about")
    assert values.pop("format") == training_state.FORMAT
    assert values.pop("crc32")
    assert {name: getattr(state, name) for name in values} == values
    fields = {field.name for field in dataclasses.fields(TrainingState)}
    assert {*values, "model_facts", "drift"} == fields
    assert state.drift == {}


def test_a_state_is_written_as_it_was_before():
    assert json.loads(TrainingState.from_json(BEFORE).to_json()) == json.loads(BEFORE)


def test_what_a_state_says_beyond_its_fields_is_passed_over():
    values = json.loads(STATE.to_json())
    del values["crc32"]
    values["more"] = 1
    text = json.dumps(values | {"crc32": training_state._crc32(values)})
    assert TrainingState.from_json(text) == STATE


def test_a_state_cannot_be_changed_in_place():
    with pytest.raises(dataclasses.FrozenInstanceError):
        STATE.step = 8
