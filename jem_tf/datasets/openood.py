"""The groups of outliers of OpenOOD v1.5 for CIFAR-10 and CIFAR-100.

    near   the other CIFAR, TinyImageNet                the same kind of picture
    far    MNIST, SVHN, Textures (DTD), Places365       another kind

Source: Zhang et al. 2023 (arXiv 2306.09301) and the configuration of its code. They are
its groups, not its lists of images: see DIFFERENCE.
"""

import os
import re
from collections.abc import Sequence
from typing import NamedTuple

from jem_tf.datasets import outliers, set_names, tfds_sets
from jem_tf.errors import InputError, argument

NAME = "openood"
DATASETS = ("cifar10", "cifar100")  # whose groups these are
GROUPS = {
    "near": ("cifar10", "cifar100", "tinyimagenet"),
    "far": ("mnist", "svhn", "textures", "places365"),
}
# TinyImageNet is not in TFDS, and Places365 has 328,500 test pictures there.
IN_TFDS = {"textures": "dtd"} | {n: n for n in ("cifar10", "cifar100", "mnist", "svhn")}
# Folders that stand for a set, by the letters of their names: dtd32, tiny-imagenet-200.
FOLDERS = {
    "tinyimagenet": ("tinyimagenet", "tin"),
    "textures": ("textures", "texture", "dtd"),
    "places365": ("places", "place"),
    "mnist": ("mnist",),
    "svhn": ("svhn", "svhncropped"),
}
DIFFERENCE = (
    "the groups of OpenOOD v1.5, not its lists of images: it keeps 1,000 test images "
    "for validation, and leaves out outliers of classes that the data set has, too"
)


class Groups(NamedTuple):
    """What stands for the groups.

    names: sets of outliers, those of the groups among them.
    groups: {"near", "far": {member: name of the set}}, without members that are absent.
    absent: members that are not there.
    """

    names: list[str]
    groups: dict[str, dict[str, str]]
    absent: list[str]


def expand(names: Sequence[str], dataset: str, data_dir: str = "") -> Groups:
    """Puts the sets of the groups for "openood", as far as they are there.

    A member is a folder among `names` that is called so (see FOLDERS), or else a TFDS
    set that is on the disk.

    Args:
      names: as in `outliers.load_outliers`, with "openood" and perhaps "auto" among
        them.
      dataset: the name of the set that the model was trained on.
      data_dir: as in `outliers.load_outliers`.

    Raises:
      InputError: if the groups are not for this data set, none of their sets is there,
        or two folders stand for one.
    """
    if not has_groups(dataset):
        raise InputError(
            f"{argument('name', NAME)} has groups for {' and '.join(DATASETS)}, and "
            f"the run was trained on {dataset}; name sets instead."
        )
    chosen = find(names, dataset, data_dir)
    if not any(chosen.groups.values()):
        raise InputError(
            f"{argument('name', NAME)} has no set on the disk; give "
            f"{argument('data_dir', 'DIR')} with prepared TFDS sets, or folders, such "
            "as folder:/data/dtd."
        )
    return chosen


def has_groups(dataset: str) -> bool:
    """Whether the groups are for models of this data set."""
    return set_names.base_name(dataset) in DATASETS


def find(names: Sequence[str], dataset: str, data_dir: str = "") -> Groups:
    """Does what `expand` does, but the groups may be empty.

    Raises:
      InputError: if two folders stand for one member.
    """
    own = set_names.base_name(dataset)
    given = [name for name in names if name != NAME]
    known = {
        outliers.identify(name, data_dir): name for name in given if name != "auto"
    }
    groups: dict[str, dict[str, str]] = {group: {} for group in GROUPS}
    absent = []
    for group, members in GROUPS.items():
        for member in (member for member in members if member != own):
            name = _find(member, given, known, data_dir)
            if name is None:
                absent.append(member)
            else:
                groups[group][member] = name
    found = [name for members in groups.values() for name in members.values()]
    return Groups([*found, *(n for n in given if n not in found)], groups, absent)


def _find(
    member: str, given: Sequence[str], known: dict[str, str], data_dir: str
) -> str | None:
    """The name of the set that stands for a member; None if there is none."""
    folders = [name for name in given if _stands_for(name, member)]
    if len(folders) > 1:
        raise InputError(
            f"{argument('name', NAME)} takes one folder for {member}, not "
            f"{' and '.join(folders)}; name one."
        )
    if folders:
        return folders[0]
    name = IN_TFDS.get(member)
    if name is None or not tfds_sets.is_prepared(name, data_dir):
        return None
    return known.get(outliers.identify(name, data_dir), name)


def _stands_for(name: str, member: str) -> bool:
    folder = set_names.folder_of(name)
    if folder is None or member not in FOLDERS:
        return False
    last = os.path.basename(os.path.abspath(folder)).lower()
    return re.sub("[^a-z]", "", last) in FOLDERS[member]
