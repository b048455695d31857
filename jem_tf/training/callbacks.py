"""What a run shows and keeps while it trains: Keras callbacks, one purpose each."""

import contextlib
import json
import sys
import time

import keras
import numpy as np
import tensorflow as tf

from jem_tf import figures
from jem_tf.evaluation import inference, monitoring
from jem_tf.system.log import say

SHOWN = {  # in this order, where they are
    "accuracy": "acc",
    "val_accuracy": "val acc",
    "cross_entropy": "xent",
    "energy_real": "E(real)",
    "energy_drawn": "E(drawn)",
    "energy_gap": "gap",
}
GROUPS = {  # of an epoch's numbers in TensorBoard; others are "training"
    "energies": ("energy_real", "energy_drawn", "energy_gap"),
    "chains": ("chain_age_mean", "chain_age_max", "reinitialised", "saturation"),
    "validation": ("val_accuracy", "val_nll"),
}


class Measure(keras.callbacks.Callback):
    """Adds validation, learning rate, images a second and the buffer to epoch's logs.

    Put it before callbacks that read them. The validation is never the test split.
    """

    def __init__(self, validation, images_per_step):
        super().__init__()
        self.validation, self.images_per_step = validation, images_per_step

    def on_epoch_begin(self, epoch, logs=None):
        self.begin, self.steps = time.perf_counter(), 0

    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1

    def on_epoch_end(self, epoch, logs=None):
        seconds = time.perf_counter() - self.begin
        logs["images_per_second"] = self.steps * self.images_per_step / seconds
        logs["learning_rate"] = float(self.model.optimizer.learning_rate)
        logits = inference.logits(self.model, self.validation.images)
        found = monitoring.classification_metrics(logits, self.validation.labels)
        logs |= {f"val_{name}": found[name] for name in ("accuracy", "nll")}
        if self.model.generative:
            logs |= monitoring.chain_ages(self.model.buffer)


class Progress(keras.callbacks.Callback):
    """A bar with rate and remaining time on a terminal; everywhere a line an epoch.

    `first` of the `steps` were taken before.
    """

    def __init__(self, steps, stream=None, first=0):
        super().__init__()
        self.total, self.first, self.stream = steps, first, stream or sys.stderr

    def on_train_begin(self, logs=None):
        from tqdm import tqdm

        silent = not self.stream.isatty()
        self.bar = tqdm(
            total=self.total,
            initial=self.first,
            file=self.stream,
            disable=silent,
            unit="step",
        )

    def on_train_batch_end(self, batch, logs=None):
        self.bar.update()

    def on_epoch_end(self, epoch, logs=None):
        shown = [
            f"{label} {logs[name]:.3f}" for name, label in SHOWN.items() if name in logs
        ]
        rate = f"{logs['images_per_second']:.0f} images/s"
        epochs = self.params["epochs"]
        self.bar.write(
            f"epoch {epoch + 1}/{epochs}  " + "  ".join([*shown, rate]), sys.stdout
        )
        sys.stdout.flush()

    def on_train_end(self, logs=None):
        self.bar.close()


class Summaries(keras.callbacks.Callback):
    """To TensorBoard: an epoch's logs, samples, the buffer's classes, hyper-parameters.

    And, of a `Loop`, the norm of the gradient at every step. What cannot be written is
    left out, and said once.
    """

    def __init__(self, folder, hyperparameters, samples=monitoring.GRID):
        super().__init__()
        self.folder, self.samples = str(folder), samples
        self.hyperparameters, self.norms, self.failed = hyperparameters, {}, False

    def on_train_begin(self, logs=None):
        from tensorboard.plugins.hparams import api as hparams

        self.writer = tf.summary.create_file_writer(self.folder)
        with self.writer.as_default():
            hparams.hparams(self.hyperparameters)

    def on_train_batch_end(self, batch, logs=None):
        self.norms[batch + 1] = logs["gradient_norm"]

    def on_epoch_end(self, epoch, logs=None):
        try:
            self._write(epoch, logs)
        except (OSError, tf.errors.OpError) as error:
            if not self.failed:
                reason = str(error).splitlines()[0]
                say(f"TensorBoard's file cannot be written, and goes without: {reason}")
            self.failed = True

    def _write(self, epoch, logs):
        norms, self.norms = self.norms, {}
        with self.writer.as_default(step=self.model.step):
            for step, norm in norms.items():
                tf.summary.scalar("every_step/gradient_norm", norm, step=step)
            for name, value in logs.items():
                tf.summary.scalar(tag(name), value)
            if self.model.generative:
                _write_bars("chains/classes", monitoring.buffer_classes(self.model))
                images = monitoring.sample_grid(self.model, self.samples, seed=epoch)
                tf.summary.image("samples", figures.tile(images)[None])

    def on_train_end(self, logs=None):
        with contextlib.suppress(OSError, tf.errors.OpError):
            self.writer.close()


def note_alarm(folder, event, retries):
    """Shows TensorBoard what the guard saw and did, as `Guard.record` tells it."""
    writer = tf.summary.create_file_writer(str(folder))
    with contextlib.suppress(OSError, tf.errors.OpError), writer.as_default():
        tf.summary.scalar("guard/retries", retries, step=event["step"])
        tf.summary.text("guard/alarm", json.dumps(event), step=event["step"])
        writer.close()


def tag(name):
    """Under which tag TensorBoard has a number of an epoch's logs."""
    groups = (group for group, names in GROUPS.items() if name in names)
    return f"{next(groups, 'training')}/{name}"


def _write_bars(name, counts):
    """A histogram of counts [K], each bar round its index."""
    from tensorboard.plugins.histogram import metadata

    middle = np.arange(len(counts))
    bars = np.stack([middle - 0.5, middle + 0.5, counts], axis=1)
    about = metadata.create_summary_metadata(display_name=None, description=None)
    tf.summary.write(name, tf.constant(bars, tf.float64), metadata=about)
