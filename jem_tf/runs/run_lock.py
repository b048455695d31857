"""Claims of a run's folder, which only one run and one chief process may have."""

import contextlib
import os
import pathlib
from collections.abc import Iterator

from jem_tf.errors import InputError, argument
from jem_tf.options import Options, defining_options, flatten
from jem_tf.runs import flagfiles, packed_checkpoint
from jem_tf.runs.run_folder import RunFolder
from jem_tf.system import files


def check(path: str, options: Options) -> None:
    """Checks that a run of these options may use the folder. Changes nothing.

    Raises:
      InputError: if the folder holds another run, a packed one or something else, or
        cannot be written.
    """
    folder, named = RunFolder(path), argument("workdir", path)
    try:
        if any(folder.checkpoints.glob(f"*/{packed_checkpoint.NAME}")):
            raise InputError(
                f"{named} is a packed run, from which no training goes on; name "
                f"another folder, and begin with {argument('init', path)}."
            )
        if folder.flags_file.is_file():
            folder.read_description()
            _check_same(flagfiles.from_flagfile(folder.flags_file), options, named)
        elif folder.root.is_dir():
            _check_only_parts(folder, named)
        parents = (folder.root, *folder.root.absolute().parents)
        existing = next(place for place in parents if place.exists())
    except OSError as error:
        raise _unwritable(named, error.strerror) from error
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise _unwritable(named, f"{existing} is not a folder to write to")


@contextlib.contextmanager
def claim(path: str | pathlib.Path, options: Options) -> Iterator[RunFolder]:
    """Makes the folder of a run, and locks it while in the context.

    Raises:
      InputError: as `check`, or if another process has locked it.
    """
    check(str(path), options)
    folder, named = RunFolder(path), argument("workdir", path)
    try:
        for part in folder.parts:
            part.mkdir(parents=True, exist_ok=True)
        lock = folder.lock.open("ab", buffering=0)
    except OSError as error:
        raise _unwritable(named, error.strerror) from error
    with lock:
        import fcntl  # Windows has none

        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(
                f"{named} is in use by another process; wait for its end or name "
                "another."
            ) from error
        except OSError as error:
            raise InputError(
                f"{named} is on a file system without locks ({error.strerror}); name a "
                "folder on another."
            ) from error
        try:
            lock.truncate(0)
            lock.write(b"%d" % int.from_bytes(os.urandom(4), "big"))
            files.write_text(folder.flags_file, flagfiles.to_flagfile(options))
        except OSError as error:
            raise _unwritable(named, error.strerror) from error
        yield folder


def read_token(path: str | pathlib.Path) -> int:
    """Reads the random number that `claim` wrote into a folder; -1 if there is none."""
    try:
        return int(RunFolder(path).lock.read_text())
    except (OSError, ValueError):
        return -1


def join_run(path: str, options: Options, token_of_chief: int) -> RunFolder:
    """Opens the folder of a run that another process claimed.

    Raises:
      InputError: if it is another folder, or its run has other options.
    """
    if read_token(path) != token_of_chief:
        raise InputError(
            f"{argument('workdir', path)} is not on storage that this process shares "
            "with the chief; name a place that is."
        )
    folder = RunFolder(path)
    chief = flatten(flagfiles.from_flagfile(folder.flags_file))
    for name, value in flatten(options).items():
        if name not in ("workdir", "data_dir") and value != chief[name]:
            raise InputError(
                f"{argument(name, value)} is {argument(name, chief[name])} in the "
                "chief; give all processes the same flags."
            )
    return folder


def _check_same(before: Options, now: Options, named: str) -> None:
    old, new = defining_options(before), defining_options(now)
    differ = [argument(name, old[name]) for name in new if new[name] != old[name]]
    if differ:
        raise InputError(
            f"{named} holds another run ({', '.join(differ)}); name another, or give "
            "the same flags."
        )


def _check_only_parts(folder: RunFolder, named: str) -> None:
    """Refuses a folder that holds more than a run which has just begun."""
    own = {part.name for part in folder.parts}
    for path in folder.root.iterdir():
        if path.name not in own and not path.name.startswith(folder.flags_file.name):
            raise InputError(f"{named} holds something that is no run; name another.")


def _unwritable(named: str, why: str | None) -> InputError:
    return InputError(f"{named} cannot be written ({why}); fix that or name another.")
