"""Where what was drawn is kept: names that tell the settings, files all or none."""

import contextlib
import dataclasses
import hashlib
import json
import re
import tempfile

import numpy as np

from jem_tf.errors import InputError
from jem_tf.evaluation import findings, sample_sets
from jem_tf.system import files, hardware

LONGEST = 120  # characters of a name


def name(wanted, run):
    """ "grid-step_7020-labels_cat,dog-seed_3": what is not as by default.

    A long one is cut, and ends in a digest of all that was asked for.

    Args:
      wanted: request.Request.
      run: trained.Trained.
    """
    asked = {"step": run.step} | wanted.changed()
    words = [f"{key}_{_plain(value)}" for key, value in asked.items()]
    whole = "-".join([wanted.mode, *words])
    if len(whole) <= LONGEST:
        return whole
    digest = hashlib.sha256(repr(asked).encode()).hexdigest()[:8]
    return f"{whole[: LONGEST - 9]}-{digest}"


def places(folder, stem, endings):
    """The paths {ending: path} to write, in a folder made if it is not there.

    Raises:
      InputError: if one is taken, or the folder cannot be written.
    """
    paths = {ending: folder / f"{stem}{ending}" for ending in endings}
    for path in paths.values():
        if path.exists():
            raise InputError(f"{path} exists; remove it, or name another --out.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise _unwritable(folder, error) from error
    return paths


def write(paths, writers):
    """Writes all files or none.

    Args:
      paths: {ending: path}.
      writers: {ending: a function that writes the file at a path}.

    Raises:
      InputError: if one cannot be written.
    """
    try:
        with contextlib.ExitStack() as stack:
            parts = {k: stack.enter_context(files.whole(p)) for k, p in paths.items()}
            for ending, part in parts.items():
                writers[ending](part)
    except OSError as error:
        raise _unwritable(next(iter(paths.values())).parent, error) from error


def settings(run, wanted, plan):
    """What makes the images those they are: {name: anything JSON can hold}."""
    return {
        **dataclasses.asdict(wanted),
        "start": plan.begin,
        "candidates": wanted.candidates or 1,
        "count": plan.n,
        **plan.walk.keywords,
        "chains_at_a_time": sample_sets.BATCH_SIZE,
        "checkpoint_step": run.step,
        "network_sha256": findings.checksum(run.model.network),
        "precision": hardware.precision(run.options.training.precision)[0],
    }


def arrays(drawn, plan, about):
    """A writer of the .npz: what was drawn, and how.

    images uint8 and pixels float32 [n, H, W, C], the latter in [-1, 1] but for what
    chains took out of it; energies E(x) in nats, float32 [n]; labels int32 [n], -1
    where it is p(x); settings, JSON in a string; seed. Of chains also frames uint8
    [F, n, H, W, C] and frame_steps [F]; of inpaintings image float32 [H, W, C] and free
    bool [H, W, 1].

    Args:
      drawn: walks.Drawn.
      plan: request.Plan.
      about: `settings`.
    """
    labels = [-1] * plan.n if plan.labels is None else plan.labels
    held = {
        "images": sample_sets.rounded(drawn.images),
        "pixels": drawn.images,
        "energies": drawn.energies,
        "labels": np.asarray(labels, "int32"),
        "seed": np.asarray(about["seed"]),
        "settings": np.asarray(json.dumps(about)),
    }
    if drawn.frames is not None:
        held |= {"frames": drawn.frames, "frame_steps": drawn.steps}
    if plan.known is not None:
        held |= plan.known._asdict()

    def writer(path):
        with open(path, "wb") as file:  # given a path, savez adds its own ending
            np.savez_compressed(file, **held)

    return writer


def _plain(value):
    return re.sub(r"[^\w.,]+", "_", str(value)).strip("_")


def _unwritable(folder, error):
    return InputError(
        f"--out={folder} cannot be written: {error.strerror or error}; name another."
    )
