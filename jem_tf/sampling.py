"""Draws images: the one way, for training's figures, the commands and servers.

    start      where chains begin: in the replay buffer, or afresh (`starts`)
    sampler    takes K steps towards lower E(x), or lower E(x, y) of a label each
    pick       keeps one of C candidates an image, with probability ~ exp(-E)

`draw` does it in one graph; `draw_many` does the same in batches, with the progress on
a terminal and steps kept for films. Equal seeds give equal images from both, of as many
chains as are in a batch. Each batch picks its chains of the buffer anew.

Letters: n images [H, W, C] in [-1, 1]; C candidates an image; K steps of the sampler; F
frames, evenly spaced steps of a chain, with its start and its end; energies in nats.
"""

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from jem_tf import energies, pixels
from jem_tf.errors import InputError, argument, whole_number
from jem_tf.replay import ReplayBuffer
from jem_tf.samplers.walking import Sampler, run
from jem_tf.starts import Start

BATCH_SIZE = 500  # chains at a time
STRETCHES = 50  # calls of the graph for a chain without frames
DEFAULT_RATE = 0.05  # the paper's rho, for a run whose own is 0
NOT_FINITE = (
    "pixels that are not finite, as the chains diverged; give fewer steps, a smaller "
    "step size or less noise, or train longer"
)


class Model(Protocol):
    """What `draw` needs of a model: an `EnergyModel`."""

    buffer: ReplayBuffer | None
    num_classes: int

    def energy(self, labels: Any = None) -> Callable[[tf.Tensor], tf.Tensor]: ...


class Known(NamedTuple):
    """An image float32 [H, W, C] and which of its pixels are free: bool [H, W, 1]."""

    image: np.ndarray
    free: np.ndarray


class Begun(NamedTuple):
    """Chains at their start: images [n * C, H, W, C], labels, seeds of what follows."""

    images: tf.Tensor
    labels: tf.Tensor | None
    walk_seed: tf.Tensor
    pick_seed: tf.Tensor


class Drawn(NamedTuple):
    """Drawn images, their energies and frames.

    images: float32 [n, H, W, C], the ends of the chains.
    energies: float32 [n], their E(x).
    frames: uint8 [F, n, H, W, C], or None.
    frame_steps: int32 [F], the steps that the frames show; or None.
    """

    images: np.ndarray
    energies: np.ndarray
    frames: np.ndarray | None
    frame_steps: np.ndarray | None


class SameObjects:
    """Objects as one argument of a `tf.function`, which is traced anew for others.

    As they are, it would look into them: a function that wraps another would be taken
    for that.
    """

    __slots__ = ("objects",)  # without weak references: they are kept

    def __init__(self, *objects: Any):
        self.objects = objects

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SameObjects) and hash(self) == hash(other)

    def __hash__(self) -> int:
        return hash(tuple(map(id, self.objects)))


def draw(
    model: Model,
    start: Start,
    sampler: Sampler,
    n: Any,
    seed: Any,
    *,
    labels: Any = None,
    candidates: int = 1,
) -> tf.Tensor:
    """Draws n images, as operations of one graph.

    Args:
      model: gives the energies.
      start: where chains begin, see `starts`.
      sampler: a `samplers.Sampler` with its steps bound.
      n: how many images; an int or a scalar tensor.
      seed: int [2].
      labels: int [n] to draw from p(x | y), or None to draw from p(x).
      candidates: C chains an image.

    Returns:
      float32 [n, H, W, C], about in [-1, 1]: nothing but a clamp keeps pixels there.
    """
    begun = begin(start, n, seed, labels=labels, candidates=candidates)
    energy = model.energy(begun.labels)
    x, _ = run(sampler, energy, begun.images, seed=begun.walk_seed)
    return _pick(x, energy, candidates, begun.pick_seed)


def begin(
    start: Start, n: Any, seed: Any, *, labels: Any = None, candidates: int = 1
) -> Begun:
    """Places the chains of n images at their start, C an image; as in `draw`."""
    start_seed, walk_seed, pick_seed = tf.unstack(tf.random.split(seed, 3))
    if labels is not None:
        labels = tf.repeat(tf.cast(labels, tf.int32), candidates)
    images = start(n * candidates, start_seed, labels)
    return Begun(images, labels, walk_seed, pick_seed)


def _pick(x: tf.Tensor, energy: Callable, candidates: int, seed: Any) -> tf.Tensor:
    """Picks one of every C images in a row: [n * C, H, W, C] -> [n, H, W, C]."""
    if candidates == 1:
        return x
    return energies.pick(x, energy(x), candidates=candidates, seed=seed)


def from_buffer(buffer: ReplayBuffer) -> Start:
    """A start that continues samples of the replay buffer, which is not changed.

    Call the buffer's `check_samples` before.
    """

    def start(n, seed, labels=None):
        return buffer.draw_samples(n, seed, labels)

    return start


def classes_in_turn(model: Model, n: int) -> np.ndarray | None:
    """Labels int32 [n], one class after the other, if the buffer keeps chains by class.

    Otherwise returns None: chains walk down E(x).
    """
    by_class = model.buffer is not None and model.buffer.num_classes
    return np.arange(n, dtype="int32") % model.num_classes if by_class else None


