"""Which folders of a folder of pictures are splits, and which are classes.

ROOT/CLASS/...                     one split, "train"
ROOT/{train,val,test}/CLASS/...    these splits, where there is a train
ROOT/CLASS/{train,val,test}/...    these splits, where all classes have a train and
                                   nothing but splits
"""

import pathlib
import re
from collections.abc import Iterable, Mapping, Sequence

from jem_tf.datasets.folder_listing import holds_pictures, list_folders, list_pictures
from jem_tf.errors import InputError

SPLITS = {  # names of folders, in small letters or large, "set" behind them or not
    "train": "train|training",
    "validation": "val|valid|validation",
    "test": "test|testing",
}
SPLIT_IN_NAME = re.compile(  # as in seg_train and train2017, where classes are not
    rf"(?<![^\W\d_])({'|'.join(SPLITS.values())}|trainval)(?![^\W\d_])", re.IGNORECASE
)
# Names of what a set is divided into, which are no classes: by picture, and by kind.
PARTS = "(fold|split|part|batch)s?[ _-]?[0-9]+"
KINDS = "(image|img|mask|label|annotation)s?"

Folders = dict[str, dict[str, pathlib.Path]]  # {split: {class: its folder}}


def find_splits(root: pathlib.Path, given: str) -> tuple[Folders, list[pathlib.Path]]:
    """Finds the class folders of each split.

    Args:
      root: the folder.
      given: what names it in an error.

    Returns:
      ({split: {class: folder}} with a "train", folders whose own pictures are of no
      class).

    Raises:
      InputError: if what is a split or a class is not clear.
      OSError: if a folder is not readable.
    """
    folders = list_folders(root)
    places = _split_folders(folders, given)
    if places:
        return {split: _classes(at) for split, at in places.items()}, [*places.values()]
    inside = {
        path.name: [p for p in list_folders(path) if holds_pictures(p)]
        for path in folders
        if holds_pictures(path)
    }
    if splits := _splits_in_classes(root, inside, given):
        return splits, [root, *(root / name for name in inside)]
    _check_no_split_in_names(root, inside, given)
    _check_no_parts(root, inside, given)
    return {"train": _classes(root)}, [root]


def _classes(root: pathlib.Path) -> dict[str, pathlib.Path]:
    return {path.name: path for path in list_folders(root)}


def _split_folders(folders: list[pathlib.Path], given: str) -> dict[str, pathlib.Path]:
    """{split: folder with class folders}; empty if the folders are classes."""
    named: dict[str, list[pathlib.Path]] = {}
    others = []
    for path in folders:
        if split := split_of(path.name):
            classes = [p for p in list_folders(path) if holds_pictures(p)]
            if len(classes) >= (2 if split == "train" else 1):
                named.setdefault(split, []).append(path)
        elif holds_pictures(path):
            others.append(path.name)
    if "train" not in named:
        _check_not_only_splits(folders, others, given)
        return {}  # a class may be called test, or train
    if others and len(named) == 1:
        raise InputError(
            f"{given} holds {named['train'][0].name}, with folders inside it, and "
            f"{shown(others)}, so it may be a split or a class; rename it, or move "
            "the others away."
        )
    return _each_once(named, given)


def _each_once(
    named: Mapping[str, Sequence[pathlib.Path]], given: str
) -> dict[str, pathlib.Path]:
    for paths in named.values():
        if len(paths) > 1:
            raise InputError(
                f"{given} holds {shown(path.name for path in paths)}, which are one "
                "split; put their pictures together."
            )
    return {split: named[split][0] for split in SPLITS if split in named}


def _check_not_only_splits(
    folders: Sequence[pathlib.Path], others: Sequence[str], given: str
) -> None:
    splits = [path.name for path in folders if split_of(path.name)]
    if splits and not others:
        raise InputError(
            f"{given} holds {shown(splits)}, which are splits, and no train with two "
            "class folders in it; put the pictures into train/CLASS."
        )


