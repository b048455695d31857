"""The sizes, places and patterns of Square attack's windows (1912.00049)."""

import numpy as np
import tensorflow as tf

FIRST_SHARE = 0.8  # p, the share of the pixels that the first windows have
# Queries, of the paper's 10,000, after which p is halved. AutoAttack's 5,000 keep them.
HALVINGS = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)


def window_sides(queries: int, image_shape: tuple[int, ...], norm: str) -> np.ndarray:
    """Computes the side of the windows before each query.

    Args:
      queries: how many queries follow the first point.
      image_shape: (H, W, C).
      norm: "linf" or "l2"; windows of L2 have an odd side of at least 3.

    Returns:
      int32 [queries + 1]; entry 0, of the first point, is not used.
    """
    height, width = image_shape[:2]
    past = np.searchsorted(HALVINGS, np.arange(-1, queries), side="left")
    sides = np.round(np.sqrt(FIRST_SHARE / 2.0**past * height * width))
    least = 1 if norm == "linf" else 3
    sides = np.maximum(sides, least).astype("int32")
    if norm == "l2":
        sides += sides % 2 == 0
    return np.minimum(sides, min(height, width)).astype("int32")


def pattern(side: int) -> np.ndarray:
    """Makes the pattern of an L2 window: a bump over its negative, of length 1.

    Returns:
      float32 [side, side].
    """
    upper, lower = _bump(side // 2, side), -_bump(side - side // 2, side)
    both = np.concatenate([upper, lower])
    return (both / np.linalg.norm(both)).astype("float32")


def _bump(height: int, width: int) -> np.ndarray:
    """Rings round the middle: sum of 1 / k^2 over the rings from there outwards."""
    if not height:
        return np.zeros([0, width])
    rows, columns = np.ogrid[:height, :width]
    ring = np.maximum(abs(rows - height // 2), abs(columns - width // 2))
    rings = max(height, width) // 2 + 1
    outwards = np.cumsum(1 / np.arange(rings, 0, -1.0) ** 2)[::-1]
    bump = outwards[ring]
    return bump / np.linalg.norm(bump)


def stripes(generator: np.random.Generator, image_shape: tuple[int, ...]) -> np.ndarray:
    """Draws the first difference of L-inf: vertical stripes of 1 and -1, [H, W, C]."""
    height, width, channels = image_shape
    signs = generator.choice(np.array([-1, 1], "float32"), (1, width, channels))
    return np.repeat(signs, height, axis=0)


def tiles(generator: np.random.Generator, image_shape: tuple[int, ...]) -> np.ndarray:
    """Draws the first difference of L2: patterns side by side, [H, W, C], length 1."""
    height, width, channels = image_shape
    side = max(1, min(height, width) // 5)
    down, across = height // side, width // side
    choices = np.stack([pattern(side), pattern(side).T])
    tile = choices[generator.integers(2, size=(down, across))]
    sign = generator.choice(np.array([-1, 1], "float32"), (down, across, channels))
    grid = np.einsum("ijhw,ijc->ihjwc", tile, sign)
    whole = np.zeros(image_shape, "float32")
    top, left = (height - down * side) // 2, (width - across * side) // 2
    inner = grid.reshape(down * side, across * side, channels)
    whole[top : top + down * side, left : left + across * side] = inner
    return whole / np.linalg.norm(whole)


def place_window(
    corner: tf.Tensor, side: tf.Tensor, height: int, width: int
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Places a window of each image uniformly at random.

    Args:
      corner: float [B, 2] in [0, 1), random.
      side: int, of the windows.
      height, width: of the images.

    Returns:
      (bool [B, H, W], the pixels of the windows; int [B, H] and [B, W], the rows and
      columns counted from the windows' corners).
    """
    spans = tf.cast([height, width] - side + 1, tf.float32)
    top, left = tf.unstack(tf.cast(corner * spans, tf.int32)[..., None], axis=1)
    rows, columns = tf.range(height) - top, tf.range(width) - left
    inside = [(count >= 0) & (count < side) for count in (rows, columns)]
    return inside[0][:, :, None] & inside[1][:, None, :], rows, columns
