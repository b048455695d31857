import numpy as np
import pytest
import tensorflow as tf

from jem_tf.replay import stuck_chains

ENERGIES = np.random.default_rng(0).normal(-5, 2, 301).astype("float32")
ENERGIES[::7] = np.nan
ENERGIES[3], ENERGIES[4] = np.inf, 40.0


def by_hand(energies, ages, others, deviations, least_age):
    known = np.sort(others[np.isfinite(others)])
    middle = known[(len(known) - 1) // 2]
    spread = np.sort(np.abs(known - middle))[(len(known) - 1) // 2]
    high = (
        np.nan_to_num(energies, nan=-np.inf, posinf=-np.inf)
        > middle + deviations * spread
    )
    return high & (ages >= least_age)


@pytest.mark.parametrize("deviations", [0.5, 3.0, 10.0])
def test_a_chain_is_stuck_if_it_is_old_and_far_above_the_median(deviations):
    ages = np.random.default_rng(1).integers(-1, 40, 301).astype("int32")
    find = tf.function(stuck_chains.find_stuck, jit_compile=True)
    numbers = {"deviations": deviations, "least_age": 20}
    found = find(ENERGIES[:50], ages[:50], ENERGIES, **numbers).numpy()
    expected = by_hand(ENERGIES[:50], ages[:50], ENERGIES, *numbers.values())
    np.testing.assert_array_equal(found, expected)


def test_a_chain_of_unknown_energy_is_not_stuck_nor_among_unknown_ones():
    old, nan = tf.fill([2], 99), float("nan")
    numbers = {"deviations": 1.0, "least_age": 1}
    for energies, others in (
        ([nan, float("inf")], ENERGIES),
        ([0.0, 1e9], np.full(9, nan)),
    ):
        others = tf.constant(others, tf.float32)
        found = stuck_chains.find_stuck(tf.constant(energies), old, others, **numbers)
        assert not found.numpy().any()


@pytest.mark.parametrize("n", [1, 2, 5, 6])
def test_the_median_is_the_lower_one_of_those_known(n):
    values = np.random.default_rng(n).normal(size=10).astype("float32")
    known = np.arange(10) < n
    expected = np.sort(values[:n])[(n - 1) // 2]
    assert float(stuck_chains.median(values, known)) == expected
    assert float(stuck_chains.median(values, np.zeros(10, bool))) == np.inf
