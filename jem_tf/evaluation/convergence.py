"""How well Markov chains explore: their energies, effective sample size and R-hat.

Letters: n parallel chains of images [H, W, C], K steps; energies in nats.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from jem_tf.energy_model import EnergyModel


def energy_traces(
    model: EnergyModel, walk: Any, n: int, *, noise: bool = False, seed: int = 0
) -> np.ndarray:
    """Records E(x) along n parallel chains.

    Args:
      model: has a replay buffer, which is not changed.
      walk: `samplers.trace` with its sampler and steps bound: (energy, x, seed=) ->
        a trace, whose `energy` is [K + 1, n].
      n: how many chains.
      noise: whether the chains start from U(-1, 1) noise, not from the buffer.
      seed: int.

    Returns:
      float32 [K + 1, n], in nats.
    """
    draw_seed, chain_seed = tf.unstack(tf.random.split([seed, 0]))
    shape = [n, *model.buffer.shard.shape[1:]]
    if noise:
        start = tf.random.stateless_uniform(shape, draw_seed, -1.0, 1.0)
    else:
        start = model.buffer.draw(n, draw_seed, reinit=False).images
    traced = tf.function(
        lambda x: walk(model.energy(), x, seed=chain_seed).energy, autograph=False
    )
    return traced(start).numpy()


def mixing_statistics(trace: np.ndarray) -> dict[str, float]:
    """Measures how well parallel chains explore, from the second half of their E(x).

    The effective sample size sums autocorrelations up to Geyer's (1992) first negative
    pair, over all chains together. R-hat is the potential scale reduction of Gelman &
    Rubin (1992), where each chain is split in two. `tfp.mcmc` computes both.

    Args:
      trace: float [K + 1, n] in nats, of n >= 2 chains of K >= 8 steps.

    Returns:
      {"ess": effective sample size of all chains together; if states are independent,
      it is their number in the second half; "ess_share": ess divided by this number;
      "rhat": near 1 if the chains agree, above 1.1 if they do not, not finite if no
      chain moves; "energy_mean", "energy_std": mean and deviation of E(x) in the second
      half, in nats; "energy_first": mean E(x) at the start, in nats}.
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
    return {
        "ess": float(ess),
        "ess_share": float(ess) / kept.size,
        "rhat": float(rhat),
        "energy_mean": float(kept.mean()),
        "energy_std": float(kept.std()),
        "energy_first": float(trace[0].mean()),
    }
