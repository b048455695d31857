"""Pictures that are in a data set twice, so that a number may be wrong."""

import hashlib
import pathlib
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from jem_tf.system import texts


class Place(NamedTuple):
    """Where a picture stands in a data set, and its file."""

    split: str
    label: int
    file: pathlib.Path


def describe(pictures: Iterable[tuple[Place, np.ndarray]]) -> list[str]:
    """Says which pictures are the same in each pixel, whatever their names.

    Args:
      pictures: (Place, uint8 [H, W, C]) of each, of one size.

    Returns:
      A line for each of three kinds that there are: in more than one class, in more
      than one split, and twice in one split (some of which may be held out).
    """
    same: dict[bytes, list[Place]] = {}
    for place, image in pictures:
        same.setdefault(hashlib.sha256(image.tobytes()).digest(), []).append(place)
    kinds: dict[str, list[list[Place]]] = {}
    for places in same.values():
        if len(places) > 1:
            kinds.setdefault(_kind(places), []).append(places)
    return [
        f"{len(found)} pictures are {kind}, as {_two(found[0])}"
        for kind, found in kinds.items()
    ]


def _kind(places: list[Place]) -> str:
    if len({place.label for place in places}) > 1:
        return "in more than one class"
    splits = sorted({place.split for place in places})
    if len(splits) > 1:
        return f"in {' and '.join(splits)} alike, and do not measure what is learnt"
    return f"more than once in {splits[0]}"


def _two(places: list[Place]) -> str:
    """The files of two places, which differ in class or split if any do."""
    first = places[0]
    others = sorted(places[1:], key=lambda p: (p.label == first.label, p.split))
    apart = [p for p in others if p[:2] != first[:2]] or others
    return " and ".join(texts.escaped(str(p.file)) for p in (first, apart[0]))
