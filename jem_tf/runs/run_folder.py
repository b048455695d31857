"""Where a run keeps its things, and how they get there whole.

RUN/run.flags           replays the run exactly
RUN/data.json           image shape, class names and sizes of what it was trained on
RUN/checkpoints/        weights, optimiser and replay buffer; see checkpoints.py
RUN/tensorboard/        scalars, pictures, hyper-parameters
RUN/results/*.json      numbers, flat keys
RUN/figures/*.png       pictures
RUN/export/<number>/    the network for servers; see export/
"""

import contextlib
import hashlib
import json
import os
import pathlib

from jem_tf.system import files; from jem_tf.runs import flagfiles
from jem_tf.errors import InputError

FORMAT = 1  # of a run; a newer one is refused
FLAGS_FILE, DATA_FILE, LOCK = "run.flags", "data.json", "checkpoints/lock"
PARTS = ("checkpoints", "tensorboard", "results", "figures")


def default(options):
    """The place of a run of which none is given: the same for the same run."""
    name = pathlib.PurePath(options.data.dataset.removeprefix("folder:")).name
    digest = hashlib.sha256(repr(flagfiles.identity(options)).encode()).hexdigest()
    return f"runs/{name}-{digest[:8]}"


def check(path, options):
    """Sees whether a run of these options may have the folder, and touches nothing.

    Raises:
      InputError: if it holds another run or something else, or cannot be written.
    """
    root, flag = pathlib.Path(path), f"--workdir={path}"
    flags_file = root / FLAGS_FILE
    try:
        if flags_file.is_file():
            about(root)
            _same(flagfiles.from_flagfile(flags_file), options, flag)
        elif root.is_dir() and not all(_own(path.name) for path in root.iterdir()):
            raise InputError(f"{flag} holds something that is no run; name another.")
        there = next(
            place for place in (root, *root.absolute().parents) if place.exists()
        )
    except OSError as error:
        raise _unwritable(flag, error.strerror) from error
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise _unwritable(flag, f"{there} is not a folder to write to")


@contextlib.contextmanager
def claim(path, options):
    """Makes the folder of a run, and keeps it from others while in the context.

    Yields:
      pathlib.Path, of the folder.

    Raises:
      InputError: as `check`, or if another process is training there.
    """
    check(path, options)
    root = pathlib.Path(path)
    try:
        for part in PARTS:
            (root / part).mkdir(parents=True, exist_ok=True)
        lock = (root / LOCK).open("ab", buffering=0)
    except OSError as error:
        raise _unwritable(f"--workdir={root}", error.strerror) from error
    with lock:
        import fcntl  # there is none on Windows

        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(
                f"--workdir={root} is in use by another process; wait for its end or "
                "name another."
            ) from error
        _mark(root, lock, options)
        yield root


def token(root):
    """A number by which processes see that they share a claimed folder; else -1."""
    try:
        return int((pathlib.Path(root) / LOCK).read_text())
    except (OSError, ValueError):
        return -1


def join(path, options, chiefs_token):
    """The folder of a run that another process claimed -> pathlib.Path.

    Raises:
      InputError: if it is another folder, or of other flags.
    """
    if token(path) != chiefs_token:
        raise InputError(
            f"--workdir={path} is not on storage that this process shares with the "
            "chief; name a place that is."
        )
    chiefs = flagfiles.flat(flagfiles.from_flagfile(pathlib.Path(path) / FLAGS_FILE))
    for name, ours in flagfiles.flat(options).items():
        if name not in ("workdir", "data_dir") and ours != chiefs[name]:
            raise InputError(
                f"--{name}={ours} is --{name}={chiefs[name]} in the chief; give all "
                "processes the same flags."
            )
    return pathlib.Path(path)


def _mark(root, lock, options):
    try:
        lock.truncate(0)
        lock.write(b"%d" % int.from_bytes(os.urandom(4), "big"))
        files.write(root / FLAGS_FILE, flagfiles.to_flagfile(options))
    except OSError as error:
        raise _unwritable(f"--workdir={root}", error.strerror) from error


def describe(root, data):
    """Writes down what `load` needs to know of the data set.

    Raises:
      InputError: if the run was of other data.
    """
    shape = data.train.images.shape[1:].as_list()
    note(root, shape, data.class_names, sizes(data))


def sizes(data):
    """{split: how many images} of a datasets.Dataset."""
    splits = ("train", "validation", "test")
    return {name: len(getattr(data, name).labels) for name in splits}


def note(root, image_shape, class_names, sizes):
    """`describe`, of data that are not at hand: [H, W, C], names, {split: images}."""
    ours = {
        "format": FORMAT,
        "image_shape": list(image_shape),
        "class_names": list(class_names),
        "sizes": sizes,
    }
    for name, theirs in about(root, ours).items():
        if theirs != ours[name]:
            raise InputError(
                f"--workdir={root} holds a run on other data ({name} {theirs}, now "
                f"{ours[name]}); name another."
            )
    files.write_json(root / DATA_FILE, ours)


def about(root, like=None):
    """What RUN/data.json says; `like`, or nothing, where there is none yet.

    Raises:
      InputError: if it is unreadable, or of a newer format.
    """
    try:
        text = (root / DATA_FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return like or {}
    except (OSError, ValueError) as error:
        raise InputError(f"{root / DATA_FILE} cannot be read: {error}") from error
    try:
        said = json.loads(text)
        found = said["format"]
        if found == FORMAT:
            return {
                name: said[name] for name in ("image_shape", "class_names", "sizes")
            }
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{root} holds no run of jem_tf; name a --workdir of one."
        ) from error
    raise InputError(
        f"{root} holds a run of format {found}, and this jem_tf reads {FORMAT}; "
        "upgrade jem_tf, or name another --workdir."
    )


def _same(theirs, ours, flag):
    theirs, ours = flagfiles.identity(theirs), flagfiles.identity(ours)
    differ = [f"--{name}={theirs[name]}" for name in ours if ours[name] != theirs[name]]
    if differ:
        raise InputError(
            f"{flag} holds another run ({', '.join(differ)}); name another, or give "
            "the same flags."
        )


def _own(name):
    """Whether it is something that a run's first moments may leave."""
    return name in PARTS or name.startswith(FLAGS_FILE)


def _unwritable(flag, why):
    return InputError(f"{flag} cannot be written ({why}); mend that or name another.")
