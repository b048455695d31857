"""One checkpoint on the disk: what is in it, and whether it is whole.

FOLDER/step-0000500/state.json    where the run stands
                    model.*       network and optimiser
                    shards-0.*    process 0's shards of the replay buffer
"""

import json
import pathlib
import re
import shutil
import zlib

import tensorflow as tf

from jem_tf.errors import InputError

FORMAT = 1  # of a checkpoint; a newer one is refused
UNREADABLE = (OSError, ValueError, LookupError, TypeError, tf.errors.OpError)


def steps(folder):
    """The steps of the checkpoints in a folder, ascending."""
    names = (path.name for path in pathlib.Path(folder).glob("step-*"))
    return sorted(int(name[5:]) for name in names if re.fullmatch(r"step-\d{7,}", name))


def newest_whole(folder, *, best=False):
    """The place of the newest whole checkpoint, or of the best one; or None."""
    found = steps(folder)[::-1]
    if best:
        found.sort(key=lambda step: accuracy_of(place_of(folder, step)), reverse=True)
    places = (place_of(folder, step) for step in found)
    return next((place for place in places if not verify(place)), None)


def write_standing(place, standing):
    """Writes down where a run stands, with format and checksum."""
    standing = standing | {"format": FORMAT}
    text = json.dumps(standing | {"crc32": _crc32(standing)})
    (place / "state.json").write_text(text)


def standing_of(place):
    """What a checkpoint says of where its run stood.

    Raises:
      One of UNREADABLE: if it cannot be read, or does not match its checksum.
    """
    standing = json.loads((place / "state.json").read_text())
    crc32 = standing.pop("crc32", None)
    if standing["format"] <= FORMAT and crc32 != _crc32(standing):
        raise ValueError("state.json does not match its checksum")
    return standing


def _crc32(standing):
    return zlib.crc32(json.dumps(standing, sort_keys=True).encode())


def verify(place, about=None):
    """What is wrong with a checkpoint, in a line; "" if all its checksums match.

    Raises:
      InputError: if it is whole, but of another model than `about` or a newer version.
    """
    try:
        standing = standing_of(place)
        if standing["format"] <= FORMAT:
            for prefix in _prefixes(place, standing):
                reader = tf.train.load_checkpoint(str(prefix))
                for name in reader.get_variable_to_shape_map():
                    reader.get_tensor(name)
    except UNREADABLE as error:
        return line_of(error) or type(error).__name__
    if standing["format"] > FORMAT:
        raise InputError(
            f"{place} has format {standing['format']}, newer than this jem_tf's "
            f"{FORMAT}; upgrade jem_tf."
        )
    for name, ours in (about or {}).items():
        if (theirs := standing["about"].get(name)) != ours:
            raise InputError(
                f"{place} is a checkpoint of {name}={theirs}, and this run is of "
                f"{name}={ours}; name another --workdir."
            )
    return ""


def restore(model, place, standing):
    """Fills a model, compiled and built or not compiled, from a checkpoint.

    Raises:
      InputError: if the network's layers are others, as in another version of jem_tf.
    """
    try:
        status = objects(model).read(str(place / "model"))
        status.assert_existing_objects_matched()
    except (AssertionError, ValueError) as error:
        raise InputError(
            f"{place} does not fit the network as this jem_tf builds it "
            f"({line_of(error)}); go on with the version that wrote it, or name "
            "another --workdir."
        ) from error
    status.expect_partial()
    if model.buffer is not None:
        found, replicas = _shards(place, standing), range(standing["replicas"])
        model.buffer.restore(
            [found[f"shard_{i}"] for i in replicas],
            [found[f"ages_{i}"] for i in replicas],
        )


def _shards(place, standing):
    """{"shard_0": images, "ages_0": ages, ...} of the replicas of all processes."""
    found = {}
    for prefix in _prefixes(place, standing)[1:]:
        reader = tf.train.load_checkpoint(str(prefix))
        for key in reader.get_variable_to_shape_map():
            if key.startswith("buffer/"):
                found[key.split("/")[1]] = reader.get_tensor(key)
    return found


def objects(model):
    """The tf.train.Checkpoint of all but the replay buffer."""
    optimizer = {"optimizer": model.optimizer} if model.compiled else {}
    return tf.train.Checkpoint(network=model.network, **optimizer)


def _prefixes(place, standing):
    shards = [place / f"shards-{i}" for i in range(standing["processes"])]
    return [place / "model", *shards]


def place_of(folder, step):
    """The folder of the checkpoint after `step`."""
    return pathlib.Path(folder) / f"step-{step:07d}"


def accuracy_of(place):
    """On validation; -1 if it was not measured there, or cannot be read."""
    try:
        accuracy = standing_of(place)["val_accuracy"]
        return -1.0 if accuracy is None else float(accuracy)
    except UNREADABLE:
        return -1.0


def is_good(place):
    """Whether the guard saw nothing wrong when it was saved, and it can be read."""
    try:
        return bool(standing_of(place)["good"])
    except UNREADABLE:
        return False


def retries_of(place):
    """How many retries after divergence there had been; 0 if it cannot be read."""
    try:
        return standing_of(place)["retries"]
    except UNREADABLE:
        return 0


def set_aside(place):
    """Renames a damaged one, over an older damaged one of its step if need be."""
    aside = place.with_suffix(".damaged")
    shutil.rmtree(aside, ignore_errors=True)
    place.rename(aside)


def remove(place):
    """Deletes a checkpoint, which no longer looks like one while it goes."""
    gone = place.with_suffix(".gone")
    shutil.rmtree(gone, ignore_errors=True)
    place.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def line_of(error):
    """The first line of an error."""
    return re.sub(r"\{\{.*?\}\} ?", "", str(error).split("\n")[0])
