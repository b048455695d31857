"""One checkpoint on the disk: what is in it, and whether it is whole.

FOLDER/step-0000500/state.json    the state of training, see `training_state`
                    model.*       network and optimiser, which has averages of weights
                    shards-0.*    process 0's shards of the replay buffer

A packed one has a single file beside state.json, see `packed_checkpoint`.
"""

import hashlib
import pathlib
import re
import shutil
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from jem_tf.errors import InputError
from jem_tf.optimizers import averaging
from jem_tf.runs import packed_checkpoint
from jem_tf.runs.training_state import NewerFormat, TrainingState

UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    zipfile.BadZipFile,
    zlib.error,
    tf.errors.OpError,
)


def list_steps(folder: pathlib.Path) -> list[int]:
    """Lists the steps of the checkpoints in a folder, ascending."""
    names = (path.name for path in folder.glob("step-*"))
    return sorted(int(name[5:]) for name in names if re.fullmatch(r"step-\d{7,}", name))


def path_of(folder: pathlib.Path, step: int) -> pathlib.Path:
    """The folder of the checkpoint after training step `step`."""
    return folder / f"step-{step:07d}"


def find_whole(folder: pathlib.Path, *, best: bool = False) -> pathlib.Path | None:
    """Finds the newest whole checkpoint, or the best one on validation; or None."""
    steps = list_steps(folder)[::-1]
    if best:
        steps.sort(key=lambda step: accuracy_of(path_of(folder, step)), reverse=True)
    paths = (path_of(folder, step) for step in steps)
    return next((path for path in paths if not find_damage(path)), None)


def write_state(path: pathlib.Path, state: TrainingState) -> None:
    """Writes the state.json of a checkpoint."""
    (path / "state.json").write_text(state.to_json())


def read_state(path: pathlib.Path) -> TrainingState:
    """Reads the state.json of a checkpoint.

    Raises:
      One of UNREADABLE: if it cannot be read, or does not match its checksum.
    """
    return TrainingState.from_json((path / "state.json").read_text())


def digest_state(path: pathlib.Path) -> str:
    """The sha256 of a checkpoint's state.json; that of another training is another."""
    return hashlib.sha256((path / "state.json").read_bytes()).hexdigest()


def find_damage(
    path: pathlib.Path, model_facts: Mapping[str, Any] | None = None
) -> str:
    """Returns in a line what is wrong with a checkpoint; "" if its checksums match.

    Raises:
      InputError: if it is whole, but of another model than `model_facts` says, or of a
        newer format.
    """
    try:
        state = read_state(path)
        _read_all(path, state)
    except NewerFormat as error:
        raise InputError(f"{path} cannot be read: {error}; upgrade jem_tf.") from error
    except UNREADABLE as error:
        return first_line(error) or type(error).__name__
    for name, value in (model_facts or {}).items():
        if (other := state.model_facts.get(name)) != value:
            raise InputError(
                f"{path} is a checkpoint of {name}={other}, and this run is of "
                f"{name}={value}; name another folder for this run."
            )
    return ""


def restore(model: Any, path: pathlib.Path, state: TrainingState) -> None:
    """Restores a model from a checkpoint, with its optimizer if it is compiled.

    Raises:
      InputError: if the network has other layers, as in another version of jem_tf.
    """
    try:
        if packed_checkpoint.is_packed(path):
            packed_checkpoint.restore(model, path)
            return
        status = tracked_objects(model).read(str(path / "model"))
        status.assert_existing_objects_matched()
    except (AssertionError, KeyError, ValueError) as error:
        raise InputError(
            f"{path} does not fit the network as this jem_tf builds it "
            f"({first_line(error)}); go on with the version that wrote it, or name "
            "another folder for this run."
        ) from error
    status.expect_partial()
    if model.buffer is not None:
        model.buffer.restore_state(_read_shards(path, state), state.replicas)


def restore_averages(model: Any, path: pathlib.Path) -> None:
    """Gives a model that is not compiled the averaged weights of a checkpoint.

    Raises:
      InputError: if the checkpoint has none, or not of these weights.
    """
    status = tf.train.Checkpoint(average=model.trainable_weights).read(
        str(path / "model")
    )
    try:
        status.assert_existing_objects_matched()
    except (AssertionError, ValueError) as error:
        raise InputError(
            f"{path} has no averages of this network's weights ({first_line(error)}); "
            "go on with the version that wrote it."
        ) from error
    status.expect_partial()  # network and optimizer are in the file, too


def tracked_objects(model: Any) -> tf.train.Checkpoint:
    """The tf.train.Checkpoint of all but the replay buffer."""
    objects = {"network": model.network}
    if model.compiled:
        objects["optimizer"] = model.optimizer
        if averages := averaging.averages(model.optimizer):
            objects["average"] = averages
    return tf.train.Checkpoint(**objects)


def accuracy_of(path: pathlib.Path) -> float:
    """Accuracy on validation; -1 if it was not measured there, or cannot be read."""
    try:
        accuracy = read_state(path).val_accuracy
        return -1.0 if accuracy is None else float(accuracy)
    except UNREADABLE:
        return -1.0


def is_good(path: pathlib.Path) -> bool:
    """Whether a checkpoint can be read, and was `good` when it was saved."""
    try:
        return bool(read_state(path).good)
    except UNREADABLE:
        return False


def retries_of(path: pathlib.Path) -> int:
    """The number of retries before a checkpoint; 0 if it cannot be read."""
    try:
        return read_state(path).retries
    except UNREADABLE:
        return 0


def set_aside(path: pathlib.Path) -> None:
    """Renames a damaged checkpoint, and deletes an older damaged one of its step."""
    aside = path.with_suffix(".damaged")
    shutil.rmtree(aside, ignore_errors=True)
    path.rename(aside)


def remove(path: pathlib.Path) -> None:
    """Renames a checkpoint, so that no half of it is read, and deletes it."""
    gone = path.with_suffix(".gone")
    shutil.rmtree(gone, ignore_errors=True)
    path.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def first_line(error: object) -> str:
    """The first line of an error, without TensorFlow's markup."""
    return re.sub(r"\{\{.*?\}\} ?", "", str(error).split("\n")[0])


def _read_all(path: pathlib.Path, state: TrainingState) -> None:
    """Reads all arrays of a checkpoint, which compares their checksums.

    Raises:
      One of UNREADABLE: if one does not match.
    """
    if packed_checkpoint.is_packed(path):
        packed_checkpoint.read(path)
        return
    for prefix in _prefixes(path, state):
        reader = tf.train.load_checkpoint(str(prefix))
        for name in reader.get_variable_to_shape_map():
            reader.get_tensor(name)


def _read_shards(path: pathlib.Path, state: TrainingState) -> dict[str, np.ndarray]:
    """{"shard_0": images, "ages_0": ages, ...} of all replicas, see `restore_state`."""
    shards = {}
    for prefix in _prefixes(path, state)[1:]:
        reader = tf.train.load_checkpoint(str(prefix))
        for key in reader.get_variable_to_shape_map():
            if key.startswith("buffer/"):
                shards[key.split("/")[1]] = reader.get_tensor(key)
    return shards


def _prefixes(path: pathlib.Path, state: TrainingState) -> list[pathlib.Path]:
    shards = [path / f"shards-{i}" for i in range(state.processes)]
    return [path / "model", *shards]
