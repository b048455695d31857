"""The replay buffer: chains that go on from one training step to another.

Tieleman's persistent contrastive divergence as Du & Mordatch (2019) use it: most
negatives go on from an earlier step's, a few start afresh (Grathwohl et al. 2020,
Algorithm 1).
"""

import collections

import numpy as np
import tensorflow as tf

from jem_tf.errors import InputError

Chains = collections.namedtuple("Chains", "slots images fresh")
UNKNOWN_AGE = -1
INITIAL_CHUNK = 1000  # images; bounds what filling a shard needs beside the shard


class ReplayBuffer(tf.Module):
    """`size` images float32 [H, W, C] in [-1, 1], dealt out to one shard a replica.

    A shard is a plain variable on its replica's device: inside `strategy.run` each
    replica sees its own and no other. With `num_classes`, slot s of a shard belongs to
    class s // (slots of the shard / num_classes), so that chains can be drawn by class.
    Beside each image stands the age of its chain, int32: how often it was gone on with;
    of a buffer that came from elsewhere, UNKNOWN_AGE.

    Args:
      size: images in all shards together.
      start: where chains start, see `starts`.
      reinit_prob: in [0, 1], the probability that a drawn chain starts afresh (the
        paper: 0.05).
      num_classes: K when chains are drawn by class, else None.
      devices: a device name per replica (`strategy.extended.worker_devices`); one shard
        if None.
      replicas: of all processes, where this one has only some; default: a device each.
      first_replica: number of this process's first one among them.
      seed: int [2], of the first images.

    Raises:
      InputError: if the sizes do not divide, or inside a `strategy.scope()`, which
        would mirror the shards.
    """

    def __init__(
        self,
        size,
        start,
        *,
        reinit_prob=0.05,
        num_classes=None,
        devices=None,
        replicas=None,
        first_replica=0,
        seed=(0, 0),
    ):
        super().__init__(name="replay_buffer")
        if tf.distribute.has_strategy():
            raise InputError(
                "Make the ReplayBuffer outside strategy.scope(), not in it."
            )
        devices = devices or [None]
        replicas = replicas or len(devices)
        if size < 1 or size % (replicas * (num_classes or 1)):
            raise InputError(
                f"buffer_size={size} does not divide into {replicas} shard(s) "
                f"of {num_classes or 1} class(es); choose a multiple of their product."
            )
        if not 0 <= reinit_prob <= 1:
            raise InputError(f"reinit_prob is {reinit_prob}; it must lie in [0, 1].")
        self.size, self.start, self.reinit_prob = size, start, reinit_prob
        self.num_classes, self.num_shards = num_classes, replicas
        self.own = range(first_replica, first_replica + len(devices))
        for replica, device in zip(self.own, devices, strict=True):
            with tf.device(device):
                images = self._first(replica, seed)
                ages = tf.zeros([self.slots], tf.int32)
                # Named attributes: a list of variables is one that tf.train.Checkpoint
                # rejects.
                setattr(self, f"shard_{replica}", tf.Variable(images, trainable=False))
                setattr(self, f"ages_{replica}", tf.Variable(ages, trainable=False))

    @property
    def slots(self):
        """How many images one replica's shard holds."""
        return self.size // self.num_shards

    @property
    def shard(self):
        """This replica's variable [slots, H, W, C]; the first one outside a replica."""
        return getattr(self, f"shard_{self._replica()}")

    @property
    def ages(self):
        """This replica's variable int32 [slots], the ages of its shard's chains."""
        return getattr(self, f"ages_{self._replica()}")

    def draw(self, n, seed, labels=None, *, reinit=True):
        """Picks n chains of this replica's shard to go on with.

        Args:
          n: how many; an int, or a scalar tensor.
          seed: int [2].
          labels: int [n] to draw chain i among those of class labels[i] (a buffer with
            `num_classes`; others draw regardless and only start afresh by label), or
            None.
          reinit: whether chains may start afresh.

        Returns:
          Chains(slots int32 [n], where `put` returns them; images float32
          [n, H, W, C]; fresh bool [n, 1, 1, 1], which of them start afresh).
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
            fresh = (
                tf.random.stateless_uniform([n, 1, 1, 1], which_seed) < self.reinit_prob
            )
            images = tf.where(fresh, self.start(n, start_seed, labels), images)
        return Chains(slots, images, fresh)

    def put(self, slots, images, fresh=False):
        """Stores images [n, H, W, C] at slots int [n]; of two in one slot, the last.

        `fresh`, as in `Chains`, says whose age begins anew.
        """
        fresh = tf.reshape(fresh, [-1])
        ages = tf.where(fresh, 0, tf.gather(self.ages, slots)) + 1
        # Scattering one slot twice is a race. Giving all its writers the last one's
        # image is not.
        same = tf.cast(slots[:, None] == slots[None, :], tf.int32)
        last = tf.argmax(same * tf.range(1, tf.size(slots) + 1), axis=1)
        self.shard.scatter_nd_update(slots[:, None], tf.gather(images, last))
        self.ages.scatter_nd_update(slots[:, None], tf.gather(ages, last))

    def restore(self, images, ages):
        """Takes over the shards of a buffer of this size: pooled, dealt out again.

        Args:
          images: of each shard of the other, in order, float32 [its slots, H, W, C].
          ages: of the same, int32 [its slots].
        """
        for name, shards in (("shard", images), ("ages", ages)):
            dealt = _deal(shards, self.num_shards, self.num_classes or 1)
            for replica in self.own:
                getattr(self, f"{name}_{replica}").assign(dealt[replica])

    def _replica(self):
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

    def _first(self, replica, seed):
        seed = tf.random.experimental.stateless_fold_in(seed, replica)
        labels = None
        if self.num_classes:
            labels = tf.repeat(
                tf.range(self.num_classes), self.slots // self.num_classes
            )
        chunks = []
        for begin in range(0, self.slots, INITIAL_CHUNK):
            n = min(INITIAL_CHUNK, self.slots - begin)
            some = None if labels is None else labels[begin : begin + n]
            chunk_seed = tf.random.experimental.stateless_fold_in(seed, begin)
            chunks.append(self.start(n, chunk_seed, some))
        return tf.concat(chunks, axis=0)


def _deal(shards, count, num_classes):
    """Arrays [slots, ...] of all shards -> `count` such arrays, classes in step."""
    by_class = [np.reshape(x, [num_classes, -1, *x.shape[1:]]) for x in shards]
    pooled = np.concatenate(by_class, axis=1)
    parts = np.split(pooled, count, axis=1)
    return [np.reshape(part, [-1, *part.shape[2:]]) for part in parts]
