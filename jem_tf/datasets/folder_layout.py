"""Which pictures of a folder are of which class and split; see `folder_splits`."""

import pathlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from jem_tf.datasets import class_numbers, folder_splits
from jem_tf.datasets.folder_listing import count_others, list_folders, list_pictures
from jem_tf.datasets.folder_splits import shown
from jem_tf.errors import InputError
from jem_tf.system import texts

MASK = re.compile(
    r"(.+)[_-](?:mask|seg|segmentation|gt)(?:[_-]?[0-9]+)?", re.IGNORECASE
)

Files = dict[str, dict[str, list[pathlib.Path]]]  # {split: {class: its pictures}}


class Layout(NamedTuple):
    """The pictures of a folder.

    class_names: in the order of the labels.
    splits: {split: files of each class}.
    passed_over: phrases that say what was, for a line of the log.
    remarks: other lines for the log.
    """

    class_names: list[str]
    splits: dict[str, list[list[pathlib.Path]]]
    passed_over: list[str]
    remarks: list[str]


def read_layout(
    root: pathlib.Path, given: str, class_names: Sequence[str] = ()
) -> Layout:
    """Finds the classes and splits of a folder.

    Args:
      root: the folder.
      given: what names it in an error.
      class_names: an order of the classes, as that of an earlier run. It holds if the
        folder has just these classes.

    Raises:
      InputError: if there are not at least two classes with a picture each, another
        split than train has other classes, or what is a split or a class is not clear.
      OSError: if a folder is not readable.
    """
    folders, outside = folder_splits.find_splits(root, given)
    splits, others = _list_files(folders)
    names = sorted_names(splits["train"])
    _check_classes(names, folders, splits, given, root)
    if sorted(class_names) == sorted(names):
        names = list(class_names)
    loose = 0
    for place in outside:
        pictures, count = list_pictures(place, deep=False)
        loose, others = loose + len(pictures), others + count
    used = {path for some in folders.values() for path in some.values()}
    used |= {folder for path in used for folder in path.parents}
    passed_over = [f"the folder {p.name}" for p in list_folders(root) if p not in used]
    if loose:
        passed_over.append(f"{loose} pictures outside the class folders")
    if others:
        passed_over.append(count_others(others))
    files = {
        split: [classes.get(name, []) for name in names]
        for split, classes in splits.items()
    }
    every = {file for classes in splits["train"].values() for file in classes}
    return Layout(names, files, passed_over, _remarks(folders["train"], every))


def _list_files(folders: folder_splits.Folders) -> tuple[Files, Counter[str]]:
    """Lists the pictures of each class, and counts the other files by their endings."""
    splits: Files = {}
    others = Counter[str]()
    for split, places in folders.items():
        classes: dict[str, list[pathlib.Path]] = {}
        for name, place in places.items():
            pictures, count = list_pictures(place)
            spelt = _as_spelt(name, splits.get("train", places))
            classes.setdefault(spelt, []).extend(pictures)
            others += count
        splits[split] = classes
    return splits, others


def _remarks(
    classes: Mapping[str, pathlib.Path], files: set[pathlib.Path]
) -> list[str]:
    """What may not be as it was meant, of folders that are read as usual tools do."""
    remarks = []
    inside = [{p.name for p in list_folders(path)} for path in classes.values()]
    if inside and all(len(folders) > 1 for folders in inside):
        remarks.append(
            f"the classes are {shown(classes)}; the folders inside them "
            f"({shown(sorted(set().union(*inside)))}) are parts of these"
        )
    small = Counter(name.casefold() for name in classes)
    if alike := [name for name in classes if small[name.casefold()] > 1]:
        remarks.append(
            f"the classes {shown(alike)} differ in capitals alone, and are classes of "
            "their own"
        )
    if masks := sorted(file for file in files if _is_mask(file, files)):
        remarks.append(
            f"{len(masks)} pictures are named as masks of others, such as "
            f"{texts.escaped(str(masks[0]))}, and are read as pictures; move them away "
            "if they are none"
        )
    return remarks


def _is_mask(file: pathlib.Path, files: set[pathlib.Path]) -> bool:
    """Whether a name is another's with "_mask" or the like behind it."""
    match = MASK.fullmatch(file.stem)
    ends = {file.suffix, ".jpg", ".png"}
    return match is not None and any(
        file.with_name(match[1] + end) in files for end in ends
    )


def sorted_names(names: Iterable[str]) -> list[str]:
    """Sorts names of classes: as numbers if all are whole ones, else as text."""
    every = sorted(names)
    if class_numbers.are_numbers(every):
        every.sort(key=int)
    return every


def _as_spelt(name: str, names: Iterable[str]) -> str:
    """The one of the names that is the same but for Unicode's form of accents."""
    every = list(names)
    if name in every:
        return name
    plain = unicodedata.normalize("NFC", name)
    alike = [n for n in every if unicodedata.normalize("NFC", n) == plain]
    return alike[0] if len(alike) == 1 else name


def _check_classes(
    names: Sequence[str],
    folders: folder_splits.Folders,
    splits: Mapping[str, Mapping[str, list[pathlib.Path]]],
    given: str,
    root: pathlib.Path,
) -> None:
    """Checks that train has two classes or more, with pictures, and no split others."""
    if len(names) < 2:
        inside = [path for path in list_folders(root) if len(list_folders(path)) > 1]
        meant = f" (did you mean {inside[0]}?)" if inside else ""
        raise InputError(
            f"{given} holds {len(names)} class folders{meant}; at least two are needed."
        )
    for name in names:
        if not splits["train"][name]:
            place = folders["train"][name]
            others = list_pictures(place)[1]
            instead = f", but {count_others(others)}" if others else ""
            raise InputError(f"{given}: {place} holds no pictures{instead}; add some.")
    for split, classes in splits.items():
        unknown = [name for name in classes if classes[name] and name not in names]
        if unknown:
            place = folders[split][unknown[0]].parent
            train = folders["train"][names[0]].parent
            raise InputError(
                f"{given}: {place} holds classes that {train} has not "
                f"({shown(unknown)}); name them alike, or move them away."
            )
