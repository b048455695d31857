import math

import pytest

from jem_tf.errors import InputError
from jem_tf.keras_support import loss_checks

GOOD = {
    "altered_weight": 0.0,
    "label_smoothing": 0.0,
    "energy_l2": 0.0,
    "input_noise": 0.0,
    "gradient_clip": None,
}


@pytest.mark.parametrize("weights", [(1, 1, 0), (0, 1, 0), (0, 0, 1)])
def test_numbers_in_their_ranges_pass(weights):
    loss_checks.check(weights, **GOOD)
    ends = {"label_smoothing": 1.0, "energy_l2": 9.0, "gradient_clip": 1e-9}
    loss_checks.check(weights, **GOOD | ends)


@pytest.mark.parametrize("weights", [(-1, 1, 1), (1, math.nan, 0), (0, 0, 0)])
def test_weights_that_weigh_nothing_are_refused(weights):
    with pytest.raises(InputError, match="must not be negative, nor all 0"):
        loss_checks.check(weights, **GOOD)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("altered_weight", -1.0, "must not be negative, and is for log p"),
        ("label_smoothing", 1.5, "is a probability; give a number in"),
        ("label_smoothing", math.nan, "is a probability; give a number in"),
        ("energy_l2", -0.1, "must not be negative; give 0 or more"),
        ("input_noise", math.nan, "must not be negative; give 0 or more"),
        ("gradient_clip", 0.0, "bounds a norm; give a number above 0"),
    ],
)
def test_a_number_out_of_its_range_is_refused_by_its_name(name, value, says):
    with pytest.raises(InputError, match=f"^{name}={value} {says}"):
        loss_checks.check((1, 1, 0), **GOOD | {name: value})


def test_altered_images_are_for_a_generative_term():
    with pytest.raises(InputError, match=r"^altered_weight=1.0 .* give one of them a"):
        loss_checks.check((0, 1, 0), **GOOD | {"altered_weight": 1.0})
