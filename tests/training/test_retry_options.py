import dataclasses

import pytest

from jem_tf.options import (
    FaultTolerance,
    Objective,
    Options,
    Sampling,
    Training,
    flatten,
)
from jem_tf.training import retry_options

OPTIONS = Options(
    sampling=Sampling(sampler_steps=10),
    objective=Objective(energy_l2=0.0),
    training=Training(seed=5, learning_rate=0.1),
    fault_tolerance=FaultTolerance(guard_strengthen="both", guard_learning_rate=0.5),
)
CLAMPED = {"score_clamp": 1.0, "range_clamp": 1.0, "sampler_steps": 10}


def with_fault_tolerance(**options):
    survival = dataclasses.replace(OPTIONS.fault_tolerance, **options)
    return dataclasses.replace(OPTIONS, fault_tolerance=survival)


def test_strengthening_never_changes_the_options_it_is_given():
    before = flatten(OPTIONS)
    assert retry_options.strengthen(OPTIONS, 2) == retry_options.strengthen(OPTIONS, 2)
    assert flatten(OPTIONS) == before
    assert retry_options.strengthen(OPTIONS, 0) == OPTIONS


def test_each_retry_strengthens_the_one_before():
    opts = OPTIONS
    for retries in range(1, 6):
        opts = retry_options.strengthen(opts, 1)
        assert retry_options.strengthen(OPTIONS, retries) == opts


@pytest.mark.parametrize("what", ["both", "sampler", "energy_l2", "none"])
def test_a_retry_strengthens_what_it_was_told_to(what):
    opts, before = with_fault_tolerance(guard_strengthen=what), flatten(OPTIONS)
    sampler = [
        CLAMPED,
        CLAMPED | {"sampler_steps": 15},
        CLAMPED | {"sampler_steps": 23},
    ]
    for retry in (1, 2, 3):
        strengthened = flatten(retry_options.strengthen(opts, retry))
        expected = {
            "seed": 5 + retry * retry_options.SEED_STEP,
            "learning_rate": pytest.approx(0.1 * 0.5**retry),
            "guard_strengthen": what,
        }
        if what in ("both", "sampler"):
            expected |= sampler[retry - 1]
        if what in ("both", "energy_l2"):
            expected["energy_l2"] = pytest.approx([0.1, 0.2, 0.4][retry - 1])
        assert strengthened == before | expected


def test_a_clamp_of_the_users_stays():
    sampling = Sampling(sampler_steps=10, score_clamp=0.3)
    opts = dataclasses.replace(OPTIONS, sampling=sampling)
    sampling = retry_options.strengthen(opts, 1).sampling
    assert (sampling.score_clamp, sampling.range_clamp) == (0.3, 1.0)
    assert sampling.sampler_steps == 10
    assert retry_options.strengthen(opts, 2).sampling.sampler_steps == 15


def test_the_learning_rate_falls_as_told_and_may_stay():
    for factor, expected in ((0.1, 1e-3), (1.0, 0.1)):
        opts = with_fault_tolerance(guard_learning_rate=factor)
        rate = retry_options.strengthen(opts, 2).training.learning_rate
        assert rate == pytest.approx(expected)


def test_a_retrys_seed_is_a_seed():
    last = dataclasses.replace(OPTIONS, training=Training(seed=2**31 - 1))
    seeds = [retry_options.strengthen(last, n).training.seed for n in range(50)]
    assert len(set(seeds)) == 50
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_a_plain_classifiers_retry_changes_nothing_of_energies_or_chains():
    plain = dataclasses.replace(OPTIONS, objective=Objective(p_x_weight=0.0))
    assert set(retry_options.changes(plain, {})) == {"seed", "learning_rate"}
