"""Sets of samples to be measured: the replay buffer as it is, or fresh chains."""

import functools
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from jem_tf import samplers, sampling
from jem_tf.energy_model import Classifier, EnergyModel
from jem_tf.errors import InputError, argument
from jem_tf.evaluation import inference, monitoring
from jem_tf.starts import Start

MOST = 10_000  # samples, unless more are asked for
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
        """Walks from the start to the end.

        Args:
          count: how many chains.
          labels: int [count] to walk down E(x, y), or None for E(x).
          seed: int.
          batch_size: chains at a time, on which the images depend.

        Returns:
          float32 [count, H, W, C].
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
        """What a protocol says of them; `start` names where they start."""
        where = {"source": "fresh chains", "start": start, "conditional": conditional}
        return where | samplers.describe(self.sampler)


def count_samples(
    model: EnergyModel, asked: int, limit: int, fresh: FreshChains | None
) -> int:
    """How many samples: `asked`, or MOST or the buffer's size, and at most `limit`.

    Args:
      model: EnergyModel, with a replay buffer unless `fresh` is given.
      asked: 0 where the user did not say.
      limit: 0 for none.
      fresh: FreshChains, or None for the buffer's images.

    Raises:
      InputError: if the buffer has not as many.
    """
    available = MOST if fresh else min(MOST, model.buffer.size)
    if not fresh and asked > model.buffer.size:
        raise InputError(
            f"{argument('count', asked)} is more than the {model.buffer.size} images "
            f"of the buffer; lower it, or give {argument('source', 'fresh')}."
        )
    count = asked or available
    return min(count, limit or count)


def draw_samples(
    model: EnergyModel,
    count: int,
    fresh: FreshChains | None = None,
    *,
    conditional: bool = False,
    seed: int = 0,
) -> np.ndarray:
    """Draws samples, in an order at random: uint8 [count, H, W, C].

    Args:
      model: EnergyModel.
      count: how many.
      fresh: FreshChains, or None to take the buffer's images.
      conditional: whether fresh chains walk down E(x, y), of each class in turn.
      seed: int.
    """
    if fresh is None:
        images = model.buffer.all_images()
    else:
        labels = np.arange(count) % model.num_classes if conditional else None
        images = fresh.draw(count, labels=labels, seed=seed)
    return sampling.to_uint8(shuffle(images, count, seed))


def buffer_protocol(model: EnergyModel, steps: int) -> dict[str, Any]:
    """What a protocol says of the buffer's images; `steps` K a training step."""
    buffer = model.buffer
    age = monitoring.chain_ages(buffer)["chain_age_mean"]
    return {
        "source": "replay buffer, as it is",
        "conditional": bool(buffer.num_classes),
        "sampler_steps_mean": age * steps if age >= 0 else None,  # unknown if imported
    }


def shuffle(images: np.ndarray, count: int, seed: int = 0) -> np.ndarray:
    """`count` of the images without repetition, in an order at random."""
    return images[np.random.default_rng(seed).permutation(len(images))[:count]]


def keep_confident(model: Classifier, images: np.ndarray, share: float) -> np.ndarray:
    """Keeps the images whose max p(y|x) is in the upper `share` of their class.

    Args:
      model: Classifier.
      images: uint8 [N, H, W, C].
      share: in (0, 1], of each predicted class, rounded up.

    Returns:
      uint8 [n, H, W, C], in the order they had.
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
