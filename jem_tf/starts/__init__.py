"""Starts: distributions from which chains draw their first images.

    start(n, seed, labels) -> images [n, H, W, C] in [-1, 1]

    uniform_noise     U(-1, 1), the paper's
    class_gaussians   a Gaussian around the mean image of each class
    altered_images    training images made wrong: chains that are never samples
    shares            several starts, each with its share of the chains
    origins           what they have in common: the signature, and how a chain began

To add a start, write its class in a file of its own, and enter a `Builder` in STARTS
and the class in KINDS: `--start` then takes its name, and `tests/starts/test_starts.py`
tests it. This folder imports `errors`, `pixels` and `alterations` alone.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from jem_tf.errors import InputError, argument
from jem_tf.starts.altered_images import Altered, altered
from jem_tf.starts.class_gaussians import Gaussian, from_dataset, gaussian
from jem_tf.starts.origins import (
    ALTERED,
    ORIGINS,
    UNKNOWN_ORIGIN,
    Start,
    draw_with_origins,
)
from jem_tf.starts.shares import Mixture, Shares, mixture, parse_shares, spell_shares
from jem_tf.starts.uniform_noise import Uniform, uniform

__all__ = [
    "ALTERED",
    "KINDS",
    "ORIGINS",
    "STARTS",
    "UNKNOWN_ORIGIN",
    "Altered",
    "Gaussian",
    "Mixture",
    "Shares",
    "Start",
    "Uniform",
    "altered",
    "build",
    "draw_with_origins",
    "gaussian",
    "mixture",
    "name_for_samples",
    "parse",
    "uniform",
]

UNIFORM_SHARE = 0.1  # share of uniform noise in the mixed start

# By name, what a file may hold of a start: its fields.
KINDS: dict[str, Any] = {
    "uniform": Uniform,
    "gaussian": Gaussian,
    "mixture": Mixture,
    "altered": Altered,
    "shares": Shares,
}


class Builder(NamedTuple):
    """How a start is built.

    make: (image_shape, training images, their labels, num_classes) -> start; see
      `build`.
    of_classes: whether the start depends on labels, and so is built from images alone
      whose labels may be used.
    """

    make: Callable[[Sequence[int], Any, Any, int], Start]
    of_classes: bool


def build(
    name: str,
    image_shape: Sequence[int],
    images: np.ndarray,
    labels: np.ndarray,
    num_classes: int,
    *,
    labelled: Any = None,
) -> Start:
    """Builds the start called `name` from a data set.

    Args:
      name: a key of STARTS: "uniform"; "gaussian", fitted on the images that
        `class_gaussians.gaussian_images` chooses; "mixed", both; "altered", images made
        wrong. Or shares of them, such as "gaussian:0.9,uniform:0.1".
      image_shape: (H, W, C).
      images: uint8 [N, H, W, C] in 0..255, or float in [-1, 1], training images.
      labels: int [N] or [N, 1] in [0, num_classes), of the images.
      num_classes: K.
      labelled: int [n], the images whose labels may be used, which alone have a part in
        class Gaussians; None: all.

    Raises:
      InputError: if there is no such start, or it needs images of each class and a
        class has none, or images or labels are of another dtype, shape or range.
    """
    shares, members = parse(name), []
    known = [
        x if labelled is None else tf.gather(x, labelled) for x in (images, labels)
    ]
    for member in shares:
        builder = STARTS[member]
        x, y = known if builder.of_classes else (images, labels)
        members.append(builder.make(image_shape, x, y, num_classes))
    if len(members) == 1:
        return members[0]
    return Shares(tuple(members), tuple(shares.values()))


def parse(name: str) -> dict[str, float]:
    """Reads a start's name, or a list of shares: {key of STARTS: its share of 1}.

    Raises:
      InputError: if there is no such start, or shares are not positive or do not add up
        to 1.
    """
    if name in STARTS:
        return {name: 1.0}
    if ":" not in name:
        raise InputError(
            f"{argument('start', name)} is not known; choose one of "
            f"{', '.join(STARTS)}, or shares of them, such as "
            "gaussian:0.9,uniform:0.1."
        )
    return parse_shares(name, tuple(STARTS))


def name_for_samples(name: str) -> str:
    """The name of the same start without altered images, whose chains are no samples.

    Raises:
      InputError: if nothing is left of it.
    """
    shares = parse(name)
    if "altered" not in shares:
        return name
    kept = {member: share for member, share in shares.items() if member != "altered"}
    if not kept:
        raise InputError(
            f"{argument('start', name)} begins all chains at altered training images, "
            "and those are never samples; give other starts a share."
        )
    return spell_shares(kept)


def _uniform(image_shape: Sequence[int], *_: Any) -> Start:
    return uniform(image_shape)


def _gaussian(_: Any, images: np.ndarray, labels: np.ndarray, classes: int) -> Start:
    return from_dataset(images, labels, classes)


def _altered(_: Any, images: np.ndarray, *__: Any) -> Start:
    return altered(images)


def _mixed(image_shape: Sequence[int], *data: Any) -> Start:
    informative = _gaussian(image_shape, *data)
    return mixture(uniform(image_shape), informative, UNIFORM_SHARE)


STARTS: dict[str, Builder] = {
    "uniform": Builder(_uniform, of_classes=False),
    "gaussian": Builder(_gaussian, of_classes=True),
    "mixed": Builder(_mixed, of_classes=True),
    "altered": Builder(_altered, of_classes=False),
}
