"""Folders of pictures in any format that Pillow reads, with or without classes."""

import contextlib
import itertools
import pathlib
from collections.abc import Iterator, Sequence

import numpy as np

from jem_tf.datasets import (
    folder_layout,
    folder_listing,
    image_conversion,
    picture_files,
    repeated_pictures,
    set_names,
)
from jem_tf.errors import InputError, argument
from jem_tf.system import console, texts

DEFAULT_SIZE = 32
NAMED = 5  # unreadable files in one error


def read_folder(
    name: str, image_size: int = 0, class_names: Sequence[str] = ()
) -> tuple[dict[str, tuple[np.ndarray, np.ndarray]], list[str]]:
    """Reads the pictures of PATH as RGB of one size; see `folder_splits`.

    Pictures are upright as their EXIF says, laid over white where they are transparent,
    and resized. Hidden files and folders are left out. Files that are no pictures by
    their names are passed over, and counted in a line on standard output.

    Args:
      name: "folder:PATH".
      image_size: S, pixels a side; 0: 32.
      class_names: an order of the classes, which holds if they are just these.

    Returns:
      ({split: (images uint8 [N, S, S, 3], labels int [N])}, class names). The splits
      are "train" and, if they are there, "validation" and "test"; the names are in
      alphabetic order, or in that of their numbers if all are whole ones.

    Raises:
      InputError: if there are not at least two classes with a picture each, a split has
        a class that "train" has not, or pictures are unreadable.
    """
    given, root = argument("name", name), _path(name)
    with _listing(given):
        if not root.is_dir():
            kind = "a file, and not" if root.is_file() else "not"
            raise InputError(
                f"{given} is {kind} a folder; give one with a folder of pictures per "
                "class."
            )
        layout = folder_layout.read_layout(root, given, class_names)
    for remark in layout.remarks:
        console.say(f"{name}: {remark}")
    size = image_size or DEFAULT_SIZE
    files = [f for classes in layout.splits.values() for some in classes for f in some]
    images = iter([*_read(files, name, layout.passed_over, size)])
    splits = {}
    for split, classes in layout.splits.items():
        counts = [len(pictures) for pictures in classes]
        own = [next(images) for _ in range(sum(counts))]
        splits[split] = np.stack(own), np.repeat(np.arange(len(classes)), counts)
    places = (
        repeated_pictures.Place(split, label, file)
        for split, classes in layout.splits.items()
        for label, some in enumerate(classes)
        for file in some
    )
    pixels = itertools.chain.from_iterable(images for images, _ in splits.values())
    for line in repeated_pictures.describe(zip(places, pixels, strict=True)):
        console.say(f"{name}: {line}")
    return splits, layout.class_names


def read_pictures(
    name: str, limit: int = 0, part: slice = slice(None)
) -> Iterator[np.ndarray]:
    """Reads the pictures in a folder and the folders inside it as RGB, one at a time.

    Args:
      name: "folder:PATH".
      limit: the largest number of pictures, evenly over their sorted names; 0: all.
      part: which of the sorted names to take, before `limit`.

    Returns:
      uint8 [H, W, 3] each, of its own size, otherwise as in `read_folder`.

    Raises:
      InputError: if there is no picture; after the last one, if one was unreadable.
    """
    given = argument("name", name)
    with _listing(given):
        files, others = folder_listing.list_pictures(_path(name))
    passed_over = [folder_listing.count_others(others)] if others else []
    if not files:
        raise InputError(
            f"{given} holds no pictures{''.join(f', but {x}' for x in passed_over)}; "
            "name a folder that does."
        )
    files = files[part]
    if not files:
        raise InputError(f"{given} holds too few pictures to take a half; add some.")
    count = min(limit or len(files), len(files))
    chosen = np.linspace(0, len(files) - 1, count).round().astype(int)
    return _read([files[i] for i in chosen], name, passed_over)


def _path(name: str) -> pathlib.Path:
    if not name.removeprefix(set_names.FOLDER).strip():
        raise InputError(f"{argument('name', name)} names no folder; give folder:PATH.")
    return pathlib.Path(set_names.folder_of(name) or name)


@contextlib.contextmanager
def _listing(given: str) -> Iterator[None]:
    """A context in which a folder that cannot be listed is an InputError."""
    try:
        yield
    except OSError as error:
        place = texts.escaped(str(error.filename))
        raise InputError(
            f"{given}: {place} is not readable ({error.strerror}); allow it, or move "
            "it away."
        ) from error


def _read(
    files: Sequence[pathlib.Path], name: str, passed_over: Sequence[str], size: int = 0
) -> Iterator[np.ndarray]:
    """Reads pictures as uint8 [size, size, 3]; in their own sizes if `size` is 0.

    One is in memory at a time. After the last it says what there is to say of them.
    """
    unreadable, read, dark = [], 0, 0
    for file in files:
        try:
            picture = picture_files.read_picture(file)
        except picture_files.UnreadableError as error:
            unreadable.append(f"{texts.escaped(str(file))} ({error})")
            continue
        image, dark = picture.over_white(), dark + picture.nearly_black
        read += 1
        if size and image.shape[:2] != (size, size):
            image = image_conversion.resize(image, (size, size))
        yield image
    if unreadable:
        raise _unreadable(name, unreadable)
    if passed_over:
        console.say(f"{name}: passed over {'; '.join(passed_over)}")
    if dark:
        console.say(
            f"{name}: {dark} of {read} pictures: each uses "
            f"{picture_files.NEARLY_BLACK_SAYS}"
        )


def _unreadable(name: str, files: Sequence[str]) -> InputError:
    more = f" and {len(files) - NAMED} more" if len(files) > NAMED else ""
    says, them = ("are not readable pictures", "them") if len(files) > 1 else (
        "is not a readable picture", "it"
    )  # fmt: skip
    return InputError(
        f"{argument('name', name)}: {', '.join(files[:NAMED])}{more} {says}; remove or "
        f"convert {them}."
    )
