import dataclasses
import math

import pytest

from jem_tf.options import GROUPS, Options

FIELDS = [field for group in GROUPS.values() for field in dataclasses.fields(group)]
STABLE = """
    dataset data_dir network workdir seed steps epochs batch_size learning_rate
    p_x_weight p_y_given_x_weight p_x_y_weight sampler_steps step_size step_noise
    buffer_size reinit_prob input_noise labels_per_class energy_l2 gradient_clip
    strategy steps_per_execution checkpoint_every checkpoints_kept guard guard_retries
""".split()
# What a run may change when it goes on: where and how it is computed, kept and watched.
FREE = """
    data_dir workdir jit_compile strategy logical_cpus steps_per_execution
    checkpoint_every checkpoints_kept guard guard_gap guard_energy guard_patience
    guard_retries guard_learning_rate guard_strengthen export
""".split()
# Grathwohl et al. 2020, appendix A, and the authors' code.
PAPER = {
    "network": {"network": "wrn-28-10", "norm": "none", "activation": "leaky_relu"},
    "sampling": {
        "sampler_steps": 20,
        "step_size": 1.0,
        "step_noise": 0.01,
        "score_clamp": 0.0,
        "range_clamp": 0.0,
        "buffer_size": 10_000,
        "reinit_prob": 0.05,
        "start": "uniform",
    },
    "objective": {
        "p_x_weight": 1.0,
        "p_y_given_x_weight": 1.0,
        "p_x_y_weight": 0.0,
        "conditional": False,
        "energy_l2": 0.0,
        "gradient_clip": 0.0,
        "input_noise": 0.03,
    },
    "training": {
        "batch_size": 64,
        "epochs": 200,
        "optimizer": "adam",
        "learning_rate": 1e-4,
        "warmup_steps": 1000,
        "weight_decay": 0.0,
    },
}


def test_the_names_promised_are_there():
    assert set(STABLE) <= {field.name for field in FIELDS}


def test_no_two_options_share_a_name():
    names = [field.name for field in FIELDS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("subject", PAPER)
def test_the_defaults_are_the_papers_recipe(subject):
    found = dataclasses.asdict(getattr(Options(), subject))
    assert {name: found[name] for name in PAPER[subject]} == PAPER[subject]


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_a_default_is_of_its_type_and_in_its_range(field):
    meta, value = field.metadata, field.default
    assert type(value) is field.type
    assert meta["help"]
    if meta["choices"]:
        assert value in meta["choices"]
    if field.type in (int, float):
        assert meta["least"] is not None or meta["above"] is not None
        assert value >= (-math.inf if meta["least"] is None else meta["least"])
        assert value > (-math.inf if meta["above"] is None else meta["above"])
        assert value <= (math.inf if meta["most"] is None else meta["most"])


def test_only_how_a_run_is_computed_kept_and_watched_is_free():
    assert {field.name for field in FIELDS if field.metadata["free"]} == set(FREE)


@pytest.mark.parametrize("group", [*GROUPS.values(), Options])
def test_options_cannot_be_changed_in_place(group):
    options = group()
    name = dataclasses.fields(group)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(options, name, getattr(options, name))


def test_options_hold_every_group_once():
    groups = {field.name: field.type for field in dataclasses.fields(Options)}
    assert groups == GROUPS
