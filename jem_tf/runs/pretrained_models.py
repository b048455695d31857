"""Pretrained models, which come with the package: packed runs by name.

jem_tf/pretrained_runs/<name>/    a packed run, with its results and its model card
                .../manifest.json  version, what it is, how it was made, {file: sha256}
"""

import hashlib
import json
import pathlib
import shutil
from collections.abc import Mapping
from typing import NamedTuple

from jem_tf.errors import InputError, argument
from jem_tf.system import files

ROOT = pathlib.Path(__file__).parent.parent / "pretrained_runs"
MANIFEST = "manifest.json"
WRITTEN = ("results", "README.md", "fitted_scores")  # to a copy, by evaluations


class Pretrained(NamedTuple):
    """A pretrained model.

    name: by which `jem_tf.load` and `--workdir` know it.
    version: whole number; from the first release on it goes up when the files of a
      name change.
    about: what it is, in a sentence.
    made_by: the commands that trained it, one a line.
    folder: the packed run.
    sha256: {file, relative to the folder: its sha256}.
    """

    name: str
    version: int
    about: str
    made_by: tuple[str, ...]
    folder: pathlib.Path
    sha256: dict[str, str]


def pretrained() -> dict[str, Pretrained]:
    """Lists the pretrained models that came with the package: {name: Pretrained}."""
    return {name: _read(ROOT / name / MANIFEST) for name in names()}


def find(path: str | pathlib.Path) -> pathlib.Path | None:
    """Finds the folder of a pretrained model, and checks its files.

    Args:
      path: a name, `name@version`, or the folder in the package itself. If a file, a
        run or a SavedModel of this name is there, that is meant.

    Returns:
      The folder, which must not be written to; None if `path` names no such model.

    Raises:
      InputError: if another version came with the package, or a file is not as it was
        shipped.
    """
    place = files.expand(path)
    real = place.resolve()
    if real.parent == ROOT.resolve() and real.name in names():
        return _checked(real.name, None)
    name, at, version = str(path).partition("@")
    if name not in names() or _is_the_users(place):
        return None
    return _checked(name, version if at else None)


def find_preset(preset: str) -> pathlib.Path:
    """Finds the folder of a model by `name` or `name@version`, and never the user's.

    Raises:
      InputError: if no such model came with the package, or a file was changed.
    """
    name, at, version = str(preset).partition("@")
    if name not in names():
        raise InputError(
            f"{argument('preset', preset)} is not known; choose one of "
            f"{', '.join(names())}."
        )
    return _checked(name, version if at else None)


def names() -> list[str]:
    """The names of the models that came with the package."""
    return sorted(path.parent.name for path in ROOT.glob(f"*/{MANIFEST}"))


def describe_names(path: str | pathlib.Path) -> str:
    """Says which model may have been meant by what holds no run; "" if none was."""
    if str(path) in names():
        version = _read(ROOT / str(path) / MANIFEST).version
        return f", or {path}@{version} for the pretrained model that it hides"
    is_name = pathlib.Path(path).name == str(path)
    return f", or a pretrained model: {', '.join(names())}" if is_name else ""


def is_shipped(folder: str | pathlib.Path) -> bool:
    """Whether a folder belongs to the package, and must not be written to."""
    return ROOT.resolve() in files.expand(folder).resolve().parents


def check(model: Pretrained) -> None:
    """Checks that the files of a model are as they were shipped.

    Raises:
      InputError: if one is missing, or another one.
    """
    if changed := _find_changed(model.folder, model.sha256):
        raise InputError(
            f"{changed} is not the file that came with the package (its sha256 "
            "differs); install jem-tf again."
        )


def copy(folder: pathlib.Path, place: str | pathlib.Path) -> pathlib.Path:
    """Copies a model to a folder of the user's, which is a run that can be written to.

    Args:
      folder: as `find` returned it.
      place: a folder that is empty, does not exist, or is a copy already.

    Returns:
      The folder `place`.

    Raises:
      InputError: if it holds something else or a copy that was changed, or cannot be
        written.
    """
    target, named = files.expand(place), argument("out", place)
    try:
        if _is_copy(target, folder, named):
            return target
        if not files.is_free(target):
            raise InputError(f"{named} holds something; name another folder.")
        with files.atomic_folder(target) as part:
            for path in filter(pathlib.Path.is_file, folder.rglob("*")):
                place = part / path.relative_to(folder)
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, place)  # not its mode, which may be read-only
    except OSError as error:
        if error.errno in files.TAKEN and _is_copy(target, folder, named):
            return target
        raise InputError(
            f"{named} cannot be written ({error.strerror}); name another folder."
        ) from error
    return target


def write_manifest(
    folder: pathlib.Path, *, version: int, about: str, made_by: tuple[str, ...]
) -> None:
    """Writes manifest.json into the folder of a packed run, with all its files."""
    kept = [p for p in sorted(folder.rglob("*")) if p.is_file() and p.name != MANIFEST]
    sha256 = {
        str(path.relative_to(folder)): _sha256(path.read_bytes()) for path in kept
    }
    content = {"version": version, "about": about, "made_by": list(made_by)}
    files.write_json(folder / MANIFEST, content | {"sha256": sha256})


def _checked(name: str, version: str | None) -> pathlib.Path:
    """The folder of a model, which must be of this version unless it is None."""
    model = _read(ROOT / name / MANIFEST)
    if version not in (None, str(model.version)):
        raise InputError(
            f"{name}@{version} is not in this package, which has version "
            f"{model.version}; ask for {name}@{model.version}, or install the jem-tf "
            "that has the other."
        )
    check(model)
    return model.folder


def _is_copy(target: pathlib.Path, folder: pathlib.Path, named: str) -> bool:
    """Whether a folder is a copy of a model, as far as evaluations leave it alone.

    Raises:
      InputError: if it is one of another model, or was changed.
    """
    if not (target / MANIFEST).is_file():
        return False
    if (target / MANIFEST).read_bytes() != (folder / MANIFEST).read_bytes():
        raise InputError(f"{named} holds another model; name another folder.")
    shipped = _read(folder / MANIFEST).sha256
    kept = {n: x for n, x in shipped.items() if n.split("/")[0] not in WRITTEN}
    if changed := _find_changed(target, kept):
        raise InputError(
            f"{named} holds a copy whose {changed.relative_to(target)} was changed; "
            "name another folder."
        )
    return True


def _find_changed(
    folder: pathlib.Path, sha256: Mapping[str, str]
) -> pathlib.Path | None:
    """The first file that cannot be read, or is another one."""
    for file, digest in sha256.items():
        try:
            content = (folder / file).read_bytes()
        except OSError:
            content = b""
        if _sha256(content) != digest:
            return folder / file
    return None


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _is_the_users(path: pathlib.Path) -> bool:
    own = ("run.flags", "data.json", "saved_model.pb")
    return path.is_file() or any((path / name).exists() for name in own)


def _read(path: pathlib.Path) -> Pretrained:
    content = json.loads(path.read_text(encoding="utf-8"))
    return Pretrained(
        path.parent.name,
        content["version"],
        content["about"],
        tuple(content["made_by"]),
        path.parent,
        content["sha256"],
    )
