"""The training loop, the same for one device, several devices and several machines.

Keras's `fit` takes the same steps on one machine. It does not run on several machines,
and it can neither resume within an epoch nor go back to a checkpoint.
"""

import contextlib
import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from jem_tf.errors import InputError
from jem_tf.jem import JEM
from jem_tf.optimizers import averaging
from jem_tf.runs.checkpoint_manager import Checkpoints
from jem_tf.runs.training_state import TrainingState
from jem_tf.training import signals
from jem_tf.training.cluster import Cluster
from jem_tf.training.guard import Guard


@dataclasses.dataclass(frozen=True)
class Plan:
    """How many steps a run takes, and after which steps something is due."""

    steps: int
    steps_per_epoch: int
    steps_per_execution: int = 1
    checkpoint_every: int = 500

    @property
    def epochs(self) -> int:
        """The number of epochs, of which the last may be incomplete."""
        return -(-self.steps // self.steps_per_epoch)

    def ahead(self, step: int) -> int:
        """How many steps to take at once after `step`, until something is due."""
        cycles = self.steps_per_epoch, self.checkpoint_every
        due = [cycle - step % cycle for cycle in cycles]
        return min(self.steps_per_execution, self.steps - step, *due)

    def ends_epoch(self, step: int) -> bool:
        """Whether `step` is the last of an epoch, or of the run."""
        return step % self.steps_per_epoch == 0 or step == self.steps


class Loop:
    """Takes the remaining steps of a run.

    Args:
      model: JEM, compiled, in the cluster's strategy.
      feed: first step -> tf.data.Dataset of this process's shares of the batches.
      plan: Plan of the run.
      cluster: Cluster of all processes.
      guard: Guard, which checks the readings of every step.
      checkpoints: Checkpoints of the run.
      callbacks: Keras callbacks; `on_train_batch_end` gets the readings of the step. In
        `on_epoch_end`, the model has the averaged weights, if the optimiser keeps any.
      begin: `time.time()` when the run would have begun if one process had taken all
        its steps; None: `train` computes it.
    """

    def __init__(
        self,
        model: JEM,
        feed: Callable[[int], tf.data.Dataset],
        plan: Plan,
        *,
        cluster: Cluster,
        guard: Guard,
        checkpoints: Checkpoints,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        begin: float | None = None,
    ):
        self.model, self.feed, self.plan = model, feed, plan
        self.cluster, self.guard, self.checkpoints = cluster, guard, checkpoints
        self.callbacks = callbacks
        for callback in callbacks:
            callback.set_model(model)
            callback.set_params({"epochs": plan.epochs, "steps": plan.steps_per_epoch})
        self.step, self.count, self.begin = 0, 0, begin
        self.sums: dict[str, float] = {}
        self._compiled_execute = tf.function(self._execute, autograph=False)

    def train(
        self,
        state: TrainingState | None = None,
        request: signals.StopRequest | None = None,
    ) -> float:
        """Trains to the end from `state`, as `preparation.restore` gave it.

        Args:
          state: TrainingState; None to begin.
          request: of an open context, which may have noted a signal in an earlier
            attempt; None: one of its own.

        Returns:
          Seconds spent, in this process and those before it.

        Raises:
          Alarm: if the guard saw training diverge.
          Stopped: on SIGTERM or Ctrl-C, once the run is saved.
          InputError: if the last checkpoint could not be written.
        """
        if state:
            self.step = state.step
            self.guard.resume(state.streak, state.drift, retries=state.retries)
            self.sums, self.count = dict(state.sums), state.count
        if self.begin is None:
            self.begin = time.time() - (state.seconds if state else 0.0)
        self._tell("on_train_begin")
        try:
            open_one = contextlib.nullcontext(request) if request else None
            with open_one or signals.StopRequest() as asked:
                self._steps(asked)
        finally:
            self._tell("on_train_end")
        return self.seconds

    @property
    def seconds(self) -> float:
        """Seconds spent so far, in this process and those before it."""
        assert self.begin is not None  # `train` sets it
        return time.time() - self.begin

    def _steps(self, request: signals.StopRequest) -> None:
        first = self.step
        batches = iter(
            self.cluster.strategy.distribute_datasets_from_function(
                lambda _: self.feed(first)
            )
        )
        while self.step < self.plan.steps:
            if self.step % self.plan.steps_per_epoch == 0 or self.step == first:
                self._tell("on_epoch_begin", self.step // self.plan.steps_per_epoch)
            stop = self._take(batches, request)
            due = self.step % self.plan.checkpoint_every == 0
            accuracy = None
            if self.plan.ends_epoch(self.step):
                accuracy = self._end_epoch()
                due |= self.checkpoints.improves(accuracy)
            last = stop or self.step == self.plan.steps
            saved = (last or (due and self.guard.good)) and self._save(accuracy)
            if stop:
                raise signals.Stopped(request.number, self.step, saved)
            if last and not saved:
                raise InputError(
                    "The last checkpoint could not be written; make room on the disk "
                    "and give the same command again."
                )

    def _take(self, batches: Any, request: signals.StopRequest) -> bool:
        """Takes a few steps. Returns whether to stop, the same in all processes."""
        count = tf.constant(self.plan.ahead(self.step))
        asking = tf.constant(float(request.number is not None))
        rows = self._compiled_execute(batches, count, asking).numpy().tolist()
        for *values, _ in rows:
            readings = dict(zip(self._names, values, strict=True))
            self.step, self.count = self.step + 1, self.count + 1
            self.guard.watch(self.step, readings)
            for name, value in readings.items():
                self.sums[name] = self.sums.get(name, 0.0) + value
            self._tell("on_train_batch_end", self.step - 1, readings)
        alone = self.cluster.processes == 1
        return rows[-1][-1] > 0 or (alone and request.number is not None)

    def _execute(self, batches: Any, count: tf.Tensor, asking: tf.Tensor) -> tf.Tensor:
        """Takes `count` steps in a graph.

        Returns float32 [count, R + 1]: the R readings of each step and the share of
        replicas whose process was asked to stop.
        """

        def learn(x: Any, y: tf.Tensor) -> tf.Tensor:
            readings = self.model.learn(x, y)
            self._names = list(readings)
            return tf.stack([*readings.values(), asking])

        def step(i: tf.Tensor, rows: tf.TensorArray) -> tuple:
            shares = self.cluster.strategy.run(learn, args=next(batches))
            mean = self.cluster.strategy.reduce("mean", shares, axis=None)
            return i + 1, rows.write(i, mean)

        rows = tf.TensorArray(tf.float32, count)
        _, rows = tf.while_loop(lambda i, _: i < count, step, (0, rows))
        return rows.stack()

    def _end_epoch(self) -> float | None:
        logs = {name: total / self.count for name, total in self.sums.items()}
        self.sums, self.count = {}, 0
        epoch = (self.step - 1) // self.plan.steps_per_epoch
        with averaging.averaged(self.model.optimizer):
            self._tell("on_epoch_end", epoch, logs)
        return logs.get("val_accuracy")

    def _tell(self, hook: str, *arguments: Any) -> None:
        for callback in self.callbacks:
            getattr(callback, hook)(*arguments)

    def _save(self, accuracy: float | None) -> bool:
        state = TrainingState(
            step=self.step,
            seed=self.model.seed,
            retries=self.guard.retries,
            changes=self.guard.changes,
            good=self.guard.good,
            val_accuracy=accuracy,
            streak=self.guard.streak,
            drift=self.guard.memory,
            seconds=self.seconds,
            sums=self.sums,
            count=self.count,
        )
        return self.checkpoints.save(self.model, state)
