"""The `ReplayBuffer`: chains that continue from one training step to the next.

Tieleman's persistent contrastive divergence as Du & Mordatch (2019) use it: most
negatives continue those of an earlier step, a few start afresh (Grathwohl et al. 2020,
Algorithm 1).
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from jem_tf.errors import InputError, argument, whole_number
from jem_tf.replay import sample_slots, shard_dealing, stuck_chains
from jem_tf.starts import UNKNOWN_ORIGIN, Start, draw_with_origins

UNKNOWN_AGE, UNKNOWN_ENERGY = -1, float("nan")
STATE = ("shard", "ages", "origins", "energies")  # variables of each replica
INITIAL_CHUNK = 1000  # images made at a time, to bound memory while a shard is filled


class Chains(NamedTuple):
    """n chains drawn from a shard."""

    slots: tf.Tensor  # int32 [n], where `put` stores them again
    images: tf.Tensor  # float32 [n, H, W, C]
    fresh: tf.Tensor  # bool [n, 1, 1, 1], True for chains that start afresh
    origins: tf.Tensor  # int32 [n], how the chains began, see `starts.ORIGINS`


class ReplayBuffer(tf.Module):
    """`size` images float32 [H, W, C] in [-1, 1], divided into one shard a replica.

    A shard is a plain variable on its replica's device: inside `strategy.run` each
    replica sees its own and no other. With `num_classes`, slot s of a shard belongs to
    class s // (slots of the shard / num_classes), so that chains can be drawn by class.
    Each image has, of its chain,

        age      int32, how often it was continued; UNKNOWN_AGE in an imported buffer
        origin   int32, how it began, see `starts.ORIGINS`; UNKNOWN_ORIGIN in buffers of
                 before, and of a start that does not tell
        energy   float32, E(x) in nats when it was last continued, as the training step
                 read it before its update; NaN until then

    A chain that began at an altered real image is a negative and never a sample.

    Args:
      size: images in all shards together.
      start: where chains start, see `starts`.
      reinit_prob: rho in [0, 1], the probability that a drawn chain starts afresh (the
        paper: 0.05).
      restart_stuck: r, a drawn chain also starts afresh if its energy is above the
        shard's median by more than r times the median absolute deviation, see
        `stuck_chains`. 0: never.
      restart_age: how often a chain was continued before that rule holds for it.
      num_classes: K when chains are drawn by class, else None.
      devices: a device name per replica (`strategy.extended.worker_devices`); one shard
        if None.
      replicas: the number of replicas in all processes; None: one for each device.
      first_replica: the number of this process's first replica.
      seed: int [2], for the initial images.

    Raises:
      InputError: if `size` is no multiple of shards times classes, if `reinit_prob` is
        not in [0, 1], `restart_stuck` is negative or `restart_age` below 1, or inside a
        `strategy.scope()`, which would mirror the shards.
    """

    def __init__(
        self,
        size: int,
        start: Start,
        *,
        reinit_prob: float = 0.05,
        restart_stuck: float = 0.0,
        restart_age: int = 20,
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
        self.restart_stuck, self.restart_age = restart_stuck, restart_age
        self.num_classes = num_classes
        self._check_arguments(seed)
        self.own = range(first_replica, first_replica + len(devices))
        for replica, device in zip(self.own, devices, strict=True):
            with tf.device(device):
                images, origins = self._first_images(replica, seed)
                first = {
                    "shard": images,
                    "ages": tf.zeros([self.slots], tf.int32),
                    "origins": origins,
                    "energies": tf.fill([self.slots], UNKNOWN_ENERGY),
                }
                # Named attributes: tf.train.Checkpoint rejects a list of variables.
                for name, value in first.items():
                    variable = tf.Variable(value, trainable=False)
                    setattr(self, f"{name}_{replica}", variable)

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

    @property
    def origins(self) -> tf.Variable:
        """This replica's variable int32 [slots], how its shard's chains began."""
        return getattr(self, f"origins_{self._replica()}")

    @property
    def energies(self) -> tf.Variable:
        """This replica's variable float32 [slots], its shard's energies in nats."""
        return getattr(self, f"energies_{self._replica()}")

    def all_images(self) -> np.ndarray:
        """The images of all shards of this process: float32 [their slots, H, W, C]."""
        return self._pooled("shard")

    def all_ages(self) -> np.ndarray:
        """The ages of all chains of this process: int32 [slots of its shards]."""
        return self._pooled("ages")

    def all_origins(self) -> np.ndarray:
        """The origins of all chains of this process: int32 [slots of its shards]."""
        return self._pooled("origins")

    def all_energies(self) -> np.ndarray:
        """The energies of all chains of this process: float32 [slots of its shards]."""
        return self._pooled("energies")

    def are_samples(self) -> np.ndarray:
        """Which chains of this process are samples: bool [slots of its shards]."""
        return sample_slots.is_sample(self.all_origins())

    @property
    def has_samples(self) -> bool:
        """Whether there are samples, in a buffer by class of each class."""
        return bool(self.count_samples().all())

    def count_samples(self) -> np.ndarray:
        """How many chains of this replica are samples, of each class: int64 [K].

        Of a buffer without classes, [1].
        """
        return sample_slots.count_samples(self.origins.numpy(), self.num_classes or 1)

    def check_samples(self) -> None:
        """Raises InputError unless `has_samples`."""
        sample_slots.check_samples(self.origins.numpy(), self.num_classes or 1)

    def draw(
        self, n: Any, seed: Any, labels: Any = None, *, reinit: bool = True
    ) -> Chains:
        """Picks n chains of this replica's shard to continue.

        Args:
          n: how many; an int, or a scalar tensor.
          seed: int [2].
          labels: int [n] to draw chain i among those of class labels[i], or None. A
            buffer without `num_classes` draws from all chains, and uses labels only
            where chains start afresh. One with it starts them as of their slots' class.
          reinit: whether chains may start afresh. If so, those that are not finite do.

        Returns:
          Chains.
        """
        slot_seed, start_seed, which_seed = tf.unstack(tf.random.split(seed, 3))
        slots = self._choose_slots(n, slot_seed, labels)
        images, origins = tf.gather(self.shard, slots), tf.gather(self.origins, slots)
        fresh = tf.zeros([n, 1, 1, 1], tf.bool)
        if reinit:
            chance = tf.random.stateless_uniform([n, 1, 1, 1], which_seed)
            fresh = chance < self.reinit_prob
            finite = tf.reduce_all(tf.math.is_finite(images), [1, 2, 3], keepdims=True)
            fresh |= ~finite  # what diverged would end the training of any weights
            if self.restart_stuck:
                fresh |= tf.reshape(self._find_stuck(slots), [-1, 1, 1, 1])
            of_slots = labels
            if labels is None and self.num_classes:  # they are drawn by class later
                of_slots = slots // (self.slots // self.num_classes)
            begun = draw_with_origins(self.start, n, start_seed, of_slots)
            images = tf.where(fresh, begun[0], images)
            origins = tf.where(tf.reshape(fresh, [-1]), begun[1], origins)
        return Chains(slots, images, fresh, origins)

    def draw_samples(self, n: Any, seed: Any, labels: Any = None) -> tf.Tensor:
        """Picks images of n chains that are samples: float32 [n, H, W, C].

        No chain is picked twice before all are, of each class if there are labels.

        Args:
          n, seed, labels: as in `draw`. Call `check_samples` before.
        """
        blocks = 1 if labels is None else (self.num_classes or 1)
        slots = sample_slots.choose_samples(
            n,
            self.origins.read_value(),
            seed,
            labels if blocks > 1 else None,
            blocks=blocks,
        )
        return tf.gather(self.shard, slots)

    def put(
        self,
        slots: tf.Tensor,
        images: tf.Tensor,
        fresh: tf.Tensor | bool = False,
        origins: tf.Tensor | None = None,
    ) -> None:
        """Stores images [n, H, W, C] at slots int [n].

        If several images go to one slot, the last one is stored. The age of a chain
        that is `fresh`, as in `Chains`, becomes 1, and its energy unknown. An unknown
        age stays unknown until then.

        Args:
          slots, images, fresh: of `Chains`.
          origins: int32 [n]; None: those of the slots stay.
        """
        fresh, last = tf.reshape(fresh, [-1]), _last_writers(slots)
        ages = tf.gather(self.ages, slots)
        ages = tf.where(ages == UNKNOWN_AGE, UNKNOWN_AGE, ages + 1)
        ages = tf.where(fresh, 1, ages)
        energies = tf.where(fresh, UNKNOWN_ENERGY, tf.gather(self.energies, slots))
        stored = {"shard": images, "ages": ages, "energies": energies}
        if origins is not None:
            stored["origins"] = origins
        for name, values in stored.items():
            variable = getattr(self, name)
            variable.scatter_nd_update(slots[:, None], tf.gather(values, last))

    def put_energies(self, slots: tf.Tensor, energies: tf.Tensor) -> None:
        """Stores energies float32 [n] of chains that were `put` at slots int [n]."""
        last = _last_writers(slots)
        self.energies.scatter_nd_update(slots[:, None], tf.gather(energies, last))

    def restore(
        self,
        images: Sequence[np.ndarray],
        ages: Sequence[np.ndarray],
        origins: Sequence[np.ndarray] | None = None,
        energies: Sequence[np.ndarray] | None = None,
    ) -> None:
        """Restores the shards of another buffer of this size.

        The number of shards may differ: they are pooled and divided again.

        Args:
          images: the other buffer's shards in order, float32 [their slots, H, W, C].
          ages: the ages of these images, int32 [their slots].
          origins: int32 [their slots]; None: unknown.
          energies: float32 [their slots], in nats; None: unknown.
        """
        if origins is None:
            origins = [np.full(len(x), UNKNOWN_ORIGIN, "int32") for x in images]
        if energies is None:
            energies = [np.full(len(x), UNKNOWN_ENERGY, "float32") for x in images]
        kept = (images, ages, origins, energies)
        for name, shards in zip(STATE, kept, strict=True):
            divided = shard_dealing.deal(shards, self.num_shards, self.num_classes or 1)
            own = self._own_variables(name)
            for replica, variable in zip(self.own, own, strict=True):
                variable.assign(divided[replica])

    def state_of(self, replica: int) -> dict[str, np.ndarray]:
        """{name: array [slots, ...]} of one of this process's shards, for a file.

        The names are those of the variables: shard_0, ages_0 and so on.
        """
        names = (f"{name}_{replica}" for name in STATE)
        return {name: getattr(self, name).numpy() for name in names}

    def as_one_shard(self) -> dict[str, np.ndarray]:
        """{name of STATE: array [size, ...]} of this process, as a single replica's."""
        states = [self.state_of(replica) for replica in self.own]
        pooled = {}
        for name in STATE:
            shards = [s[f"{name}_{i}"] for i, s in zip(self.own, states, strict=True)]
            pooled[name] = shard_dealing.deal(shards, 1, self.num_classes or 1)[0]
        return pooled

    def restore_state(self, state: Mapping[str, np.ndarray], replicas: int) -> None:
        """Restores what `state_of` gave for each of so many replicas, all in one dict.

        Files of before have images and ages alone.
        """

        def shards(name: str) -> list[np.ndarray]:
            return [np.asarray(state[f"{name}_{i}"]) for i in range(replicas)]

        later = (shards(name) if f"{name}_0" in state else None for name in STATE[2:])
        self.restore(shards("shard"), shards("ages"), *later)

    def _pooled(self, name: str) -> np.ndarray:
        """The values of one of STATE in all shards of this process: [slots, ...]."""
        return np.concatenate([x.numpy() for x in self._own_variables(name)])

    def _own_variables(self, name: str) -> list[tf.Variable]:
        return [getattr(self, f"{name}_{replica}") for replica in self.own]

    def _choose_slots(self, n: Any, seed: Any, labels: Any) -> tf.Tensor:
        """Slots of chains drawn evenly, or evenly among those of each label."""
        if labels is None or self.num_classes is None:
            return tf.random.stateless_uniform([n], seed, 0, self.slots, tf.int32)
        each = self.slots // self.num_classes
        within = tf.random.stateless_uniform([n], seed, 0, each, tf.int32)
        return tf.cast(labels, tf.int32) * each + within

    def _find_stuck(self, slots: tf.Tensor) -> tf.Tensor:
        everyone = self.energies.read_value()
        return stuck_chains.find_stuck(
            tf.gather(everyone, slots),
            tf.gather(self.ages, slots),
            everyone,
            deviations=self.restart_stuck,
            least_age=self.restart_age,
        )

    def _check_arguments(self, seed: Sequence[int]) -> None:
        if np.shape(seed) != (2,):
            raise InputError(
                f"{argument('seed')} is {seed!r}; give two whole numbers, such as "
                "(0, 1)."
            )
        if not callable(self.start):
            raise InputError(
                f"{argument('start')} is {self.start!r}; give a function of images to "
                "begin with, such as jem_tf.starts.uniform((32, 32, 3))."
            )
        self.size = whole_number("buffer_size", self.size, 0)
        if self.num_classes is not None:
            self.num_classes = whole_number("num_classes", self.num_classes, 0)
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
        if not 0 <= self.restart_stuck < float("inf"):
            raise InputError(
                f"{argument('restart_stuck', self.restart_stuck)} must not be negative."
            )
        if self.restart_age < 1:
            raise InputError(
                f"{argument('restart_age', self.restart_age)} must be at least 1."
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

    def _first_images(
        self, replica: int, seed: Sequence[int]
    ) -> tuple[tf.Tensor, tf.Tensor]:
        seed = tf.random.experimental.stateless_fold_in(seed, replica)
        chunks, k = [], self.num_classes
        labels = tf.repeat(tf.range(k), self.slots // k) if k else None
        for begin in range(0, self.slots, INITIAL_CHUNK):
            n = min(INITIAL_CHUNK, self.slots - begin)
            some = None if labels is None else labels[begin : begin + n]
            chunk_seed = tf.random.experimental.stateless_fold_in(seed, begin)
            chunks.append(draw_with_origins(self.start, n, chunk_seed, some))
            drawn = chunks[-1][0]
            if len(drawn) != n or drawn.dtype != tf.float32:
                raise InputError(
                    f"{argument('start')} gives {drawn.dtype.name} "
                    f"{drawn.shape.as_list()} when asked for {n} images; it must give "
                    f"float32 [{n}, H, W, C]."
                )
        images, origins = zip(*chunks, strict=True)
        return tf.concat(images, axis=0), tf.concat(origins, axis=0)


def _last_writers(slots: tf.Tensor) -> tf.Tensor:
    """For each of slots [n], the last place of an equal slot: int64 [n].

    Scattering to one slot twice is a race. Giving all its writers the last one's value
    is not.
    """
    same = tf.cast(slots[:, None] == slots[None, :], tf.int32)
    return tf.argmax(same * tf.range(1, tf.size(slots) + 1), axis=1)
