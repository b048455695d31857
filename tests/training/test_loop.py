import dataclasses
import functools
import os
import shutil
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf

from jem_tf import datasets
from jem_tf.errors import InputError
from jem_tf.optimizers import averaging
from jem_tf.options import (
    FaultTolerance,
    Network,
    Objective,
    Options,
    Sampling,
    Training,
)
from jem_tf.runs import build, checkpoint_files, checkpoint_manager
from jem_tf.training import cluster, guard, loop, signals
from jem_tf.training.drift import Drift
from jem_tf.training.signals import Stopped

pytestmark = pytest.mark.slow

SMALL = Options(
    network=Network(network="convnet-8"),
    sampling=Sampling(buffer_size=32, sampler_steps=1, reinit_prob=0.2),
    training=Training(batch_size=8, learning_rate=1e-2, warmup_steps=3),
)
PLAN = loop.Plan(steps=7, steps_per_epoch=3, checkpoint_every=2)
DATA = datasets.load("digits")
ALONE = cluster.Cluster(tf.distribute.get_strategy())


class Book(keras.callbacks.Callback):
    """Writes down what it is told, and how accurate the model is said to be."""

    def __init__(self, accuracy=lambda epoch: 0.5):
        super().__init__()
        self.accuracy, self.told, self.readings, self.epochs = accuracy, [], [], {}

    def on_train_begin(self, logs=None):
        self.told.append("train")

    def on_epoch_begin(self, epoch, logs=None):
        self.told.append(f"epoch {epoch}")

    def on_train_batch_end(self, batch, logs=None):
        self.told.append(f"step {batch}")
        self.readings.append(dict(logs))

    def on_epoch_end(self, epoch, logs=None):
        self.told.append(f"end of epoch {epoch}")
        self.epochs[epoch] = dict(logs)
        logs["val_accuracy"] = self.accuracy(epoch)

    def on_train_end(self, logs=None):
        self.told.append("end")


class Kill(keras.callbacks.Callback):
    """Sends this process a signal after a step, counted from 1."""

    def __init__(self, step, number=signal.SIGTERM):
        super().__init__()
        self.step, self.number = step, number

    def on_train_batch_end(self, batch, logs=None):
        if batch + 1 == self.step:
            os.kill(os.getpid(), self.number)


def made(options=SMALL):
    buffer = build.make_buffer(
        options, (8, 8, 1), 10, start=build.make_start(options, DATA)
    )
    model = build.make_model(options, (8, 8, 1), 10, buffer)
    return build.compile_model(model, options.training, PLAN.steps)


def looped(
    folder,
    *more,
    book=None,
    plan=PLAN,
    feed=None,
    options=SMALL,
    request=None,
    **survival,
):
    """A model that goes on from the folder -> (it, its Book, seconds or what ended it).

    Whatever is not restored is wrong, then.
    """
    folder.mkdir(exist_ok=True)
    model, book = made(options), book or Book()
    if checkpoint_files.list_steps(folder):
        for variable in model.network.weights + model.optimizer.variables:
            variable.assign(tf.ones_like(variable) * 3)
        model.buffer.shard.assign(tf.ones_like(model.buffer.shard) * 3)
    saved = checkpoint_manager.Checkpoints(folder, ALONE, keep=9, facts={})
    survival = FaultTolerance(**survival)
    path = folder.with_suffix(".json")
    training = loop.Loop(
        model,
        feed or functools.partial(build.make_batches, SMALL, DATA, plan.steps),
        plan,
        cluster=ALONE,
        guard=guard.Guard(survival, path, images=8),
        checkpoints=saved,
        callbacks=[book, *more],
    )
    try:
        return model, book, training.train(saved.restore(model), request)
    except (Stopped, guard.Alarm) as end:
        return model, book, end


def assert_same(model, other):
    """That two models are equal, and so are the runs that they would continue."""
    for name, owner in (("weights", "network"), ("variables", "optimizer")):
        values, others = (getattr(getattr(m, owner), name) for m in (model, other))
        for value, expected in zip(values, others, strict=True):
            np.testing.assert_array_equal(value, expected)
    np.testing.assert_array_equal(model.buffer.shard, other.buffer.shard)
    np.testing.assert_array_equal(model.buffer.ages, other.buffer.ages)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run from its start to its end, never interrupted."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    return *looped(folder), folder


