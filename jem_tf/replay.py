"""The replay buffer: chains that continue from one training step to the next.

Tieleman's persistent contrastive divergence as Du & Mordatch (2019) use it: most
negatives continue those of an earlier step, a few start afresh (Grathwohl et al. 2020,
Algorithm 1).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from jem_tf.errors import InputError, argument
from jem_tf.starts import Start

UNKNOWN_AGE = -1
INITIAL_CHUNK = 1000  # images made at a time, to bound memory while a shard is filled


class Chains(NamedTuple):
    """n chains drawn from a shard."""

    slots: tf.Tensor  # int32 [n], where `put` stores them again
    images: tf.Tensor  # float32 [n, H, W, C]
    fresh: tf.Tensor  # bool [n, 1, 1, 1], True for chains that start afresh


class ReplayBuffer(tf.Module):
    """`size` images float32 [H, W, C] in [-1, 1], divided into one shard a replica.

    A shard is a plain variable on its replica's device: inside `strategy.run` each
    replica sees its own and no other. With `num_classes`, slot s of a shard belongs to
    class s // (slots of the shard / num_classes), so that chains can be drawn by class.
    Each image has the age of its chain, int32: the number of times it was continued, or
    UNKNOWN_AGE in an imported buffer.

    Args:
      size: images in all shards together.
      start: where chains start, see `starts`.
      reinit_prob: rho in [0, 1], the probability that a drawn chain starts afresh (the
        paper: 0.05).
      num_classes: K when chains are drawn by class, else None.
      devices: a device name per replica (`strategy.extended.worker_devices`); one shard
        if None.
      replicas: the number of replicas in all processes; None: one for each device.
      first_replica: the number of this process's first replica.
      seed: int [2], for the initial images.

    Raises:
      InputError: if `size` is no multiple of shards times classes, if `reinit_prob` is
        not in [0, 1], or inside a `strategy.scope()`, which would mirror the shards.
    """

    def __init__(
        self,
        size: int,
        start: Start,
        *,
        reinit_prob: float = 0.05,
        num_classes: int | None = None,
        devices: Sequence[str | None] | None = None,
        replicas: int | None = None,
        first_replica: int = 0,
        seed: Sequence[int] = (0, 0),
    ):
        super().__init__(name="replay_buffer")
        if tf.distribute.has_strategy():
            raise InputError("Make the ReplayBuffer outside strategy.scope().")
        devices = devices or [None]
        self.num_shards = replicas or len(devices)
        self.size, self.start, self.reinit_prob = size, start, reinit_prob
        self.num_classes = num_classes
        self._check_numbers()
        self.own = range(first_replica, first_replica + len(devices))
        for replica, device in zip(self.own, devices, strict=True):
            with tf.device(device):
                images = self._first_images(replica, seed)
                ages = tf.zeros([self.slots], tf.int32)
                # Named attributes: tf.train.Checkpoint rejects a list of variables.
                setattr(self, f"shard_{replica}", tf.Variable(images, trainable=False))
                setattr(self, f"ages_{replica}", tf.Variable(ages, trainable=False))

    @property
    def slots(self) -> int:
        """The number of images in one replica's shard."""
        return self.size // self.num_shards

    @property
    def image_shape(self) -> tuple[int, ...]:
        """(H, W, C) of the images."""
        return tuple(getattr(self, f"shard_{self.own[0]}").shape[1:])

    @property
    def shard(self) -> tf.Variable:
        """This replica's variable [slots, H, W, C]; the first one outside a replica."""
        return getattr(self, f"shard_{self._replica()}")

    @property
    def ages(self) -> tf.Variable:
        """This replica's variable int32 [slots], the ages of its shard's chains."""
        return getattr(self, f"ages_{self._replica()}")

    def all_images(self) -> np.ndarray:
        """The images of all shards of this process: float32 [their slots, H, W, C]."""
        return np.concatenate([x.numpy() for x in self._own_variables("shard")])

    def all_ages(self) -> np.ndarray:
        """The ages of all chains of this process: int32 [slots of its shards]."""
        return np.concatenate([x.numpy() for x in self._own_variables("ages")])

    def draw(
        self, n: Any, seed: Any, labels: Any = None, *, reinit: bool = True
    ) -> Chains:
        """Picks n chains of this replica's shard to continue.

        Args:
          n: how many; an int, or a scalar tensor.
          seed: int [2].
          labels: int [n] to draw chain i among those of class labels[i], or None. A
            buffer without `num_classes` draws from all chains, and uses labels only
            where chains start afresh.
          reinit: whether chains may start afresh.

        Returns:
          Chains.
        """
        slot_seed, start_seed, which_seed = tf.unstack(tf.random.split(seed, 3))
        if labels is None or self.num_classes is None:
            slots = tf.random.stateless_uniform([n], slot_seed, 0, self.slots, tf.int32)
        else:
            each = self.slots // self.num_classes
            within = tf.random.stateless_uniform([n], slot_seed, 0, each, tf.int32)
            slots = tf.cast(labels, tf.int32) * each + within
        images = tf.gather(self.shard, slots)
        fresh = tf.zeros([n, 1, 1, 1], tf.bool)
        if reinit:
            chance = tf.random.stateless_uniform([n, 1, 1, 1], which_seed)
            fresh = chance < self.reinit_prob
            images = tf.where(fresh, self.start(n, start_seed, labels), images)
        return Chains(slots, images, fresh)

    def put(
        self, slots: tf.Tensor, images: tf.Tensor, fresh: tf.Tensor | bool = False
    ) -> None:
        """Stores images [n, H, W, C] at slots int [n].

        If several images go to one slot, the last one is stored. The age of a chain
        that is `fresh`, as in `Chains`, becomes 1.
        """
        fresh = tf.reshape(fresh, [-1])
        ages = tf.where(fresh, 0, tf.gather(self.ages, slots)) + 1
        # Scattering to one slot twice is a race. Giving all its writers the last one's
        # image is not.
        same = tf.cast(slots[:, None] == slots[None, :], tf.int32)
        last = tf.argmax(same * tf.range(1, tf.size(slots) + 1), axis=1)
        self.shard.scatter_nd_update(slots[:, None], tf.gather(images, last))
        self.ages.scatter_nd_update(slots[:, None], tf.gather(ages, last))

    def restore(self, images: Sequence[np.ndarray], ages: Sequence[np.ndarray]) -> None:
        """Restores images and ages from the shards of another buffer of this size.

        The number of shards may differ: they are pooled and divided again.

        Args:
          images: the other buffer's shards in order, float32 [their slots, H, W, C].
          ages: the ages of these images, int32 [their slots].
        """
        for name, shards in (("shard", images), ("ages", ages)):
            divided = _deal(shards, self.num_shards, self.num_classes or 1)
            own = self._own_variables(name)
            for replica, variable in zip(self.own, own, strict=True):
                variable.assign(divided[replica])

    def _own_variables(self, name: str) -> list[tf.Variable]:
        return [getattr(self, f"{name}_{replica}") for replica in self.own]

    def _check_numbers(self) -> None:
        classes = self.num_classes or 1
        if self.size < 1 or self.size % (self.num_shards * classes):
            raise InputError(
                f"{argument('buffer_size', self.size)} does not divide into "
                f"{self.num_shards} shard(s) of {classes} class(es); choose a multiple "
                "of their product."
            )
        if not 0 <= self.reinit_prob <= 1:
            raise InputError(
                f"{argument('reinit_prob', self.reinit_prob)} must lie in [0, 1]."
            )

    def _replica(self) -> int:
        context = tf.distribute.get_replica_context()
        if not context or context.num_replicas_in_sync == 1:
            return self.own[0]
        replica = tf.get_static_value(context.replica_id_in_sync_group)
        if replica not in self.own:
            raise InputError(
                f"The replay buffer has {self.num_shards} shard(s), too few for "
                f"{context.num_replicas_in_sync} replicas; make it with "
                "devices=strategy.extended.worker_devices."
            )
        return replica

    def _first_images(self, replica: int, seed: Sequence[int]) -> tf.Tensor:
        seed = tf.random.experimental.stateless_fold_in(seed, replica)
        chunks, k = [], self.num_classes
        labels = tf.repeat(tf.range(k), self.slots // k) if k else None
        for begin in range(0, self.slots, INITIAL_CHUNK):
            n = min(INITIAL_CHUNK, self.slots - begin)
            some = None if labels is None else labels[begin : begin + n]
            chunk_seed = tf.random.experimental.stateless_fold_in(seed, begin)
            chunks.append(self.start(n, chunk_seed, some))
        return tf.concat(chunks, axis=0)


def _deal(shards: Sequence, count: int, num_classes: int) -> list[np.ndarray]:
    """Pools shards [slots, ...], and divides each class evenly among `count` shards."""
    by_class = [np.reshape(x, [num_classes, -1, *x.shape[1:]]) for x in shards]
    pooled = np.concatenate(by_class, axis=1)
    parts = np.split(pooled, count, axis=1)
    return [np.reshape(part, [-1, *part.shape[2:]]) for part in parts]
