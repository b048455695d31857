"""Options that contradict each other get a sentence that names them."""

import dataclasses

import pytest

from jem_tf import samplers
from jem_tf.errors import InputError
from jem_tf.options import Data
from jem_tf.runs import option_checks
from tests.runs.test_build import SMALL, with_sampling, with_subject


def refused(options, replicas=1):
    with pytest.raises(InputError) as raised:
        option_checks.check_options(options, replicas)
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize("name", samplers.SAMPLERS)
def test_a_temperature_is_refused_of_a_sampler_that_has_none(name):
    options = with_sampling(sampler=name, temperature=2.5)
    if "temperature" in samplers.hyperparameters_of(name):
        option_checks.check_options(options, 1)
    else:
        message = refused(options)
        assert f"temperature=2.5 is not used by sampler={name}" in message
        assert "mala" in message


def test_mala_without_noise_is_refused():
    silent = with_sampling(sampler="mala", step_noise=0.0)
    assert "sampler=mala needs noise" in refused(silent)


def test_a_mirror_without_augmentation_is_refused():
    for flip, augment in (("true", True), ("auto", False), ("false", False)):
        options = dataclasses.replace(SMALL, data=Data(flip=flip, augment=augment))
        option_checks.check_options(options, 1)
    message = refused(dataclasses.replace(SMALL, data=Data(flip="true", augment=False)))
    assert "flip=true is not used with augment=false" in message


def test_a_cutout_without_augmentation_is_refused():
    message = refused(dataclasses.replace(SMALL, data=Data(cutout=3, augment=False)))
    assert "cutout=3 is not used with augment=false" in message


@pytest.mark.parametrize(
    ("objective", "few", "why"),
    [
        ({"p_x_images": "same"}, 0, "p_x_images=same"),
        ({"p_x_images": "same", "p_x_weight": 0, "p_x_y_weight": 0.5}, 0, "same"),
        ({"p_x_y_weight": 0.5}, 9, "labels_per_class=9"),
    ],
)
def test_the_density_never_learns_images_with_a_cutout(objective, few, why):
    data = {"cutout": 3, "augment": True, "labels_per_class": few}
    message = refused(with_subject(objective=objective, data=data))
    assert "cutout=3 is for the cross-entropy alone, and with " in message
    assert why in message
    allowed = {"data": {"cutout": 3, "augment": True}}
    option_checks.check_options(with_subject(**allowed), 1)
    option_checks.check_options(
        with_subject(**allowed, objective={"p_x_y_weight": 0.5}), 1
    )


@pytest.mark.parametrize(
    ("changes", "replicas", "text"),
    [
        (
            {"objective": {"p_x_weight": 0.0, "p_y_given_x_weight": 0.0}},
            1,
            "p_x_weight, p_y_given_x_weight, p_x_y_weight are all 0",
        ),
        (
            {"objective": {"p_x_weight": 0.0, "altered_weight": 0.5}},
            1,
            "altered_weight=0.5 is not used without log p(x); give p_x_weight",
        ),
        ({"sampling": {"start": "normal"}}, 1, "start=normal is not known; choose"),
        (
            {"sampling": {"start": "uniform:0.5,gaussian:0.4"}},
            1,
            "shares that add up to 0.9; make it 1",
        ),
        (
            {"sampling": {"start": "altered"}},
            1,
            "start=altered begins all chains at altered training images",
        ),
        ({"training": {"batch_size": 3}}, 2, "batch_size=3 does not divide among 2"),
        (
            {"objective": {"p_x_batch_size": 5}},
            2,
            "p_x_batch_size=5 does not divide among 2",
        ),
        (
            {"sampling": {"buffer_size": 3}},
            1,
            "buffer_size=3 is smaller than a batch of 4 chains",
        ),
        (
            {"objective": {"p_x_images": "same", "p_x_batch_size": 2}},
            1,
            "p_x_images=same takes the cross-entropy's 4 images; leave "
            "p_x_batch_size=2 out",
        ),
        (
            {"objective": {"p_x_images": "same"}, "data": {"labels_per_class": 9}},
            1,
            "labels_per_class=9 needs other images for log p(x); choose "
            "p_x_images=augmented",
        ),
    ],
)
def test_options_that_contradict_each_other_are_refused(changes, replicas, text):
    option_checks.check_options(SMALL, 2)
    message = refused(with_subject(**changes), replicas)
    assert text in message
    assert "--" not in message
