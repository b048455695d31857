"""Samples to measure: the images of the replay buffer, or the ends of fresh chains."""

import functools
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from jem_tf import samplers, sampling
from jem_tf.energy_model import Classifier, EnergyModel
from jem_tf.errors import InputError, argument
from jem_tf.evaluation import inference, monitoring
from jem_tf.replay import UNKNOWN_AGE
from jem_tf.starts import Start

MOST = 10_000  # samples, unless the user gives a larger number
fold_in = tf.random.experimental.stateless_fold_in


class FreshChains(NamedTuple):
    """Chains that start afresh, each of which becomes a sample.

    model: needs no replay buffer.
    start: where chains start.
    sampler: with its steps and numbers bound.
    """

    model: EnergyModel
    start: Start
    sampler: functools.partial

    def draw(
        self,
        count: int,
        *,
        labels: Any = None,
        seed: int = 0,
        batch_size: int = sampling.BATCH_SIZE,
    ) -> np.ndarray:
        """Runs chains of all steps from the start.

        Args:
          count: how many chains.
          labels: int [count] to draw from p(x | y); None: from p(x).
          seed: int.
          batch_size: chains at a time, on which the images depend.

        Returns:
          float32 [count, H, W, C], the ends of the chains.
        """
        size = min(batch_size, count)
        return sampling.draw_many(
            *self,
            count,
            steps=self.sampler.keywords["steps"],
            labels=labels,
            seed_of_batch=lambda batch: fold_in([seed, 0], batch * size),
            batch_size=batch_size,
        ).images

    def protocol(self, start: str, *, conditional: bool) -> dict[str, Any]:
        """Describes the chains in a protocol; `start` is the name of their start."""
        where = {"source": "fresh chains", "start": start, "conditional": conditional}
        return where | samplers.describe(self.sampler)


def count_samples(
    model: EnergyModel, requested: int, limit: int, fresh: FreshChains | None
) -> int:
    """Returns how many samples to measure.

    Args:
      model: EnergyModel, with a replay buffer unless `fresh` is given.
      requested: the user's number; 0: MOST, or the buffer's size if that is smaller.
      limit: the largest number; 0: no limit.
      fresh: FreshChains, or None for the buffer's images.

    Raises:
      InputError: if the buffer has fewer images than requested.
    """
    if fresh:
        count = requested or MOST
        return min(count, limit or count)
    model.buffer.check_samples()
    samples = int(model.buffer.are_samples().sum())
    if requested > samples:
        negatives = model.buffer.size - samples
        why = f" that are samples ({negatives} began at altered images)"
        why *= bool(negatives)
        raise InputError(
            f"{argument('count', requested)} is more than the {samples} images of the "
            f"buffer{why}; lower it, or give {argument('source', 'fresh')}."
        )
    count = requested or min(MOST, samples)
    return min(count, limit or count)


def draw_samples(
    model: EnergyModel,
    count: int,
    fresh: FreshChains | None = None,
    *,
    conditional: bool = False,
    seed: int = 0,
) -> np.ndarray:
    """Draws samples, in random order: uint8 [count, H, W, C].

    Args:
      model: EnergyModel.
      count: how many.
      fresh: FreshChains, or None to take the buffer's images.
      conditional: whether fresh chains draw from p(x | y), for each class in turn.
      seed: int.
    """
    if fresh is None:
        images = model.buffer.all_images()[model.buffer.are_samples()]
    else:
        labels = np.arange(count) % model.num_classes if conditional else None
        images = fresh.draw(count, labels=labels, seed=seed)
    return sampling.to_uint8(shuffle(images, count, seed))


def ages_of_samples(model: EnergyModel, count: int, *, seed: int = 0) -> np.ndarray:
    """The ages int [count] of the chains that `draw_samples` takes from the buffer.

    Raises:
      InputError: if an age is not known, as in an imported run.
    """
    ages = model.buffer.all_ages()[model.buffer.are_samples()]
    if (ages == UNKNOWN_AGE).any():
        raise InputError(
            f"{argument('by_age', 'true')}: the ages of the buffer's chains are not "
            "known, as they were imported; leave this out."
        )
    return shuffle(ages, count, seed)


def buffer_protocol(model: EnergyModel, steps: int, size: int) -> dict[str, Any]:
    """Describes the buffer's images in a protocol.

    Args:
      model: EnergyModel, with a replay buffer.
      steps: K, the sampler steps of a training step.
      size: chains of the buffer in training; a packed run keeps some of them.
    """
    buffer, source = model.buffer, "replay buffer, as it is"
    if buffer.size < size:
        source = (
            f"replay buffer, {buffer.size:,} of its {size:,} chains: a packed run's"
        )
    age = monitoring.chain_ages(buffer)["chain_age_mean"]
    return {
        "source": source,
        "conditional": bool(buffer.num_classes),
        "sampler_steps_mean": age * steps if age >= 0 else None,  # unknown if imported
        "left_out": int((~buffer.are_samples()).sum()),  # began at altered images
    }


def shuffle(images: np.ndarray, count: int, seed: int = 0) -> np.ndarray:
    """Returns `count` different images, in random order."""
    return images[np.random.default_rng(seed).permutation(len(images))[:count]]


def keep_confident(model: Classifier, images: np.ndarray, share: float) -> np.ndarray:
    """Keeps the images whose max p(y|x) is in the upper `share` of their class.

    Args:
      model: Classifier.
      images: uint8 [N, H, W, C].
      share: in (0, 1], of each predicted class, rounded up.

    Returns:
      uint8 [n, H, W, C], in their previous order.
    """
    if share == 1:
        return images
    return images[_most_confident(inference.logits(model, images), share)]


def _most_confident(logits: np.ndarray, share: float) -> np.ndarray:
    predicted = np.argmax(logits, axis=1)
    confidence = tf.reduce_max(tf.nn.log_softmax(logits), axis=1).numpy()
    kept = np.zeros(len(logits), bool)
    for y in np.unique(predicted):
        own = np.flatnonzero(predicted == y)
        order = own[np.argsort(-confidence[own], kind="stable")]
        kept[order[: int(np.ceil(share * len(own)))]] = True
    return np.flatnonzero(kept)
