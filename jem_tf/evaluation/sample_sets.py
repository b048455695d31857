"""Samples of a model: the replay buffer as it is, or fresh chains."""

import collections

import numpy as np
import tensorflow as tf

from jem_tf import datasets
from jem_tf.errors import InputError
from jem_tf.evaluation import inference, mixing

BATCH_SIZE = 500  # chains at a time
MOST = 10_000  # samples, unless more are asked for
DEFAULT_RATE = 0.05  # the paper's rho, where a run's chains never start afresh
fold_in = tf.random.experimental.stateless_fold_in


class Fresh(collections.namedtuple("Fresh", "model start walk")):
    """Fresh chains of a model.

    Args:
      model: EnergyModel; it needs no replay buffer.
      start: where chains start, see `starts`.
      walk: functools.partial of (energy, x, seed=) -> x, such as `samplers.sgld` with
        its other arguments bound.
    """

    def draw(self, count, *, labels=None, seed=0, batch_size=BATCH_SIZE):
        """Walks from the start to the end.

        Args:
          count: how many chains.
          labels: int [count] to walk down E(x, y), or None for E(x).
          seed: int.
          batch_size: chains at a time, on which the images depend.

        Returns:
          float32 [count, H, W, C].
        """
        from tqdm import tqdm

        size, found = min(batch_size, count), []
        go = tf.function(self._walk)
        with tqdm(total=count, desc="fresh chains", unit="chain", disable=None) as bar:
            for begin in range(0, count, size):
                n = min(size, count - begin)
                some = None
                if labels is not None:  # the last batch as large as all, for one trace
                    rest = np.asarray(labels, "int32")[begin : begin + n]
                    some = tf.constant(np.resize(rest, size))
                ends = go(size, some, fold_in([seed, 0], begin))
                found.append(ends[:n].numpy())
                bar.update(n)
        return np.concatenate(found)

    def protocol(self, start, *, conditional):
        """What a protocol says of them; `start` names where they start."""
        arguments = {f"sgld_{k}": v for k, v in self.walk.keywords.items()}
        about = {"source": "fresh chains", "start": start, "conditional": conditional}
        return about | arguments

    def _walk(self, n, labels, seed):
        start_seed, chain_seed = tf.unstack(tf.random.split(seed))
        x = self.start(n, start_seed, labels)
        return self.walk(self.model.energy(labels), x, seed=chain_seed)


def mean_length(steps, reinit_prob):
    """K / rho, the steps that a chain of the buffer goes in the mean: int."""
    return round(steps / (reinit_prob or DEFAULT_RATE))


def how_many(model, asked, limit, fresh):
    """How many samples: `asked`, or MOST or the buffer's size, and at most `limit`.

    Raises:
      InputError: if the buffer has not as many.
    """
    there = MOST if fresh else min(MOST, model.buffer.size)
    if not fresh and asked > model.buffer.size:
        raise InputError(
            f"--count={asked} is more than the {model.buffer.size} images of the "
            "buffer; lower it, or give --source=fresh."
        )
    count = asked or there
    return min(count, limit or count)


def draw(model, count, fresh=None, *, conditional=False, seed=0):
    """Samples, in an order at random -> uint8 [count, H, W, C].

    Args:
      model: EnergyModel.
      count: how many.
      fresh: Fresh, or None to take the buffer's images.
      conditional: whether fresh chains walk down E(x, y), of each class in turn.
      seed: int.
    """
    if fresh is None:
        images = of_buffer(model.buffer)
    else:
        labels = np.arange(count) % model.num_classes if conditional else None
        images = fresh.draw(count, labels=labels, seed=seed)
    return rounded(shuffled(images, count, seed))


def of_buffer_protocol(model, steps):
    """What a protocol says of the buffer's images; `steps` K a time they go on."""
    age = mixing.ages(model.buffer)["chain_age_mean"]
    return {
        "source": "replay buffer, as it is",
        "conditional": bool(model.buffer.num_classes),
        "sgld_steps_mean": age * steps if age >= 0 else None,  # nobody knows
    }


def of_buffer(buffer):
    """All images of a replay buffer, as they are: float32 [size, H, W, C]."""
    shards = [getattr(buffer, f"shard_{i}").numpy() for i in buffer.own]
    return np.concatenate(shards)


def shuffled(images, count, seed=0):
    """`count` of the images without repetition, in an order at random."""
    return images[np.random.default_rng(seed).permutation(len(images))[:count]]


def rounded(images):
    """Pixels in [-1, 1], clipped to it and rounded to 8 bits: float -> uint8.

    Raises:
      InputError: if some are not finite, as of chains that went astray.
    """
    astray = ~np.isfinite(images).all(axis=(1, 2, 3))
    if astray.any():
        raise InputError(
            f"{astray.sum()} of {len(images)} samples are not finite; give fewer "
            "--steps or a smaller --step_size, or train on."
        )
    return datasets.eight_bit(images)


def confident(model, images, share):
    """The images whose max p(y|x) is in the upper `share` of their predicted class's.

    Args:
      model: Classifier.
      images: uint8 [N, H, W, C].
      share: in (0, 1], of each class rounded up.

    Returns:
      uint8 [n, H, W, C], in the order they had.
    """
    if share == 1:
        return images
    return images[_most_confident(inference.logits(model, images), share)]


def _most_confident(logits, share):
    predicted = np.argmax(logits, axis=1)
    confidence = tf.reduce_max(tf.nn.log_softmax(logits), axis=1).numpy()
    kept = np.zeros(len(logits), bool)
    for y in np.unique(predicted):
        own = np.flatnonzero(predicted == y)
        order = own[np.argsort(-confidence[own], kind="stable")]
        kept[order[: int(np.ceil(share * len(own)))]] = True
    return np.flatnonzero(kept)
