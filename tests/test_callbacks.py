import contextlib
import io
import re
import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing import event_accumulator
from tensorboard.plugins.hparams import plugin_data_pb2

from jem_tf import callbacks, datasets, figures, jem, networks, recipe, workdir
from jem_tf.errors import InputError
from jem_tf.options import Network, Objective, Options, Sampling, Training

OPTIONS = Options(
    network=Network(network="convnet-8"),
    sampling=Sampling(buffer_size=64, sgld_steps=2),
    objective=Objective(p_x_images="same"),
    training=Training(batch_size=16, learning_rate=1e-3, warmup_steps=4),
)
HYPERPARAMETERS = {"network": "convnet-8", "seed": 3, "rate": 0.5, "augment": True}
STEPS, STEPS_PER_EPOCH, EPOCHS = 10, 4, 3


@pytest.fixture(scope="module")
def fit(tmp_path_factory):
    """A run of 10 steps in epochs of 4, with all that it wrote and showed."""
    place, shown = tmp_path_factory.mktemp("run"), io.StringIO()
    stream, data = io.StringIO(), datasets.load("digits")
    buffer = recipe.buffer(OPTIONS, (8, 8, 1), 10)
    model = recipe.build(OPTIONS, (8, 8, 1), 10, buffer)
    recipe.compile_for(model, OPTIONS.training, STEPS)
    manager = tf.train.CheckpointManager(
        workdir.checkpoint(model), place / "checkpoints", max_to_keep=2
    )
    with contextlib.redirect_stdout(shown):
        history = model.fit(
            recipe.feed(OPTIONS, data, EPOCHS * STEPS_PER_EPOCH),
            epochs=EPOCHS,
            steps_per_epoch=STEPS_PER_EPOCH,
            callbacks=[
                callbacks.StopAt(STEPS),
                callbacks.StopOnDivergence(),
                callbacks.Measure(data.validation, 16),
                callbacks.Progress(STEPS, stream),
                callbacks.Summaries(place, HYPERPARAMETERS, samples=9),
                callbacks.Checkpoints(manager),
            ],
            verbose=0,
            shuffle=False,
        ).history
    events = event_accumulator.EventAccumulator(str(place), {"tensors": 0})
    return types.SimpleNamespace(
        model=model,
        data=data,
        history=history,
        lines=shown.getvalue().splitlines(),
        stream=stream.getvalue(),
        events=events.Reload(),
        place=place,
    )


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


def test_training_stops_at_exactly_that_step(fit):
    assert int(fit.model.optimizer.iterations) == STEPS
    assert len(fit.history["loss"]) == EPOCHS


@pytest.mark.parametrize("steps", [1, 3, 4])
def test_training_stops_within_an_epoch_and_at_its_end(steps):
    model = classifier()
    images, labels = tf.zeros([8, 8, 8, 1]), tf.zeros([8], tf.int32)
    stop = callbacks.StopAt(steps)
    model.fit(images, labels, batch_size=2, epochs=9, callbacks=[stop], verbose=0)
    assert int(model.optimizer.iterations) == steps


def test_off_a_terminal_an_epoch_is_a_line(fit):
    assert [line.split()[:2] for line in fit.lines] == [
        ["epoch", f"{epoch}/3"] for epoch in (1, 2, 3)
    ]


def test_off_a_terminal_there_is_no_bar(fit):
    assert fit.stream == ""
    assert not re.search(r"[\r\x1b\x08]", "".join(fit.lines))


def test_a_line_shows_the_numbers_of_its_epoch(fit):
    for epoch, line in enumerate(fit.lines):
        for name, label in callbacks.SHOWN.items():
            assert f"  {label} {fit.history[name][epoch]:.3f}" in line
        assert f"  {fit.history['images_per_second'][epoch]:.0f} images/s" in line


def test_on_a_terminal_there_is_a_bar_with_rate_and_remaining_time():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

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


