"""The checkpoints of a run: saves, restores and deletes them.

A checkpoint is written under another name, flushed to the disk, and then renamed. So it
is there as a whole or not at all, and a failure to write it does not affect the others.
See `checkpoint_files` for what is in one.
"""

import dataclasses
import errno
import pathlib
import shutil
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import tensorflow as tf

from jem_tf.errors import InputError
from jem_tf.options import Options
from jem_tf.runs import checkpoint_files
from jem_tf.runs.training_state import TrainingState
from jem_tf.system import files
from jem_tf.system.console import say


class Processes(Protocol):
    """The processes that train together: a `training.cluster.Cluster`."""

    chief: bool
    index: int
    processes: int
    replicas: int

    def all_true(self, flag: bool) -> bool: ...

    def from_chief(self, number: int) -> int: ...


def model_facts(
    opts: Options, image_shape: Sequence[int], num_classes: int
) -> dict[str, Any]:
    """Facts in which a checkpoint and the model that continues from it must agree.

    Args:
      opts: Options.
      image_shape: (H, W, C).
      num_classes: K.

    Returns:
      {name: value}.
    """
    names = ("network", "norm", "activation")
    return {
        "dataset": opts.data.dataset,
        "image_shape": list(image_shape),
        "classes": num_classes,
        **{name: getattr(opts.network, name) for name in names},
        "optimizer": opts.training.optimizer,
        "ema": opts.training.ema or None,  # as in checkpoints of before
        "buffer_size": opts.sampling.buffer_size * opts.objective.generative,
    }


