"""Keras callbacks that measure, print and log a training run."""

import contextlib
import json
import os
import sys
import time
from collections.abc import Mapping
from typing import Any, TextIO

import keras
import numpy as np
import tensorflow as tf

from jem_tf import figures
from jem_tf.datasets import Split
from jem_tf.evaluation import inference, monitoring
from jem_tf.system.console import say

SHOWN = {  # {name: label} of what an epoch's line shows, in this order
    "accuracy": "acc",
    "val_accuracy": "val acc",
    "cross_entropy": "xent",
    "energy_real": "E(real)",
    "energy_drawn": "E(drawn)",
    "energy_gap": "gap",
    "acceptance": "accepted",
}
# Groups of an epoch's numbers in TensorBoard; all other numbers are in "training".
GROUPS = {
    "energies": ("energy_real", "energy_drawn", "energy_gap", "energy_altered"),
    "chains": (
        "chain_age_mean",
        "chain_age_max",
        "reinitialised",
        "saturation",
        "acceptance",
    ),
    "validation": ("val_accuracy", "val_nll"),
}

Logs = dict[str, Any]  # numbers of an epoch or a step, by name


class Measure(keras.callbacks.Callback):
    """Adds measurements to an epoch's logs.

    They are accuracy and mean -log p(y|x) on validation images, the learning rate,
    images a second, and the ages of the replay buffer's chains. Put it before the
    callbacks that read the logs.

    Args:
      validation: the validation split.
      images_per_step: labelled images a step, of all replicas together.
    """

    def __init__(self, validation: Split, images_per_step: int):
        super().__init__()
        self.validation, self.images_per_step = validation, images_per_step

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self.begin, self.steps = time.perf_counter(), 0

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self.steps += 1

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        seconds = time.perf_counter() - self.begin
        logs["images_per_second"] = self.steps * self.images_per_step / seconds
        logs["learning_rate"] = float(self.model.optimizer.learning_rate)
        logits = inference.logits(self.model, self.validation.images)
        metrics = monitoring.classification_metrics(logits, self.validation.labels)
        logs |= {f"val_{name}": metrics[name] for name in ("accuracy", "nll")}
        if self.model.generative:
            logs |= monitoring.chain_ages(self.model.buffer)


class Progress(keras.callbacks.Callback):
    """Prints a line an epoch, and shows a progress bar on a terminal.

    Args:
      steps: training steps of the run.
      stream: where the bar is shown; sys.stderr if None.
      first: how many of these steps were taken before.
    """

    def __init__(self, steps: int, stream: TextIO | None = None, *, first: int = 0):
        super().__init__()
        self.total, self.first, self.stream = steps, first, stream or sys.stderr

    def on_train_begin(self, logs: Logs | None = None) -> None:
        from tqdm import tqdm

        silent = not self.stream.isatty()
        self.bar = tqdm(
            total=self.total,
            initial=self.first,
            file=self.stream,
            disable=silent,
            unit="step",
        )

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self.bar.update()

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        shown = [
            f"{label} {logs[name]:.3f}" for name, label in SHOWN.items() if name in logs
        ]
        rate = f"{logs['images_per_second']:.0f} images/s"
        epochs = self.params["epochs"]
        say(f"epoch {epoch + 1}/{epochs}  " + "  ".join([*shown, rate]))

    def on_train_end(self, logs: Logs | None = None) -> None:
        self.bar.close()


class Summaries(keras.callbacks.Callback):
    """Writes a run to TensorBoard.

    It writes the hyper-parameters, the norm of the gradient at every step and, after
    each epoch, its logs, drawn images and the number of buffer images of each class.
    If something cannot be written, it is left out, and a line says so once.

    Args:
      folder: folder of TensorBoard's files.
      hyperparameters: {option: value}.
      samples: how many images to draw.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        hyperparameters: Mapping[str, Any],
        *,
        samples: int = monitoring.GRID,
    ):
        super().__init__()
        self.folder, self.samples = str(folder), samples
        self.hyperparameters, self.failed = dict(hyperparameters), False
        self.norms: dict[int, float] = {}

    def on_train_begin(self, logs: Logs | None = None) -> None:
        from tensorboard.plugins.hparams import api as hparams

        self.writer = tf.summary.create_file_writer(self.folder)
        with self.writer.as_default():
            hparams.hparams(self.hyperparameters)

    def on_train_batch_end(self, batch: int, logs: Logs) -> None:
        self.norms[batch + 1] = logs["gradient_norm"]

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        try:
            self._write(epoch, logs)
        except (OSError, tf.errors.OpError) as error:
            if not self.failed:
                reason = str(error).splitlines()[0]
                say(f"TensorBoard's file lacks what cannot be written: {reason}")
            self.failed = True

    def _write(self, epoch: int, logs: Mapping[str, float]) -> None:
        norms, self.norms = self.norms, {}
        with self.writer.as_default(step=self.model.step):
            for step, norm in norms.items():
                tf.summary.scalar("every_step/gradient_norm", norm, step=step)
            for name, value in logs.items():
                tf.summary.scalar(tag_of(name), value)
            if self.model.generative and self.model.buffer.has_samples:
                _write_bars("chains/classes", monitoring.buffer_classes(self.model))
                images = monitoring.draw_preview(self.model, self.samples, seed=epoch)
                tf.summary.image("samples", figures.tile(images)[None])

    def on_train_end(self, logs: Logs | None = None) -> None:
        with contextlib.suppress(OSError, tf.errors.OpError):
            self.writer.close()


def note_alarm(
    folder: str | os.PathLike[str], event: Mapping[str, Any], retries: int
) -> None:
    """Writes to TensorBoard what the guard saw and did.

    Args:
      folder: folder of TensorBoard's files.
      event: what `Guard.record` returned.
      retries: how many times the run went back to a checkpoint.
    """
    writer = tf.summary.create_file_writer(str(folder))
    with contextlib.suppress(OSError, tf.errors.OpError), writer.as_default():
        tf.summary.scalar("guard/retries", retries, step=event["step"])
        tf.summary.text("guard/alarm", json.dumps(event), step=event["step"])
        writer.close()


def note_drift(folder: str | os.PathLike[str], warning: Mapping[str, Any]) -> None:
    """Writes a warning of the guard to TensorBoard, in its folder."""
    writer = tf.summary.create_file_writer(str(folder))
    with contextlib.suppress(OSError, tf.errors.OpError), writer.as_default():
        tf.summary.text("guard/drift", json.dumps(warning), step=warning["step"])
        writer.close()


def tag_of(name: str) -> str:
    """Returns the tag in TensorBoard, "group/name", of a number of an epoch's logs."""
    groups = (group for group, names in GROUPS.items() if name in names)
    return f"{next(groups, 'training')}/{name}"


def _write_bars(name: str, counts: np.ndarray) -> None:
    """Writes a histogram of counts [K]; bar k reaches from k - 0.5 to k + 0.5."""
    from tensorboard.plugins.histogram import metadata

    middle = np.arange(len(counts))
    bars = np.stack([middle - 0.5, middle + 0.5, counts], axis=1)
    kind = metadata.create_summary_metadata(display_name=None, description=None)
    tf.summary.write(name, tf.constant(bars, tf.float64), metadata=kind)
