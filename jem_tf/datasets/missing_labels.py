"""Labels that are missing (-1), and classes that a data set declares and has not.

Letters: N images [H, W, C], K classes. A split is (images uint8 [N, H, W, C], labels
int [N]).
"""

from collections.abc import Sequence

import numpy as np

from jem_tf.errors import InputError, argument
from jem_tf.system import console

Arrays = tuple[np.ndarray, np.ndarray]
SHOWN = 5  # names of classes in a line


def drop_unlabelled(name: str, splits: dict[str, Arrays]) -> dict[str, Arrays]:
    """Leaves out images whose label is -1, and splits that have no other.

    Says in a line how many of each split.

    Args:
      name: of the data set.
      splits: {split: (images, labels)}, "train" among them.

    Raises:
      InputError: if no training image has a label.
    """
    labelled = {split: labels >= 0 for split, (_, labels) in splits.items()}
    lost = {split: int(np.sum(~some)) for split, some in labelled.items()}
    if not labelled["train"].any():
        raise InputError(
            f"{argument('name', name)} has no label in its train split; choose a set "
            "that has."
        )
    if any(lost.values()):
        counts = [f"{n:,} of {split}" for split, n in lost.items() if n]
        console.say(f"{name}: left out, without a label: {', '.join(counts)}")
    return {
        split: _rows(splits[split], some)
        for split, some in labelled.items()
        if some.any()
    }


def drop_absent_classes(
    name: str, splits: dict[str, Arrays], class_names: Sequence[str]
) -> tuple[dict[str, Arrays], list[str]]:
    """Leaves out classes without a training image, and numbers the others anew.

    Says in a line which, and how many images of other splits go with them.

    Args:
      name: of the data set.
      splits: {split: (images, labels in 0..K-1)}, "train" among them.
      class_names: K, in the order of the labels.

    Returns:
      (splits, names of the classes that are left).

    Raises:
      InputError: if a label is none of the K classes, or fewer than two are left.
    """
    most = max(int(labels.max()) for _, labels in splits.values())
    if most >= len(class_names):
        raise InputError(
            f"{argument('name', name)} has the label {most}, and names "
            f"{len(class_names)} classes; mend its labels."
        )
    present = np.unique(splits["train"][1])
    if len(present) < 2:
        raise InputError(
            f"{argument('name', name)} shows images of {len(present)} class; at least "
            "two are needed."
        )
    if len(present) == len(class_names):
        return splits, list(class_names)
    _announce(name, splits, class_names, present)
    left = {}
    for split, (images, labels) in splits.items():
        if (kept := np.isin(labels, present)).any():
            images, labels = _rows((images, labels), kept)
            left[split] = images, np.searchsorted(present, labels)
    return left, [class_names[y] for y in present]


def _announce(
    name: str,
    splits: dict[str, Arrays],
    class_names: Sequence[str],
    present: np.ndarray,
) -> None:
    absent = np.setdiff1d(np.arange(len(class_names)), present)
    some = ", ".join(class_names[y] for y in absent[:SHOWN])
    some += ", ..." if len(absent) > SHOWN else ""
    lost = {
        split: int(np.isin(labels, absent).sum())
        for split, (_, labels) in splits.items()
    }
    counts = [f"{n:,} images of {split}" for split, n in lost.items() if n]
    console.say(
        f"{name}: {len(absent)} of {len(class_names)} classes have no training image "
        f"and are left out ({some}){', with ' if counts else ''}{', '.join(counts)}"
    )


def _rows(split: Arrays, chosen: np.ndarray) -> Arrays:
    """The chosen images of a split, which is not copied if that is all of them."""
    return split if chosen.all() else (split[0][chosen], split[1][chosen])
