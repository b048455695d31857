"""The checkpoints of a run: each whole or not there, and none lost by writing the next.

FOLDER/step-0000500/state.json    where the run stands
                    model.*       network and optimiser
                    shards-0.*    process 0's shards of the replay buffer

A checkpoint is written beside the others, brought to the disk, and then renamed.
"""

import json
import os
import pathlib
import shutil

import tensorflow as tf

from jem_tf.errors import InputError
from jem_tf.log import say

FORMAT = 1  # of a checkpoint; a newer one is refused
UNREADABLE = (OSError, ValueError, KeyError, TypeError, tf.errors.OpError)


class Checkpoints:
    """Saves and restores a model and its standing: a dict that JSON can hold, with

    step         how many training steps were taken
    good         whether the guard saw nothing wrong
    val_accuracy accuracy on the validation split where it was just measured, else None

    Args:
      folder: where they are kept.
      cluster: Cluster; its chief writes, and each process its own shards.
      keep: how many of the newest stay, beside the best on validation.
      about: {name: value} of what a model must share with a checkpoint of it.
    """

    def __init__(self, folder, cluster, *, keep, about):
        self.folder, self.cluster = pathlib.Path(folder), cluster
        self.keep, self.about = keep, about

    def save(self, model, standing):
        """Saves, or says why not and leaves the others alone -> whether it did."""
        place = _place(self.folder, standing["step"])
        part = place.with_suffix(".part")
        failure = None
        try:
            part.mkdir(exist_ok=True)
            if model.buffer is not None:
                shards = tf.train.Checkpoint(buffer=model.buffer)
                shards.write(str(part / f"shards-{self.cluster.index}"))
            if self.cluster.chief:
                _objects(model).write(str(part / "model"))
        except (OSError, tf.errors.OpError) as error:
            failure = error
        saved = self.cluster.all(failure is None)
        if saved and self.cluster.chief:
            failure = self._finish(part, place, model, standing)
            saved = failure is None
        if not saved and self.cluster.chief:
            shutil.rmtree(part, ignore_errors=True)
            why = failure or "another process could not write its part"
            say(f"no checkpoint at step {standing['step']}: {_line(why)}")
        return saved

    def restore(self, model):
        """Restores the newest that is whole -> its standing; None where there is none.

        Raises:
          InputError: if none is whole, or it is another model's or a newer version's.
        """
        step = self.cluster.of_chief(self._newest_whole() if self.cluster.chief else 0)
        if not step:
            return None
        place = _place(self.folder, step)
        standing = read_standing(place)
        restore(model, place, standing)
        if standing["replicas"] != self.cluster.replicas and model.buffer is not None:
            say(
                f"the replay buffer of {standing['replicas']} replica(s) was dealt out "
                f"again to {self.cluster.replicas}"
            )
        return standing

    def roll_back(self, not_to=None):
        """Forgets what is not good, and step `not_to` -> the newest left, or 0."""
        if self.cluster.chief:
            for step in steps(self.folder):
                place = _place(self.folder, step)
                if step == not_to or not read_standing(place)["good"]:
                    _remove(place)
        return self.cluster.of_chief(max(steps(self.folder), default=0))

    def improves(self, accuracy):
        """Whether none has this accuracy on validation yet; the chief knows it."""
        better = False
        if self.cluster.chief:
            kept = [_accuracy(self.folder, step) for step in steps(self.folder)]
            better = accuracy > max(kept, default=-1.0)
        return bool(self.cluster.of_chief(int(better)))

    def _newest_whole(self):
        for leftover in (*self.folder.glob("*.part"), *self.folder.glob("*.gone")):
            shutil.rmtree(leftover, ignore_errors=True)
        for step in reversed(steps(self.folder)):
            place = _place(self.folder, step)
            if damage := verify(place, self.about):
                say(f"{place} is damaged ({damage}); it is set aside")
                place.rename(place.with_suffix(".damaged"))
            else:
                return step
        if damaged := next(self.folder.glob("*.damaged"), None):
            raise InputError(
                f"No checkpoint in {self.folder} is whole ({damaged.name}); delete the "
                "folder to train from the start."
            )
        return 0

    def _finish(self, part, place, model, standing):
        state = {
            "format": FORMAT,
            "about": self.about,
            "replicas": self.cluster.replicas,
            "processes": self.cluster.processes if model.buffer is not None else 0,
        }
        try:
            (part / "state.json").write_text(json.dumps(state | standing, indent=2))
            for path in (*part.iterdir(), part):
                _to_disk(path)
            if place.exists():
                _remove(place)
            part.rename(place)
            _to_disk(self.folder)
        except OSError as error:
            return error
        newest = steps(self.folder)
        best = max(newest, key=lambda step: _accuracy(self.folder, step))
        for step in set(newest[: -self.keep]) - {best}:
            _remove(_place(self.folder, step))
        return None


def steps(folder):
    """The steps of the checkpoints in a folder, ascending."""
    return sorted(
        int(path.name.removeprefix("step-"))
        for path in pathlib.Path(folder).glob("step-*")
        if not path.suffix
    )


def newest_whole(folder, *, best=False):
    """The place of the newest whole checkpoint, or of the best one; or None."""
    found = steps(folder)[::-1]
    if best:
        found.sort(key=lambda step: _accuracy(folder, step), reverse=True)
    places = (_place(folder, step) for step in found)
    return next((place for place in places if not verify(place)), None)


def read_standing(place):
    """What a checkpoint says of where its run stood."""
    return json.loads((place / "state.json").read_text())


def verify(place, about=None):
    """What is wrong with a checkpoint, in a line; "" if all its checksums match.

    Raises:
      InputError: if it is whole, but of another model than `about` or a newer version.
    """
    try:
        standing = read_standing(place)
        if standing["format"] <= FORMAT:
            for prefix in _prefixes(place, standing):
                reader = tf.train.load_checkpoint(str(prefix))
                for name in reader.get_variable_to_shape_map():
                    reader.get_tensor(name)
    except UNREADABLE as error:
        return _line(error) or type(error).__name__
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
    """Fills a model, compiled and built or not compiled, from a checkpoint."""
    status = _objects(model).read(str(place / "model"))
    status.assert_existing_objects_matched()
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


def _objects(model):
    optimizer = {"optimizer": model.optimizer} if model.compiled else {}
    return tf.train.Checkpoint(network=model.network, **optimizer)


def _prefixes(place, standing):
    shards = [place / f"shards-{i}" for i in range(standing["processes"])]
    return [place / "model", *shards]


def _place(folder, step):
    return pathlib.Path(folder) / f"step-{step:07d}"


def _accuracy(folder, step):
    accuracy = read_standing(_place(folder, step))["val_accuracy"]
    return -1.0 if accuracy is None else accuracy


def _remove(place):
    """Not to be mistaken for a checkpoint while it goes."""
    gone = place.with_suffix(".gone")
    shutil.rmtree(gone, ignore_errors=True)
    place.rename(gone)
    shutil.rmtree(gone)


def _to_disk(path):
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _line(error):
    return str(error).split("\n")[0]
