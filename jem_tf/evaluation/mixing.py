"""How the chains do: those in the replay buffer, and parallel ones gone on with."""

import numpy as np
import tensorflow as tf

from jem_tf.evaluation import inference

LOOKED_AT = 1000  # images of the buffer


def ages(buffer):
    """Of this process's chains: how often they were gone on with, mean and at most."""
    found = np.concatenate([getattr(buffer, f"ages_{i}").numpy() for i in buffer.own])
    return {"chain_age_mean": float(found.mean()), "chain_age_max": int(found.max())}


def classes(model):
    """How many of about 1,000 images of the buffer the model takes for which class.

    Returns:
      int [K].
    """
    images = model.buffer.shard[:: max(1, model.buffer.slots // LOOKED_AT)]
    found = np.argmax(inference.logits(model, images), axis=1)
    return np.bincount(found, minlength=model.num_classes)


def energies(model, walk, n, *, noise=False, seed=0):
    """E(x) along n parallel chains.

    Args:
      model: JEM with a replay buffer, which stays as it is.
      walk: `samplers.chains` with all but energy, images and seed bound.
      n: how many chains.
      noise: whether they start at U(-1, 1), not in the buffer.
      seed: int.

    Returns:
      float32 [K + 1, n], in nats, K being the walk's steps.
    """
    draw_seed, chain_seed = tf.unstack(tf.random.split([seed, 0]))
    shape = [n, *model.buffer.shard.shape[1:]]
    if noise:
        start = tf.random.stateless_uniform(shape, draw_seed, -1.0, 1.0)
    else:
        start = model.buffer.draw(n, draw_seed, reinit=False).images
    go = tf.function(lambda x: walk(model.energy(), x, seed=chain_seed).energy)
    return go(start).numpy()


def mixing(trace):
    """How well parallel chains explore: of E(x), over the second half of the steps.

    The effective sample size sums autocorrelations up to Geyer's (1992) first negative
    pair, over all chains together; the potential scale reduction is Gelman & Rubin's
    (1992), of chains cut in two. Both as `tfp.mcmc` computes them.

    Args:
      trace: float [K + 1, n] in nats, n >= 2 chains of K >= 8 steps.

    Returns:
      {"ess": of all n chains, the kept steps * n where states are independent;
      "ess_share": of those; "rhat": near 1 where the chains agree, above 1.1 where they
      do not, not a finite number where none moves; "energy_mean",
      "energy_std" in nats; "energy_first": mean at the start}.
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
