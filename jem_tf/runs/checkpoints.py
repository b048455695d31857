"""The checkpoints of a run: each whole or not there, and none lost by writing the next.

A checkpoint is written beside the others, brought to the disk, and then renamed. See
`saved.py` for what is in one.
"""

import errno
import pathlib
import shutil

import tensorflow as tf

from jem_tf.system import files; from jem_tf.runs import checkpoint_files
from jem_tf.errors import InputError
from jem_tf.system.log import say


def about(opts, image_shape, num_classes):
    """What a checkpoint must share with the model that goes on from it: {name: value}.

    Args:
      opts: Options.
      image_shape: (H, W, C).
      num_classes: K.
    """
    names = ("network", "norm", "activation")
    return {
        "dataset": opts.data.dataset,
        "image_shape": list(image_shape),
        "classes": num_classes,
        **{name: getattr(opts.network, name) for name in names},
        "optimizer": opts.training.optimizer,
        "buffer_size": opts.sampling.buffer_size * opts.objective.generative,
    }


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
        """Saves, or says why not and leaves the others alone -> whether it did.

        On a full disk the newest good one and the best make room for the next.
        """
        failure = self._write(model, standing)
        if failure and self._make_room(failure):
            failure = self._write(model, standing)
        if failure and self.cluster.chief:
            say(f"no checkpoint at step {standing['step']}: {checkpoint_files.line_of(failure)}")
        return failure is None

    def restore(self, model):
        """Restores the newest that is whole -> its standing; None where there is none.

        Raises:
          InputError: if none is whole, or it is another model's or a newer version's.
        """
        step = self.cluster.of_chief(self._newest_whole() if self.cluster.chief else 0)
        if not step:
            return None
        place = checkpoint_files.place_of(self.folder, step)
        standing = checkpoint_files.standing_of(place)
        checkpoint_files.restore(model, place, standing)
        if standing["replicas"] != self.cluster.replicas and model.buffer is not None:
            say(
                f"the replay buffer of {standing['replicas']} replica(s) was dealt out "
                f"again to {self.cluster.replicas}"
            )
        return standing

    def way_back(self, not_to=None):
        """The newest good step, or the one before if that is `not_to`; 0: the start."""
        good = [
            step
            for step in checkpoint_files.steps(self.folder)
            if checkpoint_files.is_good(checkpoint_files.place_of(self.folder, step))
        ]
        if good and good[-1] == not_to:
            good.pop()
        return self.cluster.of_chief(good[-1] if good else 0)

    def forget(self, after, retries):
        """Removes what was saved after step `after` before so many retries."""
        if self.cluster.chief:
            for step in checkpoint_files.steps(self.folder):
                place = checkpoint_files.place_of(self.folder, step)
                if step > after and checkpoint_files.retries_of(place) < retries:
                    checkpoint_files.remove(place)
        self.cluster.all(True)  # none looks before it is done

    def improves(self, accuracy):
        """Whether none has this accuracy on validation yet; the chief knows it."""
        better = False
        if self.cluster.chief and accuracy is not None:
            kept = [
                checkpoint_files.accuracy_of(checkpoint_files.place_of(self.folder, step))
                for step in checkpoint_files.steps(self.folder)
            ]
            better = accuracy > max(kept, default=-1.0)
        return bool(self.cluster.of_chief(int(better)))

    def _newest_whole(self):
        for leftover in (*self.folder.glob("*.part"), *self.folder.glob("*.gone")):
            shutil.rmtree(leftover, ignore_errors=True)
        damaged = {}
        for step in reversed(checkpoint_files.steps(self.folder)):
            place = checkpoint_files.place_of(self.folder, step)
            if damage := checkpoint_files.verify(place, self.about):
                damaged[place] = damage
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

    def _write(self, model, standing):
        """-> why it failed, in one process or another; None if it did not."""
        place = checkpoint_files.place_of(self.folder, standing["step"])
        part = place.with_suffix(".part")
        failure = None
        try:
            part.mkdir(exist_ok=True)
            if model.buffer is not None:
                shards = tf.train.Checkpoint(buffer=model.buffer)
                shards.write(str(part / f"shards-{self.cluster.index}"))
            if self.cluster.chief:
                checkpoint_files.objects(model).write(str(part / "model"))
        except (OSError, tf.errors.OpError) as error:
            failure = error
        done = self.cluster.all(failure is None)
        if done and self.cluster.chief:
            failure = self._finish(part, place, model, standing)
        if done and self.cluster.of_chief(int(failure is None)):
            return None
        if self.cluster.chief:
            shutil.rmtree(part, ignore_errors=True)
        return failure or "another process could not write its part"

    def _make_room(self, failure):
        """Whether a disk was full, and there was a checkpoint to spare."""
        full = isinstance(failure, tf.errors.ResourceExhaustedError) or (
            getattr(failure, "errno", None) in (errno.ENOSPC, errno.EDQUOT)
        )
        if self.cluster.all(not full):
            return False
        freed = self._prune(keep=1) if self.cluster.chief else 0
        return bool(self.cluster.of_chief(freed))

    def _finish(self, part, place, model, standing):
        about = {
            "about": self.about,
            "replicas": self.cluster.replicas,
            "processes": self.cluster.processes if model.buffer is not None else 0,
        }
        try:
            checkpoint_files.write_standing(part, about | standing)
            for path in (*part.iterdir(), part):
                files.to_disk(path)
            if place.exists():
                checkpoint_files.remove(place)
            part.rename(place)
            files.to_disk(self.folder)
        except OSError as error:
            return error
        self._prune(self.keep)
        return None

    def _prune(self, keep):
        """Leaves the newest good ones, the best, what is newer -> how many went."""
        places = {s: checkpoint_files.place_of(self.folder, s) for s in checkpoint_files.steps(self.folder)}
        good = [step for step, place in places.items() if checkpoint_files.is_good(place)]
        accuracy = {step: checkpoint_files.accuracy_of(places[step]) for step in good}
        best = max(accuracy, key=accuracy.get, default=None)
        stay = {*good[-keep:], *([best] if accuracy.get(best, -1) >= 0 else [])}
        oldest = min(good[-keep:], default=0)
        removed = 0
        for step, place in places.items():
            if step not in stay and (step in good or step < oldest):
                try:
                    checkpoint_files.remove(place)
                    removed += 1
                except OSError as error:
                    say(f"{place} cannot be removed: {error.strerror}")
        return removed