def check_labels(labels: Any, n: int, num_classes: int) -> np.ndarray:
    """Makes int32 [n] of n class numbers, or of one for all.

    Raises:
      InputError: if they are others, or not in [0, num_classes).
    """
    try:
        given = np.asarray(labels)
    except ValueError:  # rows of several lengths
        given = np.asarray(labels, "object")
    classes = np.broadcast_to(given, [n]) if given.ndim == 0 else given
    whole = np.issubdtype(given.dtype, np.integer) and classes.shape == (n,)
    if not (whole and 0 <= classes.min() <= classes.max() < num_classes):
        raise InputError(
            f"{argument('labels')} are {given.tolist()}; give {n} class numbers, or "
            f"one for all, from 0 to {num_classes - 1}."
        )
    return classes.astype("int32")


def usual_steps(steps: int, reinit_prob: float, *, continued: bool) -> int:
    """The default number of steps of a chain.

    Args:
      steps: K of a training step.
      reinit_prob: rho, the probability that a chain of the buffer starts afresh.
      continued: whether the chains continue the buffer's. If so they take K steps;
        chains that start afresh take K / rho, as many as a chain of the buffer takes in
        the mean.
    """
    return steps if continued else round(steps / (reinit_prob or DEFAULT_RATE))


def check_finite(images: np.ndarray) -> np.ndarray:
    """Returns images [n, H, W, C]; raises InputError if a pixel is not finite."""
    diverged = ~np.isfinite(images).all(axis=(1, 2, 3))
    if diverged.any():
        raise InputError(f"{diverged.sum()} of {len(images)} images have {NOT_FINITE}.")
    return images


def to_uint8(images: np.ndarray) -> np.ndarray:
    """Clips images to [-1, 1] and rounds them to 8 bits: float -> uint8.

    Raises:
      InputError: if a pixel is not finite.
    """
    return pixels.to_uint8(check_finite(images)).numpy()


def draw_many(
    model: Model,
    start: Start,
    sampler: Sampler,
    n: int,
    *,
    steps: int,
    labels: Any = None,
    candidates: int = 1,
    frames: int = 0,
    known: Known | None = None,
    seed_of_batch: Callable[[int], Any],
    batch_size: int = BATCH_SIZE,
) -> Drawn:
    """Draws n images in batches, with a bar on a terminal; else as `draw`.

    Long chains run in several calls of a graph: only frames are held in memory.

    Args:
      model, start, sampler, labels, candidates: as in `draw`.
      n: how many images.
      steps: K.
      frames: F to keep, at least 2 and with 1 candidate only; 0 keeps none.
      known: an image whose pixels outside `free` every chain keeps; None: all move.
      seed_of_batch: number of the batch -> int [2].
      batch_size: chains at a time, on which the images depend.

    Returns:
      Drawn.

    Raises:
      InputError: if pixels are not finite at the end, or an argument is out of range.
    """
    from tqdm import tqdm

    n, frames = whole_number("n", n, 1), whole_number("frames", frames, 0)
    steps = whole_number("steps", steps, 0)
    candidates = whole_number("candidates", candidates, 1)
    batch_size = whole_number("batch_size", batch_size, 1)
    labels = None if labels is None else check_labels(labels, n, model.num_classes)
    if frames == 1:
        raise InputError(f"{argument('frames', 1)}: give 0, or 2 and more.")
    if frames and candidates > 1:
        raise InputError(f"{argument('frames', frames)} goes with 1 candidate only.")
    stops = np.linspace(0, steps, frames or STRETCHES).round().astype("int32")
    stops = np.unique(stops)
    walk, energy = _stretch_walker(model, sampler, known), _energy_graph(model)
    each, parts = max(1, batch_size // candidates), []
    total = n * candidates * steps
    with tqdm(total=total, desc="chains", unit="step", disable=None) as bar:
        for batch, first in enumerate(range(0, n, each)):
            size, seed = min(each, n - first), seed_of_batch(batch)
            some = None if labels is None else labels[first : first + size]
            begun = begin(start, size, seed, labels=some, candidates=candidates)
            x, kept = _walk_in_stretches(begun, walk, stops, bool(frames), known, bar)
            x = _pick(x, lambda x, y=begun.labels: energy(x, y), candidates, begun[-1])
            parts.append((check_finite(x.numpy()), energy(x, None).numpy(), kept))
    return _joined(parts, stops)


def _walk_in_stretches(begun, walk, stops, frames, known, bar):
    """One batch from its start to its end -> (x, frames uint8 [F, ...] or None)."""
    x = begun.images
    if known is not None:
        x = tf.where(known.free, x, known.image)
    kept = [to_uint8(x.numpy())] if frames else []
    for first, last in itertools.pairwise(stops):
        count = tf.constant(last - first)
        x = walk(x, begun.labels, tf.constant(first), count, begun.walk_seed)
        if frames:
            kept.append(to_uint8(x.numpy()))
        bar.update((last - first) * len(x))
    return x, np.stack(kept) if frames else None


def _stretch_walker(model, sampler, known):
    """(x, labels, first step, how many, seed) -> x, traced once a batch size."""
    free = None if known is None else known.free

    def walk(x, labels, first, steps, seed):
        down = model.energy(labels)
        return sampler(down, x, seed=seed, first=first, steps=steps, free=free)[0]

    return tf.function(walk, autograph=False)


def _energy_graph(model):
    """(x, labels or None) -> E(x, labels) or E(x)."""
    return tf.function(lambda x, labels: model.energy(labels)(x), autograph=False)


def _joined(parts, stops):
    images, energy, kept = zip(*parts, strict=True)
    frames = None if kept[0] is None else np.concatenate(kept, axis=1)
    steps = None if frames is None else stops
    return Drawn(np.concatenate(images), np.concatenate(energy), frames, steps)
