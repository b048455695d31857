"""How well Markov chains explore: their energies, effective sample size and R-hat.

Letters: n parallel chains of images [H, W, C], K steps; energies in nats.
"""

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from jem_tf.energy_model import EnergyModel
from jem_tf.errors import InputError, argument
from jem_tf.replay import ReplayBuffer


class ChainRecord(NamedTuple):
    """What is kept of n parallel chains.

    energy: float32 [K + 1, n], in nats.
    acceptance: float32 [K, n], 1 where a step was accepted, else 0; None of a sampler
      that accepts every step.
    """

    energy: np.ndarray
    acceptance: np.ndarray | None


def record_chains(
    model: EnergyModel, walk: Any, n: int, *, noise: bool = False, seed: int = 0
) -> ChainRecord:
    """Records E(x) and the accepted steps of n parallel chains.

    Args:
      model: has a replay buffer, whose samples the chains continue; it is not changed.
      walk: `samplers.trace` with its sampler and steps bound: (energy, x, seed=) ->
        `samplers.Trace`.
      n: how many chains; of the buffer's at most as many as it has samples.
      noise: whether the chains start from U(-1, 1) noise, not from the buffer.
      seed: int.

    Raises:
      InputError: if the buffer has no sample, or fewer than n.
    """
    draw_seed, chain_seed = tf.unstack(tf.random.split([seed, 0]))
    shape = [n, *model.buffer.shard.shape[1:]]
    if noise:
        start = tf.random.stateless_uniform(shape, draw_seed, -1.0, 1.0)
    else:
        model.buffer.check_samples()
        _check_starts(model.buffer, n)
        start = model.buffer.draw_samples(n, draw_seed)

    def walk_from(x):
        trace = walk(model.energy(), x, seed=chain_seed)
        return trace.energy, trace.acceptance  # without the images

    energy, acceptance = tf.function(walk_from, autograph=False)(start)
    accepted = None if acceptance is None else acceptance.numpy()
    return ChainRecord(energy.numpy(), accepted)


def _check_starts(buffer: ReplayBuffer, n: int) -> None:
    """Raises InputError if chains would start at equal images."""
    samples = buffer.count_samples().sum()
    if n > samples:
        raise InputError(
            f"{argument('chains', n)} is more than the {samples} samples of the replay "
            f"buffer, and copies are no independent chains; give at most {samples}, or "
            f"{argument('start', 'noise')}."
        )


def mixing_statistics(
    trace: np.ndarray, acceptance: np.ndarray | None = None
) -> dict[str, float]:
    """Measures how well parallel chains explore, from the second half of their E(x).

    The effective sample size sums autocorrelations up to Geyer's (1992) first negative
    pair, over all chains together. R-hat is the potential scale reduction factor of
    Gelman & Rubin (1992), where each chain is split in two. `tfp.mcmc` computes both,
    the latter as a ratio of variances, whose root R-hat is.

    Args:
      trace: float [K + 1, n] in nats, of n >= 2 chains of K >= 8 steps.
      acceptance: float [K, n], as in `ChainRecord`.

    Returns:
      {"ess": effective sample size of all chains together; if states are independent,
      it is their number in the second half; "ess_share": ess divided by this number;
      "rhat": near 1 if the chains agree, above 1.1 if they do not, not finite if no
      chain moves; "energy_mean", "energy_std": mean and deviation of E(x) in the second
      half, in nats; "energy_first": mean E(x) at the start, in nats; "acceptance":
      share of the steps in the second half that were accepted, if it is given}.
    """
    import tensorflow_probability as tfp

    trace = np.asarray(trace)
    kept = trace[len(trace) // 2 :]
    ess = tfp.mcmc.effective_sample_size(
        kept, cross_chain_dims=1, filter_beyond_positive_pairs=True
    )
    rhat = tfp.mcmc.potential_scale_reduction(
        kept, independent_chain_ndims=1, split_chains=True
    )
    statistics = {
        "ess": float(ess),
        "ess_share": float(ess) / kept.size,
        "rhat": float(np.sqrt(rhat)),
        "energy_mean": float(kept.mean()),
        "energy_std": float(kept.std()),
        "energy_first": float(trace[0].mean()),
    }
    if acceptance is not None:
        statistics["acceptance"] = float(acceptance[len(acceptance) // 2 :].mean())
    return statistics