def test_validation_is_measured_on_the_images_given(fit):
    images, labels = fit.data.validation
    predicted = fit.model.predict(datasets.pixels(images), verbose=0).argmax(axis=1)
    assert fit.history["val_accuracy"][-1] == np.mean(predicted == labels)
    loss = fit.model.evaluate(datasets.pixels(images), labels, verbose=0)[0]
    assert fit.history["val_nll"][-1] == pytest.approx(loss, rel=1e-5)


def test_the_learning_rate_told_is_the_optimisers(fit):
    expected = float(fit.model.optimizer.learning_rate)
    assert fit.history["learning_rate"][-1] == expected
    # Warm-up takes 4 steps; the rate falls after 8 of the 10 and again after 9.
    assert fit.history["learning_rate"] == pytest.approx([1e-3, 3e-4, 9e-5])


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


def test_every_number_of_an_epoch_is_a_scalar_at_its_step(fit):
    assert {*callbacks.SHOWN, "loss", "learning_rate", "images_per_second"} <= set(
        fit.history
    )
    for name, values in fit.history.items():
        steps, written = zip(*scalars(fit.events, name), strict=True)
        assert steps == (4, 8, 10)
        np.testing.assert_allclose(written, values, rtol=1e-6)


def test_an_epoch_has_a_picture_of_samples(fit):
    pictures = fit.events.Tensors("samples")
    assert [picture.step for picture in pictures] == [4, 8, 10]
    width, height, *encoded = tf.make_ndarray(pictures[-1].tensor_proto)
    assert (int(width), int(height), len(encoded)) == (26, 26, 1)
    expected = figures.tile(fit.model.sample(9, candidates=4, seed=EPOCHS - 1))
    np.testing.assert_array_equal(tf.io.decode_png(encoded[0]), expected)


def test_a_model_that_does_not_dream_has_no_pictures(tmp_path):
    summaries = callbacks.Summaries(tmp_path, {})
    images, labels = tf.zeros([2, 8, 8, 1]), tf.zeros([2], tf.int32)
    classifier().fit(images, labels, callbacks=[summaries], verbose=0)
    events = event_accumulator.EventAccumulator(str(tmp_path)).Reload()
    assert "samples" not in events.Tags()["tensors"]
    assert len(scalars(events, "loss")) == 1


def test_hyperparameters_are_kept_for_the_plugin(fit):
    content = fit.events.SummaryMetadata("_hparams_/session_start_info")
    data = plugin_data_pb2.HParamsPluginData.FromString(
        content.plugin_data.content
    ).session_start_info.hparams
    found = {name: getattr(v, v.WhichOneof("kind")) for name, v in data.items()}
    assert found == HYPERPARAMETERS


def test_the_last_two_checkpoints_are_kept_by_step(fit):
    kept = {path.stem for path in (fit.place / "checkpoints").glob("*.index")}
    assert kept == {"ckpt-8", "ckpt-10"}


def test_the_last_checkpoint_holds_the_last_weights(fit):
    newest = tf.train.latest_checkpoint(fit.place / "checkpoints")
    other = recipe.build(OPTIONS, (8, 8, 1), 10, fit.model.buffer)
    status = tf.train.Checkpoint(network=other.network).restore(newest)
    status.expect_partial()
    for ours, theirs in zip(
        other.network.get_weights(), fit.model.network.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("broken", ["images", "rate"])
def test_a_loss_that_is_no_number_ends_the_run_with_a_sentence(broken):
    generator = np.random.default_rng(0)
    images = generator.uniform(-1, 1, [16, 8, 8, 1]).astype("float32")
    if broken == "images":
        images[3] = np.nan
    labels = generator.integers(0, 3, 16)
    model = classifier(learning_rate=1e30 if broken == "rate" else 0.0)
    with pytest.raises(InputError, match=r"diverged in epoch 1: the loss is (nan|inf)"):
        model.fit(
            images,
            labels,
            batch_size=4,
            epochs=3,
            callbacks=[callbacks.StopOnDivergence()],
            verbose=0,
        )
    assert int(model.optimizer.iterations) == 4


def test_a_loss_that_is_a_number_ends_nothing(fit):
    assert np.isfinite(fit.history["loss"]).all()
