"""Starts made of other starts, each with its share of the chains."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from jem_tf.errors import InputError, argument
from jem_tf.starts.origins import Start, draw_with_origins

TOLERANCE = 1e-6  # of the sum of shares


@dataclasses.dataclass(frozen=True, eq=False)
class Mixture:
    """A `Start`: as `first` with probability `share`, else as `second`."""

    first: Start
    second: Start
    share: float

    def __call__(self, n: Any, seed: Any, labels: Any = None) -> tf.Tensor:
        return self.with_origins(n, seed, labels)[0]

    def with_origins(
        self, n: Any, seed: Any, labels: Any = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Images [n, H, W, C] and their origins int32 [n]; see `Start`."""
        which_seed, *seeds = tf.unstack(tf.random.split(seed, 3))
        which = tf.random.stateless_uniform([n, 1, 1, 1], which_seed) < self.share
        firsts, origins = draw_with_origins(self.first, n, seeds[0], labels)
        seconds, others = draw_with_origins(self.second, n, seeds[1], labels)
        origins = tf.where(tf.reshape(which, [-1]), origins, others)
        return tf.where(which, firsts, seconds), origins


@dataclasses.dataclass(frozen=True, eq=False)
class Shares:
    """A `Start`: as each of `members` with the probability of its share.

    members: starts.
    shares: as many numbers, which add up to 1.
    """

    members: tuple[Start, ...]
    shares: tuple[float, ...]

    def __call__(self, n: Any, seed: Any, labels: Any = None) -> tf.Tensor:
        return self.with_origins(n, seed, labels)[0]

    def with_origins(
        self, n: Any, seed: Any, labels: Any = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Images [n, H, W, C] and their origins int32 [n]; see `Start`."""
        which_seed, *seeds = tf.unstack(tf.random.split(seed, len(self.members) + 1))
        u = tf.random.stateless_uniform([n], which_seed)
        images, origins = draw_with_origins(self.members[0], n, seeds[0], labels)
        bounds = np.cumsum(self.shares)
        for i in range(1, len(self.members)):
            chosen = u >= bounds[i - 1]
            more, theirs = draw_with_origins(self.members[i], n, seeds[i], labels)
            images = tf.where(chosen[:, None, None, None], more, images)
            origins = tf.where(chosen, theirs, origins)
        return images, origins


def mixture(first: Start, second: Start, share: float) -> Start:
    """Starts as `first` with probability `share`, else as `second`.

    A share of uniform noise in an informative start keeps noise among the negatives.
    Nothing else teaches a model that noise is improbable.
    """
    return Mixture(first, second, share)


def parse_shares(text: str, known: Sequence[str]) -> dict[str, float]:
    """Reads "gaussian:0.9,uniform:0.1": {name: share}.

    Args:
      text: names with their shares.
      known: the names that there are.

    Raises:
      InputError: if a name is not known or comes twice, or shares are not above 0 or do
        not add up to 1.
    """
    shares: dict[str, float] = {}
    for part in text.split(","):
        name, _, share = (word.strip() for word in part.partition(":"))
        if name not in known or name in shares:
            what = "twice" if name in shares else "no start"
            raise InputError(
                f"{argument('start', text)} has {name!r}, {what}; give each of "
                f"{', '.join(known)} once at most."
            )
        shares[name] = _number(share, text)
    if abs(sum(shares.values()) - 1) > TOLERANCE:
        raise InputError(
            f"{argument('start', text)} has shares that add up to "
            f"{sum(shares.values()):g}; make it 1."
        )
    return shares


def spell_shares(shares: Mapping[str, float]) -> str:
    """The text of shares that need not add up to 1; of one start, its name alone."""
    if len(shares) == 1:
        return next(iter(shares))
    total = sum(shares.values())
    return ",".join(f"{name}:{share / total!r}" for name, share in shares.items())


def _number(share: str, text: str) -> float:
    try:
        number = float(share)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise InputError(
            f"{argument('start', text)} has the share {share!r}; give a number above 0 "
            "after the colon of each start."
        )
    return number
