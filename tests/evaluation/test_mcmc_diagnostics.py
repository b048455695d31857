import functools
import math

import numpy as np
import pytest
import tensorflow as tf

from jem_tf import networks, replay, samplers, starts
from jem_tf.energy_model import EnergyModel
from jem_tf.errors import InputError
from jem_tf.evaluation import mcmc_diagnostics

SHAPE = (8, 8, 1)
WALK = {"steps": 6, "step_size": 1.0, "noise": 0.05}


def made(size=50, **kw):
    buffer = replay.ReplayBuffer(size, starts.uniform(SHAPE), **kw)
    buffer.ages.assign(tf.range(buffer.slots))
    network = networks.build("convnet-8", SHAPE, 4, seed=1)
    return EnergyModel(network, buffer=buffer)


@pytest.fixture(scope="module")
def model():
    return made()


def walk(**changes):
    return functools.partial(samplers.trace, samplers.sgld, **(WALK | changes))


def normal(*shape):
    return np.random.default_rng(0).normal(size=shape)


def autoregressive(rho, steps, n):
    """x_{t+1} = rho x_t + sqrt(1 - rho^2) N(0, 1): [steps, n], at rest from the start.

    Its autocorrelation at lag k is rho^k, and n states are worth n (1 - rho) /
    (1 + rho) independent ones.
    """
    noise = normal(steps, n)
    x = [noise[0]]
    for more in noise[1:]:
        x.append(rho * x[-1] + math.sqrt(1 - rho**2) * more)
    return np.stack(x)


def test_energies_are_the_samplers_own_and_leave_the_buffer_alone(model):
    before = [variable.numpy() for variable in model.buffer.variables]
    seen = []

    def spied(energy, x, *, seed):
        trace = walk()(energy, x, seed=seed)
        seen.append((x, seed, trace))
        return trace

    tf.config.run_functions_eagerly(True)
    try:
        energies, accepted = mcmc_diagnostics.record_chains(model, spied, 9, seed=3)
    finally:
        tf.config.run_functions_eagerly(False)
    ((start, seed, trace),) = seen
    assert energies.shape == (7, 9)
    assert accepted is None
    np.testing.assert_array_equal(energies, trace.energy)
    end, _ = samplers.sgld(model.energy(), start, seed=seed, **WALK)
    np.testing.assert_allclose(energies[-1], model.energy()(end), rtol=1e-5)
    for variable, old in zip(model.buffer.variables, before, strict=True):
        np.testing.assert_array_equal(variable, old)


def test_chains_start_in_the_buffer_and_never_afresh():
    model = made(reinit_prob=1.0)
    known = model.energy()(model.buffer.shard).numpy()
    first = mcmc_diagnostics.record_chains(model, walk(), 45).energy[0]
    distance = np.abs(first[:, None] - known[None, :]).min(axis=1)
    assert distance.max() < 1e-5
    assert len({*np.abs(first[:, None] - known[None, :]).argmin(axis=1)}) > 40


def test_no_two_chains_start_at_one_sample(model):
    with pytest.raises(InputError) as error:
        mcmc_diagnostics.record_chains(model, walk(), 51)
    assert str(error.value) == (
        "chains=51 is more than the 50 samples of the replay buffer, and copies are no "
        "independent chains; give at most 50, or start=noise."
    )


def test_chains_may_start_in_noise():
    model, still = made(), walk(steps=0)
    model.buffer.shard.assign(tf.zeros([50, *SHAPE]))
    flat = mcmc_diagnostics.record_chains(model, still, 50).energy
    noisy = mcmc_diagnostics.record_chains(model, still, 64, noise=True).energy
    assert np.ptp(flat) < 1e-5 < np.std(noisy)


def test_a_seed_is_a_walk(model):
    energies, again, other = (
        mcmc_diagnostics.record_chains(model, walk(), 5, seed=s).energy
        for s in (1, 1, 2)
    )
    # TensorFlow adds x, score and noise in the order in which their buffers come free.
    np.testing.assert_allclose(energies, again, rtol=1e-5)
    assert np.abs(energies - other).max() > 1e-4


def test_of_mala_the_accepted_steps_are_recorded_and_counted_in_the_second_half(model):
    mala = samplers.build("mala", step_size=1e4, temperature=1.0)
    walk = functools.partial(samplers.trace, mala, steps=9)
    energies, accepted = mcmc_diagnostics.record_chains(model, walk, 7)
    assert (energies.shape, accepted.shape) == ((10, 7), (9, 7))
    assert set(np.unique(accepted)) == {0.0, 1.0}
    moved = energies[1:] != energies[:-1]
    np.testing.assert_array_equal(accepted, moved)
    statistics = mcmc_diagnostics.mixing_statistics(energies, accepted)
    assert statistics.pop("acceptance") == pytest.approx(accepted[4:].mean())
    assert statistics == mcmc_diagnostics.mixing_statistics(energies)