def _splits_in_classes(
    root: pathlib.Path, inside: Mapping[str, Sequence[pathlib.Path]], given: str
) -> Folders:
    """Finds ROOT/CLASS/SPLIT; returns {} if classes have no splits inside.

    Raises InputError where some have, and others have not, so that test images might be
    trained on.
    """
    named: dict[str, dict[str, list[pathlib.Path]]] = {name: {} for name in inside}
    for name, paths in inside.items():
        for path in paths:
            if split := split_of(path.name):
                named[name].setdefault(split, []).append(path)
    every = set().union(*named.values())
    mixed = [name for name, splits in named.items() if len(splits) > 1]
    if not mixed and not (all(named.values()) and len(every) > 1):
        return {}
    whole = len(inside) > 1 and all(
        "train" in named[name]
        and all(split_of(path.name) for path in paths)
        and not list_pictures(root / name, deep=False)[0]
        for name, paths in inside.items()
    )
    if not whole:
        first = (mixed or list(named))[0]
        found = [path.name for paths in named[first].values() for path in paths]
        raise InputError(
            f"{given}: class folders hold folders named as splits "
            f"({shown(f'{first}/{name}' for name in found)}), but not all have a train "
            "and splits alone; move them to "
            f"{shown(str(root / name / first) for name in found)}, and so on."
        )
    places = {n: _each_once(s, f"{given}: {root / n}") for n, s in named.items()}
    return {
        split: {name: at[split] for name, at in places.items() if split in at}
        for split in SPLITS
        if split in every
    }


def _check_no_split_in_names(
    root: pathlib.Path, names: Iterable[str], given: str
) -> None:
    """Checks that no classes differ by a split's name alone: seg_train, seg_test."""
    alike: dict[str, dict[str, str]] = {}
    for name in names:
        if word := SPLIT_IN_NAME.search(name):
            rest = SPLIT_IN_NAME.sub("", name, count=1).casefold()
            alike.setdefault(rest, {})[word[0].casefold()] = name
    for found in alike.values():
        if len(found) > 1 and not all(map(split_of, found.values())):
            raise InputError(
                f"{given} holds {shown(found.values())}, which are splits by their "
                "names; call them train, val and test, with class folders in them, or, "
                f"if they are classes, move them into {root / 'train'}."
            )


def _check_no_parts(
    root: pathlib.Path, inside: Mapping[str, Sequence[pathlib.Path]], given: str
) -> None:
    """Checks that the classes are not the parts of a set, as images beside masks.

    Folds are if they hold the same folders. Other folders with equal ones inside
    (cat/indoor beside dog/indoor) are classes.
    """
    if len(inside) < 2:
        return
    kinds, parts = (
        all(re.fullmatch(names, name, re.IGNORECASE) for name in inside)
        for names in (KINDS, f"{PARTS}|{KINDS}")
    )
    shared = set.intersection(*({p.name for p in paths} for paths in inside.values()))
    if parts and len(shared) > 1:
        raise InputError(
            f"{given}: {shown(inside)} all hold the folders {shown(sorted(shared))}, "
            f"so either may be the classes; name one of them, as {root / min(inside)}, "
            f"or, if they are the classes, move them into {root / 'train'}."
        )
    if kinds:
        raise InputError(
            f"{given} holds {shown(inside)}, which are parts of a set by their names, "
            "and no classes; name a folder with one for each class, or, if they are "
            f"the classes, move them into {root / 'train'}."
        )


def split_of(name: str) -> str | None:
    """The split that a folder of this name is, if it is one by its name."""
    for split, names in SPLITS.items():
        if re.fullmatch(f"({names})([ _-]?set)?", name, re.IGNORECASE):
            return split
    return None


def shown(names: Iterable[str], most: int = 5) -> str:
    """The first names, and how many more there are."""
    every = list(names)
    rest = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + rest
