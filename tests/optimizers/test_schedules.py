"""The learning rate over the steps of a run."""

import numpy as np
import pytest

from jem_tf import optimizers
from jem_tf.errors import InputError
from jem_tf.optimizers import schedules
from jem_tf.options import Training

RATE, STEPS = 0.5, 1000


def rates(at, **options):
    """The learning rates with which these steps of a run are taken."""
    options = {"learning_rate": RATE, "steps": STEPS} | options
    optimizer = optimizers.build("adam", **options)
    values = []
    for step in at:
        optimizer.iterations.assign(step)
        values.append(float(optimizer.learning_rate))
    return values


@pytest.mark.parametrize("schedule", ["steps", "constant"])
def test_warm_up_is_linear_and_reaches_the_rate_with_its_last_step(schedule):
    values = rates(range(120), warmup_steps=100, schedule=schedule)
    np.testing.assert_allclose(values[:100], RATE * np.arange(1, 101) / 100, rtol=1e-6)
    np.testing.assert_allclose(values[100:], RATE, rtol=1e-6)


@pytest.mark.parametrize("schedule", schedules.SCHEDULES)
def test_without_warm_up_a_run_begins_with_the_rate(schedule):
    assert rates([0], schedule=schedule) == pytest.approx([RATE])


def test_the_rate_falls_to_its_0_3_at_80_and_at_90_percent():
    values = rates([0, 400, 799, 800, 899, 900, 999], schedule="steps")
    shares = [1, 1, 1, 0.3, 0.3, 0.09, 0.09]
    np.testing.assert_allclose(values, RATE * np.array(shares), rtol=1e-6)


def test_cosine_is_half_way_down_at_half_time_and_ends_at_0():
    values = rates(range(STEPS + 1), schedule="cosine")
    expected = RATE * (1 + np.cos(np.pi * np.arange(STEPS + 1) / STEPS)) / 2
    np.testing.assert_allclose(values, expected, atol=1e-6)
    assert values[500] == pytest.approx(RATE / 2)
    assert values[-1] < 1e-6


@pytest.mark.parametrize("warmup", [0, 1, 250, STEPS - 1])
def test_one_cycle_is_a_triangle_that_ends_at_0(warmup):
    steps = range(0, STEPS + 1, 50)
    up = [(step + 1) / max(warmup, 1) for step in steps]
    down = [(STEPS - step) / (STEPS - warmup) for step in steps]
    expected = RATE * np.minimum(np.minimum(up, down), 1)
    values = rates(steps, warmup_steps=warmup, schedule="one_cycle")
    np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-7)


def test_constant_is_constant():
    assert set(rates(range(0, 2 * STEPS, 50), schedule="constant")) == {RATE}


@pytest.mark.parametrize("schedule", schedules.SCHEDULES)
def test_a_run_of_one_step_has_a_rate(schedule):
    assert rates([0], steps=1, schedule=schedule) == pytest.approx([RATE])


@pytest.mark.parametrize("steps", [200, 105_450, 7])
def test_the_rate_falls_by_the_factor_at_each_share_of_the_run(steps):
    shares = schedules.parse_shares("1/3,0.5,5/6")
    rate = schedules.in_steps(0.1, steps, at=shares, factor=0.2)
    for step in {0, steps // 3, steps // 3 + 1, steps // 2, steps * 5 // 6, steps - 1}:
        passed = sum(step >= steps * share for share in shares)
        np.testing.assert_allclose(rate(step), 0.1 * 0.2**passed, rtol=1e-6)


def test_the_defaults_are_those_of_the_options():
    assert Training().decay_at == schedules.DECAY_AT
    assert Training().decay_factor == schedules.DECAY_FACTOR
    assert schedules.parse_shares(schedules.DECAY_AT) == (0.8, 0.9)


def test_the_optimiser_takes_both():
    style = {"decay_at": "0.25,0.5", "decay_factor": 0.1}
    sgd = optimizers.build("momentum", learning_rate=1.0, steps=100, **style)
    rates = []
    for step in (24, 25, 49, 50, 99):
        sgd.iterations.assign(step)
        rates.append(float(sgd.learning_rate))
    assert rates == pytest.approx([1, 0.1, 0.1, 0.01, 0.01])


@pytest.mark.parametrize(
    "text", ["", "0", "1", "0.9,0.8", "0.5,0.5", "half", "1/0", "nan", "0.5,", "-0.5"]
)
def test_what_are_no_shares_is_refused(text):
    with pytest.raises(InputError, match=f"decay_at={text} must list shares"):
        schedules.parse_shares(text)


def test_a_schedule_is_the_same_after_a_file():
    rate = optimizers.build("sgd", learning_rate=0.1, steps=20, warmup_steps=4)
    again = type(rate).from_config(rate.get_config())
    for step in (0, 3, 10, 19):
        rates = [float(one._learning_rate(step)) for one in (rate, again)]
        assert rates[0] == rates[1] > 0


@pytest.mark.parametrize("share", [0.07, 0.14, 0.28, 0.55, 0.56])
def test_a_share_of_a_hundred_steps_is_that_many(share):
    rate = schedules.in_steps(1.0, 100, at=[share], factor=0.1)
    first = round(100 * share)
    assert [float(rate(step)) for step in (first - 1, first)] == pytest.approx([1, 0.1])