def test_of_independent_states_each_counts():
    statistics = mcmc_diagnostics.mixing_statistics(5.0 + 2.0 * normal(2001, 16))
    kept = 1001 * 16
    assert statistics["ess"] == pytest.approx(kept, rel=0.1)
    assert statistics["ess_share"] == pytest.approx(statistics["ess"] / kept)
    assert statistics["rhat"] == pytest.approx(1.0, abs=0.01)
    assert statistics["energy_mean"] == pytest.approx(5.0, abs=0.1)
    assert statistics["energy_std"] == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize("rho", [0.5, 0.8, 0.9])
def test_states_that_resemble_each_other_count_for_fewer(rho):
    statistics = mcmc_diagnostics.mixing_statistics(autoregressive(rho, 8000, 16))
    assert statistics["ess_share"] == pytest.approx((1 - rho) / (1 + rho), rel=0.1)
    assert statistics["rhat"] == pytest.approx(1.0, abs=0.02)


def test_rhat_is_the_root_of_the_textbooks_ratio_of_variances():
    """Gelman & Rubin's, of each chain in two halves; Vehtari et al., equations 1-4."""
    trace = np.random.default_rng(3).normal(size=[400, 4]) + [0.0, 0.5, 1.0, 1.5]
    first, second = np.split(trace[200:], 2)
    halves = np.concatenate([first, second], axis=1)  # [N, 2 n]
    within, between = halves.var(0, ddof=1).mean(), halves.mean(0).var(ddof=1)
    n = len(halves)
    expected = np.sqrt(((n - 1) / n * within + between) / within)
    assert 1.1 < expected < 1.5
    # TFP has (m + 1) / m of the m half chains before the sum, as Brooks & Gelman.
    rhat = mcmc_diagnostics.mixing_statistics(trace)["rhat"]
    assert rhat == pytest.approx(expected, rel=0.08)


def test_chains_stuck_at_levels_of_their_own_do_not_agree():
    stuck = np.arange(8) + 0.01 * normal(1000, 8)
    statistics = mcmc_diagnostics.mixing_statistics(stuck)
    assert statistics["rhat"] > 10
    assert statistics["ess"] < 40  # some states a chain, of 500


def test_chains_that_drift_together_do_not_agree_with_themselves():
    drifting = np.linspace(0, 100, 1000)[:, None] + normal(1000, 8)
    assert mcmc_diagnostics.mixing_statistics(drifting)["rhat"] > 1.5


def test_the_first_half_is_warm_up():
    trace = normal(1000, 8)
    warm = trace.copy()
    warm[:500] += 1000.0
    statistics, expected = (
        mcmc_diagnostics.mixing_statistics(warm),
        mcmc_diagnostics.mixing_statistics(trace),
    )
    first = statistics.pop("energy_first")
    assert first == pytest.approx(expected.pop("energy_first") + 1000)
    assert statistics == expected
    assert first == pytest.approx(np.mean(warm[0]))


@pytest.mark.parametrize("kind", ["iid", "slow", "stuck"])
def test_no_trace_is_worth_more_than_its_states(kind):
    trace = {
        "iid": normal(400, 8),
        "slow": normal(400, 8).cumsum(axis=0),
        "stuck": np.arange(8) + 0.01 * normal(400, 8),
    }[kind]
    assert 0 < mcmc_diagnostics.mixing_statistics(trace)["ess"] <= 200 * 8


def test_chains_continue_samples_alone():
    model = made()
    altered = np.arange(50) % 2 == 0
    level = np.where(altered, 9.0, 0.5)[:, None, None, None]
    model.buffer.shard.assign(np.broadcast_to(level, [50, *SHAPE]))
    model.buffer.origins.assign(np.where(altered, starts.ALTERED, 1))
    seen = []

    def spied(energy, x, *, seed):
        seen.append(x)
        return walk(steps=1)(energy, x, seed=seed)

    tf.config.run_functions_eagerly(True)
    try:
        mcmc_diagnostics.record_chains(model, spied, 25)
    finally:
        tf.config.run_functions_eagerly(False)
    assert (seen[0].numpy() == 0.5).all()
    model.buffer.origins.assign(tf.fill([50], starts.ALTERED))
    with pytest.raises(InputError, match=r"^All chains in the replay buffer began at"):
        mcmc_diagnostics.record_chains(model, spied, 3)
