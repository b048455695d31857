"""What a run shows and keeps while it trains: Keras callbacks, one purpose each."""

import json
import sys
import time

import keras
import numpy as np
import tensorflow as tf

from jem_tf import figures
from jem_tf.evaluation import answers, chains, classification, generation

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
        logits = answers.logits(self.model, self.validation.images)
        found = classification.classification(logits, self.validation.labels)
        logs |= {f"val_{name}": found[name] for name in ("accuracy", "nll")}
        if self.model.generative:
            logs |= chains.ages(self.model.buffer)


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

    And the norm of the gradient at every step, and the guard's alarms so far.
    """

    def __init__(self, folder, hyperparameters, alarms=(), samples=generation.GRID):
        super().__init__()
        self.folder, self.samples = str(folder), samples
        self.hyperparameters, self.alarms = hyperparameters, alarms

    def on_train_begin(self, logs=None):
        from tensorboard.plugins.hparams import api as hparams

        self.writer = tf.summary.create_file_writer(self.folder)
        with self.writer.as_default():
            hparams.hparams(self.hyperparameters)
            for retry, alarm in enumerate(self.alarms, 1):
                tf.summary.scalar("guard/retries", retry, step=alarm["step"])
                tf.summary.text("guard/alarm", json.dumps(alarm), step=alarm["step"])

    def on_train_batch_end(self, batch, logs=None):
        with self.writer.as_default(step=batch + 1):
            tf.summary.scalar("every_step/gradient_norm", logs["gradient_norm"])

    def on_epoch_end(self, epoch, logs=None):
        with self.writer.as_default(step=self.model.step):
            for name, value in logs.items():
                tf.summary.scalar(tag(name), value)
            if self.model.generative:
                _write_bars("chains/classes", chains.classes(self.model))
                images = generation.pictures(self.model, self.samples, seed=epoch)
                tf.summary.image("samples", figures.tile(images)[None])

    def on_train_end(self, logs=None):
        self.writer.close()


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
