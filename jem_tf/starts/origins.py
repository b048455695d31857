"""How chains begin: the signature of a start, and the number of each kind of beginning.

A chain that began at an altered real image may be that image, mended: it is a negative
and never a sample. So a replay buffer keeps the origin of each chain.
"""

from typing import Any, Protocol

import tensorflow as tf

# A chain's origin is the place of its kind here. New kinds go to the end: checkpoints
# hold the numbers.
ORIGINS = ("uniform", "gaussian", "altered")
UNKNOWN_ORIGIN = -1  # of a start of a user's own, and of chains of old checkpoints
ALTERED = ORIGINS.index("altered")


class Start(Protocol):
    """A distribution of images that chains start from.

    A start of this package also has a method `with_origins` of the same arguments. It
    returns (the same images, their origins int32 [n]); see `draw_with_origins`.

    Args:
      n: how many images; an int or a scalar tensor.
      seed: int [2].
      labels: int [n], or None for classes drawn evenly.

    Returns:
      float32 [n, H, W, C], pixels in [-1, 1].
    """

    def __call__(self, n: Any, seed: Any, labels: Any = None) -> tf.Tensor: ...


def draw_with_origins(
    start: Start, n: Any, seed: Any, labels: Any = None
) -> tuple[tf.Tensor, tf.Tensor]:
    """Draws images from a start, and tells how each began.

    Args:
      start, n, seed, labels: as in `Start`.

    Returns:
      (float32 [n, H, W, C], what `start(n, seed, labels)` returns; int32 [n], places
      in ORIGINS, or UNKNOWN_ORIGIN of a start that does not tell).
    """
    told = getattr(start, "with_origins", None)
    if told is not None:
        return told(n, seed, labels)
    return start(n, seed, labels), tf.fill([n], UNKNOWN_ORIGIN)


class OfOneOrigin:
    """What starts whose images all have the origin `ORIGIN` have in common."""

    ORIGIN: str

    def __call__(self, n: Any, seed: Any, labels: Any = None) -> tf.Tensor:
        raise NotImplementedError

    def with_origins(
        self, n: Any, seed: Any, labels: Any = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Images [n, H, W, C] and their origins int32 [n]; see `Start`."""
        return self(n, seed, labels), tf.fill([n], ORIGINS.index(self.ORIGIN))
