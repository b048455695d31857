"""Which pictures of a folder are of which class and split.

ROOT/CLASS/.../picture                     one split, "train"
ROOT/{train,val,test}/CLASS/.../picture    these splits, where there is a train
"""

import pathlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from jem_tf.datasets import class_numbers
from jem_tf.datasets.folder_listing import (
    count_others,
    holds_pictures,
    list_folders,
    list_pictures,
)
from jem_tf.errors import InputError

SPLITS = {  # names of folders, in small letters or large, "set" behind them or not
    "train": "train|training",
    "validation": "val|valid|validation",
    "test": "test|testing",
}


class Layout(NamedTuple):
    """The pictures of a folder.

    class_names: in the order of the labels.
    splits: {split: files of each class}.
    passed_over: phrases that say what was, for a line of the log.
    """

    class_names: list[str]
    splits: dict[str, list[list[pathlib.Path]]]
    passed_over: list[str]


def read_layout(root: pathlib.Path, given: str) -> Layout:
    """Finds the classes and splits of a folder.

    Args:
      root: the folder.
      given: what names it in an error.

    Raises:
      InputError: if there are not at least two classes with a picture each, another
        split than train has other classes, or what is a split or a class is not clear.
      OSError: if a folder is not readable.
    """
    folders, passed_over = list_folders(root), []
    places = _split_folders(folders, given)
    if places:
        unused = [path.name for path in folders if path not in places.values()]
        passed_over += [f"the folder {name}" for name in unused]
    else:
        _check_not_class_first(root, folders, given)
    places = places or {"train": root}
    splits: dict[str, dict[str, list[pathlib.Path]]] = {}
    others, loose = Counter[str](), 0
    for split, place in places.items():
        listed = {path.name: list_pictures(path) for path in list_folders(place)}
        classes: dict[str, list[pathlib.Path]] = {}
        for name, (pictures, _) in listed.items():
            spelt = _as_spelt(name, splits.get("train", listed))
            classes.setdefault(spelt, []).extend(pictures)
        splits[split] = classes
        outside, count = list_pictures(place, deep=False)
        loose += len(outside)
        others += sum((count for _, count in listed.values()), count)
    names = sorted_names(splits["train"])
    _check_classes(names, places, splits, given)
    if loose:
        passed_over.append(f"{loose} pictures outside the class folders")
    if others:
        passed_over.append(count_others(others))
    files = {
        split: [classes.get(name, []) for name in names]
        for split, classes in splits.items()
    }
    return Layout(names, files, passed_over)


def sorted_names(names: Iterable[str]) -> list[str]:
    """Sorts names of classes: as numbers if all are whole ones, else as text."""
    every = sorted(names)
    if class_numbers.are_numbers(every):
        every.sort(key=int)
    return every


def _split_folders(folders: list[pathlib.Path], given: str) -> dict[str, pathlib.Path]:
    """{split: folder with class folders}; empty if the folders are classes."""
    named: dict[str, list[pathlib.Path]] = {}
    others = []
    for path in folders:
        if split := _split_of(path.name):
            classes = [p for p in list_folders(path) if holds_pictures(p)]
            if len(classes) >= (2 if split == "train" else 1):
                named.setdefault(split, []).append(path)
        elif holds_pictures(path):
            others.append(path.name)
    if "train" not in named:
        _check_not_only_splits(folders, others, given)
        return {}  # a class may be called test, or train
    for paths in named.values():
        if len(paths) > 1:
            raise InputError(
                f"{given} holds {_shown(path.name for path in paths)}, which are one "
                "split; put their pictures together."
            )
    if others and len(named) == 1:
        raise InputError(
            f"{given} holds {named['train'][0].name}, with folders inside it, and "
            f"{_shown(others)}, so it may be a split or a class; rename it, or move "
            "the others away."
        )
    return {split: named[split][0] for split in SPLITS if split in named}


def _check_not_only_splits(
    folders: Sequence[pathlib.Path], others: Sequence[str], given: str
) -> None:
    splits = [path.name for path in folders if _split_of(path.name)]
    if splits and not others:
        raise InputError(
            f"{given} holds {_shown(splits)}, which are splits, and no train with two "
            "class folders in it; put the pictures into train/CLASS."
        )


def _check_not_class_first(
    root: pathlib.Path, folders: Sequence[pathlib.Path], given: str
) -> None:
    """Checks that folders of classes do not hold what look like splits or classes."""
    inside: dict[str, list[str]] = {}
    for path in folders:
        if holds_pictures(path):
            names = [p.name for p in list_folders(path) if holds_pictures(p)]
            inside[path.name] = names
    if len(inside) < 2:
        return
    splits = {
        name: {split for n in names if (split := _split_of(n))}
        for name, names in inside.items()
    }
    mixed = [name for name, some in splits.items() if len(some) > 1]
    if not mixed and all(splits.values()) and len(set().union(*splits.values())) > 1:
        mixed = list(splits)
    if mixed:
        first = mixed[0]
        named = [name for name in inside[first] if _split_of(name)]
        raise InputError(
            f"{given}: class folders hold folders named as splits "
            f"({_shown(f'{first}/{name}' for name in named)}); move them to "
            f"{_shown(str(root / name / first) for name in named)}, and so on."
        )
    shared = set.intersection(*map(set, inside.values()))
    if len(shared) > 1:
        raise InputError(
            f"{given}: {_shown(inside)} all hold the folders {_shown(sorted(shared))}, "
            f"so either may be the classes; name one of them, as {root / min(inside)}, "
            f"or, if they are the classes, move them into {root / 'train'}."
        )


def _as_spelt(name: str, names: Iterable[str]) -> str:
    """The one of the names that is the same but for Unicode's form of accents."""
    every = list(names)
    if name in every:
        return name
    plain = unicodedata.normalize("NFC", name)
    alike = [n for n in every if unicodedata.normalize("NFC", n) == plain]
    return alike[0] if len(alike) == 1 else name


def _split_of(name: str) -> str | None:
    for split, names in SPLITS.items():
        if re.fullmatch(f"({names})([ _-]?set)?", name, re.IGNORECASE):
            return split
    return None


def _check_classes(
    names: Sequence[str],
    places: Mapping[str, pathlib.Path],
    splits: Mapping[str, Mapping[str, list[pathlib.Path]]],
    given: str,
) -> None:
    """Checks that train has two classes or more, with pictures, and no split others."""
    train = places["train"]
    if len(names) < 2:
        inside = [path for path in list_folders(train) if len(list_folders(path)) > 1]
        meant = f" (did you mean {inside[0]}?)" if inside else ""
        raise InputError(
            f"{given} holds {len(names)} class folders{meant}; at least two are needed."
        )
    for name in names:
        if not splits["train"][name]:
            others = list_pictures(train / name)[1]
            instead = f", but {count_others(others)}" if others else ""
            raise InputError(
                f"{given}: {train / name} holds no pictures{instead}; add some."
            )
    for split, classes in splits.items():
        unknown = [name for name in classes if classes[name] and name not in names]
        if unknown:
            raise InputError(
                f"{given}: {places[split]} holds classes that {train} has not "
                f"({_shown(unknown)}); name them alike, or move them away."
            )


def _shown(names: Iterable[str], most: int = 5) -> str:
    every = list(names)
    rest = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + rest