class Checkpoints:
    """Saves and restores a model with its `TrainingState`.

    Args:
      folder: folder of the checkpoints.
      cluster: the processes that train. The chief writes the model; each process writes
        its own shards of the buffer.
      keep: how many of the newest to keep, in addition to the best on validation.
      facts: `model_facts` of the run.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        cluster: Processes,
        *,
        keep: int,
        facts: Mapping[str, Any],
    ):
        self.folder, self.cluster = folder, cluster
        self.keep, self.facts = keep, dict(facts)

    def save(self, model: Any, state: TrainingState) -> bool:
        """Saves a checkpoint. Returns whether it was saved; prints why if it was not.

        If the disk is full, all checkpoints but the newest good one and the best are
        deleted, and it tries again.
        """
        failure = self._write(model, state)
        if failure and self._make_room(failure):
            failure = self._write(model, state)
        if failure and self.cluster.chief:
            why = checkpoint_files.first_line(failure)
            say(f"no checkpoint at step {state.step}: {why}")
        return failure is None

    def restore(self, model: Any) -> TrainingState | None:
        """Restores the newest checkpoint that is whole.

        Returns its state, or None if there is no checkpoint.

        Raises:
          InputError: if there are checkpoints, but none is whole, or the newest is of
            another model or a newer version of jem_tf.
        """
        newest = self._find_newest() if self.cluster.chief else 0
        step = self.cluster.from_chief(newest)
        if not step:
            return None
        path = self._path(step)
        state = checkpoint_files.read_state(path)
        checkpoint_files.restore(model, path, state)
        if state.replicas != self.cluster.replicas and model.buffer is not None:
            say(
                f"the replay buffer of {state.replicas} replica(s) was divided among "
                f"{self.cluster.replicas}"
            )
        return state

    def find_way_back(self, not_to: int | None = None) -> int:
        """Finds the step of the newest good checkpoint, another than `not_to` if any.

        Returns 0, the start, if there is none.
        """
        steps = checkpoint_files.list_steps(self.folder)
        good = [step for step in steps if checkpoint_files.is_good(self._path(step))]
        if len(good) > 1 and good[-1] == not_to:
            good.pop()
        return self.cluster.from_chief(good[-1] if good else 0)

    def forget(self, after: int | None, retries: int) -> None:
        """Deletes checkpoints after step `after` that are of earlier retries."""
        if self.cluster.chief:
            for step in checkpoint_files.list_steps(self.folder):
                path = self._path(step)
                earlier = checkpoint_files.retries_of(path) < retries
                if step > (after or 0) and earlier:
                    checkpoint_files.remove(path)
        self.cluster.all_true(True)  # all processes wait for the chief

    def improves(self, accuracy: float | None) -> bool:
        """Whether an accuracy on validation is higher than that of all checkpoints.

        The chief's accuracy counts; all processes must call it.
        """
        better = False
        if self.cluster.chief and accuracy is not None:
            steps = checkpoint_files.list_steps(self.folder)
            kept = [checkpoint_files.accuracy_of(self._path(step)) for step in steps]
            better = accuracy > max(kept, default=-1.0)
        return bool(self.cluster.from_chief(int(better)))

    def _path(self, step: int) -> pathlib.Path:
        return checkpoint_files.path_of(self.folder, step)

    def _find_newest(self) -> int:
        for leftover in (*self.folder.glob("*.part"), *self.folder.glob("*.gone")):
            shutil.rmtree(leftover, ignore_errors=True)
        damaged = {}
        for step in reversed(checkpoint_files.list_steps(self.folder)):
            path = self._path(step)
            if damage := checkpoint_files.find_damage(path, self.facts):
                damaged[path] = damage
                continue
            for other, what in damaged.items():
                checkpoint_files.set_aside(other)
                say(f"{other} is damaged ({what}); it is set aside")
            return step
        if damaged:
            raise InputError(
                f"No checkpoint in {self.folder} is whole ({damage}); delete the "
                "folder to train from the start."
            )
        return 0

    def _write(self, model: Any, state: TrainingState) -> object | None:
        """Writes a checkpoint. Returns why that failed in some process, or None."""
        path = self._path(state.step)
        part = path.with_suffix(".part")
        failure: object | None = None
        try:
            part.mkdir(exist_ok=True)
            if model.buffer is not None:
                shards = tf.train.Checkpoint(buffer=model.buffer)
                shards.write(str(part / f"shards-{self.cluster.index}"))
            if self.cluster.chief:
                checkpoint_files.tracked_objects(model).write(str(part / "model"))
        except (OSError, tf.errors.OpError) as error:
            failure = error
        done = self.cluster.all_true(failure is None)
        if done and self.cluster.chief:
            failure = self._finish(part, path, model, state)
        if done and self.cluster.from_chief(int(failure is None)):
            return None
        if self.cluster.chief:
            shutil.rmtree(part, ignore_errors=True)
        return failure or "another process could not write its part"

    def _make_room(self, failure: object) -> bool:
        """Deletes checkpoints if a disk was full. Returns whether any was deleted."""
        full = isinstance(failure, tf.errors.ResourceExhaustedError) or (
            getattr(failure, "errno", None) in (errno.ENOSPC, errno.EDQUOT)
        )
        if self.cluster.all_true(not full):
            return False
        freed = self._prune(keep=1) if self.cluster.chief else 0
        return bool(self.cluster.from_chief(freed))

    def _finish(
        self, part: pathlib.Path, path: pathlib.Path, model: Any, state: TrainingState
    ) -> OSError | None:
        state = dataclasses.replace(
            state,
            model_facts=self.facts,
            replicas=self.cluster.replicas,
            processes=self.cluster.processes if model.buffer is not None else 0,
        )
        try:
            checkpoint_files.write_state(part, state)
            for file in (*part.iterdir(), part):
                files.fsync(file)
            if path.exists():
                checkpoint_files.remove(path)
            part.rename(path)
            files.fsync(self.folder)
        except OSError as error:
            return error
        self._prune(self.keep)
        return None

    def _prune(self, keep: int) -> int:
        """Deletes all but the `keep` newest good ones, the best, and newer ones.

        Returns the number deleted.
        """
        paths = {s: self._path(s) for s in checkpoint_files.list_steps(self.folder)}
        good = [step for step, path in paths.items() if checkpoint_files.is_good(path)]
        accuracy = {step: checkpoint_files.accuracy_of(paths[step]) for step in good}
        best = max(accuracy, key=accuracy.__getitem__, default=None)
        stay = set(good[-keep:])
        if best is not None and accuracy[best] >= 0:
            stay.add(best)
        oldest = min(good[-keep:], default=0)
        removed = 0
        for step, path in paths.items():
            if step not in stay and (step in good or step < oldest):
                try:
                    checkpoint_files.remove(path)
                    removed += 1
                except OSError as error:
                    say(f"{path} cannot be removed: {error.strerror}")
        return removed
