"""Chains of a trained model from their start to their end, with some of their steps.

Letters: n images [H, W, C] in [-1, 1]; K steps of SGLD; F frames, steps evenly over the
walk, its start and its end among them; energies in nats.

A long walk goes in stretches. Only frames are held in memory, and progress is shown.
"""

import collections
import itertools

import numpy as np
import tensorflow as tf

from jem_tf import energies
from jem_tf.evaluation import sample_sets

STRETCHES = 50  # of a walk without frames
# images float32 [n, H, W, C], the ends; energies E(x) of them, float32 [n]; frames
# uint8 [F, n, H, W, C] and their steps, int32 [F], or None
Drawn = collections.namedtuple("Drawn", "images energies frames steps")
Begun = collections.namedtuple("Begun", "x labels walk_seed pick_seed")


def of_buffer(buffer):
    """A start, see `starts`, at chains of the replay buffer, which stays as it is."""

    def start(n, seed, labels=None):
        return buffer.draw(n, seed, labels, reinit=False).images

    return start


def in_turn(model, n):
    """Labels int [n] of each class in turn if the buffer's chains are by class."""
    by_class = model.buffer is not None and model.buffer.num_classes
    return np.arange(n) % model.num_classes if by_class else None


def draw(
    model, start, walk, n, *, labels=None, candidates=1, frames=0, seed=0, known=None
):
    """Walks n chains from the start to the end.

    From the buffer, by the run's own sampler, these are the images of `model.sample`,
    as long as they are one batch.

    Args:
      model: EnergyModel.
      start: where chains start, see `starts`.
      walk: functools.partial of `samplers.sgld` with all but energy, images and seed
        bound.
      n: how many images.
      labels: int [n] to walk down E(x, y), or None for E(x).
      candidates: chains an image, see `energies.pick`.
      frames: F to keep, at least 2 and with 1 candidate only; or 0.
      seed: int. Equal seeds give equal images.
      known: `known.Known` pixels, which every chain has and never moves; or None.

    Returns:
      Drawn.

    Raises:
      InputError: if chains went astray.
    """
    from tqdm import tqdm

    total = walk.keywords["steps"]
    stops = np.unique(
        np.linspace(0, total, frames or STRETCHES).round().astype("int32")
    )
    each = max(1, sample_sets.BATCH_SIZE // candidates)
    go, energy, found = _stretch(model, walk, known), _energy(model), []
    with tqdm(
        total=total * n * candidates, desc="chains", unit="step", disable=None
    ) as bar:
        for batch, begin in enumerate(range(0, n, each)):
            size = min(each, n - begin)
            some = None if labels is None else labels[begin : begin + size]
            begun = _begin(start, size, some, candidates, [seed, batch], known)
            x, kept = _walk(begun, go, stops, bool(frames), bar)
            if candidates > 1:
                down = energy(x, begun.labels)
                x = energies.pick(x, down, candidates, begun.pick_seed)
            sample_sets.rounded(x.numpy())  # raises if it is not finite
            found.append((x.numpy(), energy(x, None).numpy(), kept))
    images, energy, kept = zip(*found, strict=True)
    kept = np.concatenate(kept, axis=1) if frames else None
    steps = stops if frames else None
    return Drawn(np.concatenate(images), np.concatenate(energy), kept, steps)


def _begin(start, n, labels, candidates, seed, known):
    """Where n * candidates chains start."""
    draw_seed, *seeds = tf.unstack(tf.random.split(seed, 3))  # as in EnergyModel.sample
    if labels is not None:
        labels = tf.repeat(tf.constant(labels, tf.int32), candidates)
    x = start(n * candidates, draw_seed, labels)
    if known is not None:
        x = tf.where(known.free, x, known.image)
    return Begun(x, labels, *seeds)


def _walk(begun, go, stops, frames, bar):
    """One batch from its start to its end -> (x, frames uint8 [F, ...] or None)."""
    x, labels, seed, _ = begun
    kept = [sample_sets.rounded(x.numpy())] if frames else []
    for first, last in itertools.pairwise(stops):
        x = go(x, labels, tf.constant(first), tf.constant(last - first), seed)
        if frames:
            kept.append(sample_sets.rounded(x.numpy()))
        bar.update((last - first) * len(x))
    return x, np.stack(kept) if frames else None


def _stretch(model, walk, known):
    """(x, labels, first step, how many, seed) -> x, traced once a batch size."""
    free = None if known is None else known.free

    def stretch(x, labels, first, steps, seed):
        down = model.energy(labels)
        return walk(down, x, seed=seed, first=first, steps=steps, free=free)

    return tf.function(stretch)


def _energy(model):
    """(x, labels or None) -> E(x, labels) or E(x)."""
    return tf.function(lambda x, labels: model.energy(labels)(x))
