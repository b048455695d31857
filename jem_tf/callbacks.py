"""What a run shows and keeps while it trains: Keras callbacks, one purpose each."""

import math
import sys
import time

import keras
import tensorflow as tf

from jem_tf import figures
from jem_tf.errors import InputError
from jem_tf.evaluation import answers, classification, generation

SHOWN = {  # in this order, where they are
    "accuracy": "acc",
    "val_accuracy": "val acc",
    "cross_entropy": "xent",
    "energy_real": "E(real)",
    "energy_drawn": "E(drawn)",
    "energy_gap": "gap",
}


class Measure(keras.callbacks.Callback):
    """Adds validation, learning rate and images a second to an epoch's logs.

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


class StopAt(keras.callbacks.Callback):
    """Ends training after so many steps, within an epoch if need be."""

    def __init__(self, steps):
        super().__init__()
        self.steps = steps

    def on_train_batch_end(self, batch, logs=None):
        if self.model.step >= self.steps:
            self.model.stop_training = True


class StopOnDivergence(keras.callbacks.Callback):
    """Ends the run with a sentence when an epoch's loss is not a finite number."""

    def on_epoch_end(self, epoch, logs=None):
        if not math.isfinite(logs["loss"]):
            raise InputError(
                f"Training diverged in epoch {epoch + 1}: the loss is {logs['loss']}; "
                "lower --learning_rate, raise --sgld_steps or --energy_l2, or clamp "
                "with --sgld_gradient_clamp=1 --sgld_range_clamp=1."
            )


class Progress(keras.callbacks.Callback):
    """A bar with rate and remaining time on a terminal; everywhere a line an epoch."""

    def __init__(self, steps, stream=None):
        super().__init__()
        self.total, self.stream = steps, stream or sys.stderr

    def on_train_begin(self, logs=None):
        from tqdm import tqdm

        silent = not self.stream.isatty()
        self.bar = tqdm(total=self.total, file=self.stream, disable=silent, unit="step")

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
    """To TensorBoard: an epoch's logs, a grid of samples, the hyper-parameters."""

    def __init__(self, folder, hyperparameters, samples=generation.GRID):
        super().__init__()
        self.folder, self.samples = str(folder), samples
        self.hyperparameters = hyperparameters

    def on_train_begin(self, logs=None):
        from tensorboard.plugins.hparams import api as hparams

        self.writer = tf.summary.create_file_writer(self.folder)
        with self.writer.as_default():
            hparams.hparams(self.hyperparameters)

    def on_epoch_end(self, epoch, logs=None):
        with self.writer.as_default(step=self.model.step):
            for name, value in logs.items():
                tf.summary.scalar(name, value)
            if self.model.generative:
                images = generation.pictures(self.model, self.samples, seed=epoch)
                tf.summary.image("samples", figures.tile(images)[None])

    def on_train_end(self, logs=None):
        self.writer.close()


class Checkpoints(keras.callbacks.Callback):
    """Saves the run at the end of each epoch; the last two are kept."""

    def __init__(self, manager):
        super().__init__()
        self.manager = manager

    def on_epoch_end(self, epoch, logs=None):
        self.manager.save(checkpoint_number=self.model.step)