def as_of(step, whole, folder, **changes):
    """Puts into a folder what that run had left by a step, but for these changes."""
    folder.mkdir()
    for kept in checkpoint_files.list_steps(whole[3]):
        if kept <= step:
            name = f"step-{kept:07d}"
            shutil.copytree(whole[3] / name, folder / name)
    if changes:
        saved = checkpoint_manager.Checkpoints(folder, ALONE, keep=9, facts={})
        state = saved.restore(model := made())
        assert saved.save(model, dataclasses.replace(state, **changes))


@pytest.mark.parametrize("steps", [1, 6, 7])
@pytest.mark.parametrize("steps_per_epoch", [1, 3, 7, 9])
@pytest.mark.parametrize("checkpoint_every", [1, 2, 500])
@pytest.mark.parametrize("at_once", [1, 2, 5, 100])
def test_steps_taken_at_once_end_wherever_something_is_due(
    steps, steps_per_epoch, checkpoint_every, at_once
):
    plan = loop.Plan(steps, steps_per_epoch, at_once, checkpoint_every)
    due, step = {steps}, 0
    due |= {*range(0, steps, steps_per_epoch), *range(0, steps, checkpoint_every)}
    while step < steps:
        taken = [*range(step + 1, step + plan.ahead(step) + 1)]
        assert 1 <= len(taken) <= at_once
        assert not due & {*taken[:-1]}
        assert len(taken) == at_once or taken[-1] in due
        step = taken[-1]
    assert step == steps


@pytest.mark.parametrize(
    ("steps", "ends"), [(1, [1]), (3, [3]), (7, [3, 6, 7]), (9, [3, 6, 9])]
)
def test_the_last_epoch_may_be_a_part_of_one(steps, ends):
    plan = loop.Plan(steps, steps_per_epoch=3)
    assert [step for step in range(1, steps + 1) if plan.ends_epoch(step)] == ends
    assert plan.epochs == len(ends)


def test_a_run_takes_its_steps_and_says_so(whole):
    model, book, seconds, _ = whole
    assert model.step == PLAN.steps
    assert seconds > 0
    assert book.told == [
        "train",
        *("epoch 0", "step 0", "step 1", "step 2", "end of epoch 0"),
        *("epoch 1", "step 3", "step 4", "step 5", "end of epoch 1"),
        *("epoch 2", "step 6", "end of epoch 2"),
        "end",
    ]


def test_an_epochs_logs_are_the_means_of_its_readings(whole):
    _, book, _, _ = whole
    assert len(book.readings) == PLAN.steps
    assert set(book.readings[0]) == {"loss", "accuracy", *made().averages}
    for epoch, steps in enumerate((slice(0, 3), slice(3, 6), slice(6, 7))):
        rows = book.readings[steps]
        means = {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]}
        assert book.epochs[epoch] == means
    assert len({row["loss"] for row in book.readings}) == PLAN.steps


def test_several_steps_at_once_change_nothing(whole, tmp_path):
    plan = dataclasses.replace(PLAN, steps_per_execution=5, checkpoint_every=500)
    model, book, _ = looped(tmp_path / "run", plan=plan)
    assert_same(model, whole[0])
    assert book.readings == whole[1].readings
    assert book.epochs == whole[1].epochs
    assert book.told == whole[1].told


def test_a_run_stopped_after_every_step_is_the_run_that_never_was(whole, tmp_path):
    readings, epochs = [], {}
    for step in range(1, PLAN.steps + 1):
        model, book, end = looped(tmp_path / "run", Kill(step))
        assert isinstance(end, Stopped)
        assert str(end).startswith(f"stopped after step {step}, and saved")
        assert end.number == signal.SIGTERM
        assert book.told[:3] == [
            "train",
            f"epoch {(step - 1) // 3}",
            f"step {step - 1}",
        ]
        assert book.told[-1] == "end"
        readings += book.readings
        epochs |= book.epochs
    assert_same(model, whole[0])
    assert readings == whole[1].readings
    assert epochs == whole[1].epochs
    last, _, _ = looped(tmp_path / "run")  # nothing is left to do
    assert_same(last, whole[0])


