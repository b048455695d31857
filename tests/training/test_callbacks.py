import contextlib
import io
import json
import re
import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing import event_accumulator
from tensorboard.plugins.hparams import plugin_data_pb2

from jem_tf import datasets, figures, jem, networks, pixels
from jem_tf.evaluation import monitoring
from jem_tf.options import Network, Objective, Options, Sampling, Training
from jem_tf.runs import build, checkpoint_manager
from jem_tf.training import callbacks, cluster, guard, loop

OPTIONS = Options(
    network=Network(network="convnet-8"),
    sampling=Sampling(buffer_size=64, sampler_steps=2),
    objective=Objective(p_x_images="same"),
    training=Training(batch_size=16, learning_rate=1e-3, warmup_steps=4),
)
HYPERPARAMETERS = {"network": "convnet-8", "seed": 3, "rate": 0.5, "augment": True}
DRIFT = {"step": 5, "seen": "é", "retries": 1}
ALARMS = [{"step": 3, "seen": "E(drawn) is not finite"}, {"step": 7, "seen": "é"}]
PLAN = loop.Plan(steps=10, steps_per_epoch=4)


class Remember(keras.callbacks.Callback):
    """What the callbacks before it made of the logs."""

    def on_train_begin(self, logs=None):
        self.epochs, self.norms = [], []

    def on_train_batch_end(self, batch, logs=None):
        self.norms.append(logs["gradient_norm"])

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(logs)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of 10 steps in epochs of 4, with all that it wrote and showed."""
    place, shown = tmp_path_factory.mktemp("run"), io.StringIO()
    stream, data = io.StringIO(), datasets.load("digits")
    buffer = build.make_buffer(OPTIONS, (8, 8, 1), 10)
    model = build.make_model(OPTIONS, (8, 8, 1), 10, buffer)
    build.compile_model(model, OPTIONS.training, PLAN.steps)
    team, remember = cluster.Cluster(tf.distribute.get_strategy()), Remember()
    with contextlib.redirect_stdout(shown):
        loop.Loop(
            model,
            lambda first: build.make_batches(OPTIONS, data, PLAN.steps, first),
            PLAN,
            cluster=team,
            guard=guard.Guard(OPTIONS.fault_tolerance, place / "guard.json"),
            checkpoints=checkpoint_manager.Checkpoints(place, team, keep=1, facts={}),
            callbacks=[
                callbacks.Measure(data.validation, 16),
                callbacks.Progress(PLAN.steps, stream),
                callbacks.Summaries(place, HYPERPARAMETERS, samples=9),
                remember,
            ],
        ).train()
    for retry, alarm in enumerate(ALARMS, 1):
        callbacks.note_alarm(place, alarm, retry)
    callbacks.note_drift(place, DRIFT)
    events = event_accumulator.EventAccumulator(str(place), {"tensors": 0})
    return types.SimpleNamespace(
        model=model,
        data=data,
        epochs=remember.epochs,
        norms=remember.norms,
        lines=shown.getvalue().splitlines(),
        stream=stream.getvalue(),
        events=events.Reload(),
    )


class Terminal(io.StringIO):
    def isatty(self):
        return True


def scalars(events, tag):
    """[(step, value)] of a tag."""
    return [
        (event.step, float(tf.make_ndarray(event.tensor_proto)))
        for event in events.Tensors(tag)
    ]


def classifier(**options):
    network = networks.build("convnet-8", (8, 8, 1), 3)
    model = jem.JEM(network, p_x_weight=0.0)
    model.compile(keras.optimizers.SGD(**options))
    return model


def test_off_a_terminal_an_epoch_is_a_line(run):
    assert [line.split()[:2] for line in run.lines] == [
        ["epoch", f"{epoch}/3"] for epoch in (1, 2, 3)
    ]


def test_off_a_terminal_there_is_no_bar(run):
    assert run.stream == ""
    assert not re.search(r"[\r\x1b\x08]", "".join(run.lines))


def test_a_line_shows_the_numbers_of_its_epoch(run):
    for line, logs in zip(run.lines, run.epochs, strict=True):
        assert callbacks.SHOWN.keys() - logs.keys() == {"acceptance"}  # mala's alone
        for name in callbacks.SHOWN.keys() & logs.keys():
            assert f"  {callbacks.SHOWN[name]} {logs[name]:.3f}" in line
        assert f"  {logs['images_per_second']:.0f} images/s" in line


def test_on_a_terminal_there_is_a_bar_with_rate_and_remaining_time():
    stream, model = Terminal(), classifier()
    images, labels = tf.zeros([8, 8, 8, 1]), tf.zeros([8], tf.int32)
    bar = callbacks.Progress(4, stream)
    measure = callbacks.Measure(datasets.Split(images, labels), 2)
    with contextlib.redirect_stdout(io.StringIO()) as shown:
        model.fit(
            images, labels, batch_size=2, epochs=1, callbacks=[measure, bar], verbose=0
        )
    last = stream.getvalue().split("\r")[-1]
    assert re.search(
        r"100%\|.*\| 4/4 \[\d\d:\d\d<\d\d:\d\d, +[\d.]+(step/s|s/step)", last
    )
    assert shown.getvalue().count("epoch 1/1") == 1


def test_the_bar_of_a_run_that_goes_on_begins_where_it_stands():
    bar = callbacks.Progress(10, stream := Terminal(), first=7)
    bar.on_train_begin()
    for step in range(7, 9):
        bar.on_train_batch_end(step)
    bar.on_train_end()
    bars = stream.getvalue().split("\r")
    assert next(bar for bar in bars if bar.strip()).startswith(" 70%")
    assert " 9/10 [" in bars[-1]


def test_validation_is_measured_on_the_images_given(run):
    images, labels = run.data.validation
    predicted = run.model.predict(pixels.from_uint8(images), verbose=0).argmax(axis=1)
    assert run.epochs[-1]["val_accuracy"] == np.mean(predicted == labels)
    loss = run.model.evaluate(pixels.from_uint8(images), labels, verbose=0)[0]
    assert run.epochs[-1]["val_nll"] == pytest.approx(loss, rel=1e-5)


def test_the_learning_rate_told_is_the_optimisers(run):
    expected = float(run.model.optimizer.learning_rate)
    rates = [logs["learning_rate"] for logs in run.epochs]
    assert rates[-1] == expected
    # Warm-up takes 4 steps; the rate falls after 8 of the 10 and again after 9.
    assert rates == pytest.approx([1e-3, 3e-4, 9e-5])


def test_the_ages_told_are_the_buffers(run):
    ages = run.model.buffer.ages.numpy()
    assert run.epochs[-1]["chain_age_max"] == ages.max()
    assert run.epochs[-1]["chain_age_mean"] == pytest.approx(ages.mean())
    told = [logs["chain_age_mean"] for logs in run.epochs]
    assert told == sorted(told)


def test_images_per_second_count_the_steps_taken():
    measure = callbacks.Measure(
        datasets.Split(tf.zeros([2, 8, 8, 1]), tf.zeros([2], tf.int32)), 1000
    )
    measure.set_model(classifier())
    measure.on_epoch_begin(0)
    measure.begin -= 10.0  # as if the epoch had begun ten seconds ago
    for step in range(5):
        measure.on_train_batch_end(step)
    measure.on_epoch_end(0, logs := {})
    assert logs["images_per_second"] == pytest.approx(500, rel=0.01)


def test_every_number_of_an_epoch_is_a_scalar_at_its_step(run):
    more = {"loss", "learning_rate", "images_per_second", "chain_age_max", "saturation"}
    for name in {*callbacks.SHOWN, *more, *run.epochs[0]} - {"acceptance"}:
        steps, written = zip(*scalars(run.events, callbacks.tag_of(name)), strict=True)
        assert steps == (4, 8, 10)
        values = [logs[name] for logs in run.epochs]
        np.testing.assert_allclose(written, values, rtol=1e-6)


def test_the_readings_of_chains_are_in_one_group():
    names = jem.OF_DRAWN[2:] + ("acceptance", "chain_age_mean", "chain_age_max")
    assert {callbacks.tag_of(name) for name in names} == {f"chains/{n}" for n in names}
    assert callbacks.tag_of("loss") == "training/loss"


def test_every_step_has_the_norm_of_its_gradient(run):
    steps, norms = zip(*scalars(run.events, "every_step/gradient_norm"), strict=True)
    assert steps == tuple(range(1, 11))
    np.testing.assert_allclose(norms, run.norms, rtol=1e-6)


def test_an_epoch_counts_the_classes_of_the_buffers_images(run):
    histograms = run.events.Tensors("chains/classes")
    assert [histogram.step for histogram in histograms] == [4, 8, 10]
    left, right, counts = tf.make_ndarray(histograms[-1].tensor_proto).T
    assert (left[0], right[-1]) == (-0.5, 9.5)
    np.testing.assert_array_equal(counts, monitoring.buffer_classes(run.model))


def test_what_the_guard_saw_stands_at_its_steps(run):
    assert scalars(run.events, "guard/retries") == [(3, 1.0), (7, 2.0)]
    texts = [
        json.loads(tf.make_ndarray(event.tensor_proto).item())
        for event in run.events.Tensors("guard/alarm")
    ]
    assert texts == ALARMS
    (event,) = run.events.Tensors("guard/drift")
    assert event.step == DRIFT["step"]
    assert json.loads(tf.make_ndarray(event.tensor_proto).item()) == DRIFT


def test_an_epoch_has_a_picture_of_samples(run):
    pictures = run.events.Tensors("samples")
    assert [picture.step for picture in pictures] == [4, 8, 10]
    width, height, *encoded = tf.make_ndarray(pictures[-1].tensor_proto)
    assert (int(width), int(height), len(encoded)) == (26, 26, 1)
    expected = figures.tile(run.model.sample(9, candidates=4, seed=PLAN.epochs - 1))
    np.testing.assert_array_equal(tf.io.decode_png(encoded[0]), expected)


def test_a_model_that_does_not_dream_has_no_pictures(tmp_path):
    summaries = callbacks.Summaries(tmp_path, {})
    images, labels = tf.zeros([2, 8, 8, 1]), tf.zeros([2], tf.int32)
    classifier().fit(images, labels, callbacks=[summaries], verbose=0)
    events = event_accumulator.EventAccumulator(str(tmp_path)).Reload()
    assert "samples" not in events.Tags()["tensors"]
    assert len(scalars(events, "training/loss")) == 1


def test_hyperparameters_are_kept_for_the_plugin(run):
    content = run.events.SummaryMetadata("_hparams_/session_start_info")
    data = plugin_data_pb2.HParamsPluginData.FromString(
        content.plugin_data.content
    ).session_start_info.hparams
    kept = {name: getattr(v, v.WhichOneof("kind")) for name, v in data.items()}
    assert kept == HYPERPARAMETERS