def test_a_run_that_is_killed_goes_on_from_its_last_checkpoint(whole, tmp_path):
    as_of(4, whole, tmp_path / "run")
    model, book, _ = looped(tmp_path / "run")
    assert_same(model, whole[0])
    assert book.told[:3] == ["train", "epoch 1", "step 4"]
    assert book.epochs == {epoch: whole[1].epochs[epoch] for epoch in (1, 2)}


def test_averages_go_on_after_a_kill_and_are_what_an_epochs_end_sees(tmp_path):
    """With both passes of sharpness-aware minimisation in each step, too."""
    options = dataclasses.replace(
        SMALL,
        objective=Objective(sam_rho=0.5),
        training=dataclasses.replace(SMALL.training, ema=0.6),
    )

    class Look(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            pairs = zip(
                self.model.trainable_weights,
                averaging.averages(self.model.optimizer),
                strict=True,
            )
            seen.append([np.array_equal(*pair) for pair in pairs])
            for weight in self.model.trainable_weights:  # as no callback should
                weight.assign(tf.zeros_like(weight))

    seen = []
    once = looped(tmp_path / "once", Look(), options=options)
    assert np.all(seen)
    assert len(seen) == 3
    as_of(4, (*once, tmp_path / "once"), tmp_path / "again")
    again, book, _ = looped(tmp_path / "again", options=options)
    assert book.told[2] == "step 4"
    assert_same(again, once[0])
    assert book.readings == once[1].readings[4:]
    weight, average = again.trainable_weights[0], averaging.averages(again.optimizer)[0]
    assert not np.array_equal(weight, average)


def test_a_signal_within_several_steps_waits_for_their_end(tmp_path):
    before = signal.getsignal(signal.SIGINT)
    plan = dataclasses.replace(PLAN, steps_per_execution=2)
    model, _, end = looped(tmp_path / "run", Kill(1, signal.SIGINT), plan=plan)
    assert isinstance(end, Stopped)
    assert end.number == signal.SIGINT
    assert model.step == 2
    assert checkpoint_files.list_steps(tmp_path / "run") == [2]
    assert signal.getsignal(signal.SIGINT) == before


def test_a_signal_of_an_earlier_attempt_stops_the_next_one(tmp_path):
    with signals.StopRequest() as request:
        signal.raise_signal(signal.SIGTERM)
        _, _, end = looped(tmp_path / "run", request=request)
    assert isinstance(end, Stopped)
    assert (end.number, checkpoint_files.list_steps(tmp_path / "run")) == (
        signal.SIGTERM,
        [1],
    )


def test_a_checkpoint_is_kept_where_due_where_better_and_at_the_end(whole, tmp_path):
    *_, folder = whole
    assert checkpoint_files.list_steps(folder) == [
        2,
        3,
        4,
        6,
        7,
    ]  # 3: the first measured
    book = Book(accuracy=lambda epoch: 0.5 + 0.1 * epoch)
    plan = dataclasses.replace(PLAN, checkpoint_every=500)
    looped(tmp_path / "run", book=book, plan=plan)
    assert checkpoint_files.list_steps(tmp_path / "run") == [3, 6, 7]


def test_a_checkpoint_says_where_the_run_stood(whole):
    _, book, _, folder = whole
    for step, accuracy, count in ((2, None, 2), (3, 0.5, 0), (4, None, 1), (7, 0.5, 0)):
        state = checkpoint_files.read_state(folder / f"step-{step:07d}")
        assert (state.step, state.val_accuracy) == (step, accuracy)
        assert (state.good, state.streak, state.count) == (True, 0, count)
        rows = book.readings[step - count : step]
        sums = {name: sum(row[name] for row in rows) for name in book.readings[0]}
        assert state.sums == (sums if count else {})


def test_seconds_are_those_of_all_processes(whole, tmp_path):
    as_of(6, whole, tmp_path / "run", seconds=1e6)
    assert looped(tmp_path / "run")[2] > 1e6


def broken(at):
    """A feed whose step `at`, counted from 1, is of pictures that are none."""

    def feed(first):
        def spoil(i, batch):
            x, y = batch
            nan = tf.where(i == at - 1, np.nan, 0.0)
            return {name: images + nan for name, images in x.items()}, y

        return (
            build.make_batches(SMALL, DATA, PLAN.steps, first)
            .enumerate(first)
            .map(spoil)
        )

    return feed


def test_training_that_diverges_is_stopped_at_its_step(tmp_path):
    plan = loop.Plan(7, 7, steps_per_execution=5, checkpoint_every=4)
    _, book, end = looped(tmp_path / "run", plan=plan, feed=broken(6))
    assert isinstance(end, guard.Alarm)
    assert end.step == 6
    assert book.told[-2:] == ["step 4", "end"]
    assert np.isfinite([[*row.values()] for row in book.readings]).all()
    assert checkpoint_files.list_steps(tmp_path / "run") == [4]


def test_a_step_out_of_bounds_is_no_checkpoint_to_go_back_to(tmp_path):
    looped(tmp_path / "run", guard_gap=1e-12, guard_patience=99)
    assert checkpoint_files.list_steps(tmp_path / "run") == [
        7
    ]  # the last there is, good or not
    state = checkpoint_files.read_state(tmp_path / "run" / "step-0000007")
    assert (state.good, state.streak) == (False, 7)


def test_patience_does_not_begin_anew_with_a_process(whole, tmp_path):
    as_of(4, whole, tmp_path / "run", streak=1)
    *_, end = looped(tmp_path / "run", guard_gap=1e-12, guard_patience=3)
    assert isinstance(end, guard.Alarm)
    assert end.step == 6


def test_the_drift_detector_goes_on_with_a_process(whole, tmp_path):
    _, book, _, folder = whole
    expected = Drift()
    for row in book.readings:
        expected = expected.after(row["energy_gap"], row["energy_real"])
    as_of(4, whole, tmp_path / "run")
    looped(tmp_path / "run")
    for place in (folder, tmp_path / "run"):
        state = checkpoint_files.read_state(place / "step-0000007")
        assert Drift.from_dict(state.drift) == expected


def test_a_checkpoint_from_before_the_drift_detector_is_gone_on_from(whole, tmp_path):
    as_of(4, whole, tmp_path / "run", drift={})
    model, *_ = looped(tmp_path / "run")
    assert_same(model, whole[0])
    state = checkpoint_files.read_state(tmp_path / "run" / "step-0000007")
    assert state.drift["steps"] == 3


def test_without_a_guard_training_goes_on_whatever_it_reads(tmp_path):
    model, book, _ = looped(tmp_path / "run", feed=broken(2), guard=False)
    assert model.step == PLAN.steps
    assert np.isnan(book.epochs[0]["loss"])
    # What is not finite is kept at the end alone, and is no place to go back to.
    assert checkpoint_files.list_steps(tmp_path / "run") == [PLAN.steps]
    (path,) = (tmp_path / "run").glob("step-*")
    assert not checkpoint_files.read_state(path).good


def test_a_run_whose_end_cannot_be_kept_is_not_over(whole, tmp_path, capsys):
    as_of(6, whole, tmp_path / "run")

    class InTheWay(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            (tmp_path / "run" / "step-0000007.part").write_text("")

    with pytest.raises(InputError, match="last checkpoint could not be written"):
        looped(tmp_path / "run", InTheWay())
    assert "no checkpoint at step 7" in capsys.readouterr().out


def test_a_stop_that_could_not_be_saved_says_so(tmp_path):
    class InTheWay(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            (tmp_path / "run" / "step-0000001.part").write_text("")

    *_, end = looped(tmp_path / "run", InTheWay(), Kill(1))
    assert str(end) == "stopped after step 1, but not saved."
