"""A JEM is used as Keras's guides use a model: callbacks, data, saving, export."""

import csv
import math
import pickle

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from jem_tf.errors import InputError
from tests import tiny_models
from tests.tiny_models import (
    SHAPE,
    assert_same,
    compiled,
    data,
    fitted,
    floats,
    weights,
)

pytestmark = pytest.mark.slow


class Interrupted(Exception):
    """Stands for a machine that goes down."""


class Interrupt(keras.callbacks.Callback):
    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise Interrupted


def held_out():
    return floats(6, seed=1)


def test_early_stopping_stops_and_brings_the_best_weights_back():
    stop = keras.callbacks.EarlyStopping(
        "val_loss", patience=1, mode="max", restore_best_weights=True
    )
    model = compiled(optimizer=keras.optimizers.SGD(0.1))
    before = []
    keep = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: before.append(
            (logs["val_loss"], weights(model))
        )
    )
    fitted(model, callbacks=[stop, keep], validation_data=held_out(), epochs=20)
    assert len(before) >= 2
    best = max(before, key=lambda pair: pair[0])
    np.testing.assert_array_equal(weights(model), best[1])


@pytest.mark.parametrize("ending", [".keras", ".weights.h5"])
@pytest.mark.parametrize("best_only", [False, True])
def test_a_model_checkpoint_holds_the_model_and_its_chains(tmp_path, ending, best_only):
    place = tmp_path / f"jem-{{epoch}}{ending}"
    save = keras.callbacks.ModelCheckpoint(
        place,
        monitor="val_accuracy",
        save_best_only=best_only,
        save_weights_only=ending != ".keras",
    )
    model = compiled()
    fitted(model, callbacks=[save], validation_data=held_out())
    file = tmp_path / f"jem-1{ending}"
    if ending == ".keras":
        again = keras.models.load_model(file)
    else:
        again = compiled()
        again.load_weights(file)
    assert_same(model, again)


def test_the_learning_rate_falls_on_a_plateau():
    fall = keras.callbacks.ReduceLROnPlateau(
        "loss", factor=0.5, patience=1, min_delta=9
    )
    model = compiled(optimizer=keras.optimizers.SGD(0.1))
    fitted(model, callbacks=[fall], epochs=3)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.025)


def test_a_backed_up_run_that_is_interrupted_ends_as_if_it_were_not(tmp_path):
    def backed_up(model, *more):
        backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
        fitted(model, callbacks=[backup, *more], epochs=2)

    whole, first, second = compiled(), compiled(), compiled()
    fitted(whole, epochs=2)
    with pytest.raises(Interrupted):
        backed_up(first, Interrupt(1))
    backed_up(second)
    assert_same(whole, second)
    assert second.step == whole.step == 4


def test_logs_are_written_for_tensorboard_and_as_csv(tmp_path):
    callbacks = [
        keras.callbacks.TensorBoard(tmp_path / "board", histogram_freq=1),
        keras.callbacks.CSVLogger(tmp_path / "log.csv"),
        keras.callbacks.TerminateOnNaN(),
        keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5),
    ]
    logs = fitted(compiled(), callbacks=callbacks, validation_data=held_out())
    assert {"energy_gap", "cross_entropy", "val_loss", "val_accuracy"} <= set(logs)
    assert list((tmp_path / "board" / "train").glob("events*"))
    with (tmp_path / "log.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert float(row["loss"]) == pytest.approx(logs["loss"])


def test_class_weights_are_sample_weights_of_the_cross_entropy_alone():
    images, labels = floats()
    by_class = {0: 1.0, 1: 3.0, 2: 0.5}
    by_image = np.array([by_class[y] for y in labels], "float32")
    plain, ours, theirs = compiled(), compiled(), compiled()
    logs = fitted(ours, images, labels.astype("uint8"), class_weight=by_class)
    assert logs == fitted(theirs, images, labels, sample_weight=by_image)
    assert_same(ours, theirs)
    unweighted = fitted(plain, images, labels)
    assert logs["cross_entropy"] != pytest.approx(unweighted["cross_entropy"], rel=1e-3)
    rest = logs["loss"] - logs["cross_entropy"]
    assert rest == pytest.approx(
        unweighted["loss"] - unweighted["cross_entropy"], abs=0.01
    )


def test_a_split_for_validation_is_the_end_of_the_data():
    images, labels = floats(12)
    model = compiled(optimizer=keras.optimizers.SGD(0.0))
    logs = fitted(model, images, labels, validation_split=0.25)
    rest = model.evaluate(images[9:], labels[9:], verbose=0, return_dict=True)
    assert logs["val_loss"] == pytest.approx(rest["loss"], rel=1e-5)


def test_a_data_set_trains_as_the_arrays_it_holds():
    images, labels = floats()
    data_set = tf.data.Dataset.from_tensor_slices((images, labels)).batch(4).prefetch(1)
    ours, theirs = compiled(), compiled()
    assert fitted(ours, data_set, epochs=2) == fitted(theirs, images, labels, epochs=2)
    assert_same(ours, theirs)
    assert ours.predict(data_set, verbose=0).shape == (8, 3)
    assert set(ours.evaluate(data_set, verbose=0, return_dict=True)) == {
        "loss",
        "accuracy",
    }


def test_pictures_of_a_directory_train_once_they_are_scaled(tmp_path):
    for i, (image, y) in enumerate(zip(*data(), strict=True)):
        (tmp_path / str(y)).mkdir(exist_ok=True)
        Image.fromarray(image[..., 0]).save(tmp_path / str(y) / f"{i}.png")
    files = keras.utils.image_dataset_from_directory(
        tmp_path, image_size=SHAPE[:2], color_mode="grayscale", batch_size=4, verbose=0
    )
    model = compiled()
    with pytest.raises(ValueError, match=r"reach from \d+ to 2\d\d; scale them"):
        fitted(model, files)
    scaled = files.map(lambda x, y: (x / 127.5 - 1, y))
    assert np.isfinite(fitted(model, scaled, validation_data=scaled)["val_loss"])


def test_the_generator_of_old_guides_is_told_of_one_hot_labels_and_of_its_range():
    images, labels = data()
    batches = keras.src.legacy.preprocessing.image.ImageDataGenerator(rescale=1 / 255)
    with pytest.raises(ValueError, match="one-hot"):
        fitted(compiled(), batches.flow(images, np.eye(3)[labels], batch_size=4))
    with pytest.warns(UserWarning, match=r"all lie in \[0, 1\]"):
        fitted(compiled(), batches.flow(images, labels, batch_size=4))


def test_metrics_of_ones_own_are_logged_beside_the_energies():
    top = keras.metrics.SparseTopKCategoricalAccuracy(2, name="top2")
    logs = fitted(
        compiled(compiling={"metrics": ["accuracy", top]}), validation_data=held_out()
    )
    assert {"accuracy", "top2", "val_top2", "energy_gap"} <= set(logs)
    assert "weighted_accuracy" not in logs


def test_the_exported_model_answers_as_predict_does(tmp_path):
    model = compiled(size=5000)
    fitted(model)
    model.export(tmp_path / "served", verbose=False)
    images, _ = floats()
    served = tf.saved_model.load(str(tmp_path / "served"))
    answers = served.serve(images)
    np.testing.assert_allclose(answers, model.predict(images, verbose=0), atol=1e-6)
    held = sum(path.stat().st_size for path in (tmp_path / "served").rglob("*"))
    assert held < 200_000 < model.buffer.all_images().nbytes


def test_a_model_has_a_summary_and_counts_the_networks_weights(capsys):
    model = compiled()
    model.summary()
    assert "jem" in capsys.readouterr().out
    assert model.count_params() == tiny_models.network().count_params()


def test_compile_takes_its_arguments_in_the_order_of_keras():
    eager = {"run_eagerly": True}
    model, twice = compiled(compiling=eager), tiny_models.jem()
    twice.compile("sgd", None, [2.0], {"logits": ["accuracy"]}, None, **eager)
    once, both = (m.test_on_batch(*floats(), return_dict=True) for m in (model, twice))
    assert set(once) == {"loss", "accuracy"}  # and no reading of a training step
    assert both == pytest.approx(
        {"loss": 2 * once["loss"], "accuracy": once["accuracy"]}
    )


def test_learning_without_compile_is_told_to_compile():
    with pytest.raises(InputError, match=r"call compile\(\) before learn"):
        tiny_models.jem().learn(*floats())


@pytest.mark.parametrize("how", ["pickle", "folder"])
def test_a_model_is_copied_whole_by_other_ways_of_keras_too(tmp_path, how):
    model = compiled()
    model.buffer.restore([np.full([12, *SHAPE], 0.5, "float32")], [np.arange(12)])
    if how == "pickle":
        again = pickle.loads(pickle.dumps(model))
    else:
        model.save(tmp_path / "jem", zipped=False)
        again = keras.models.load_model(tmp_path / "jem")
    assert_same(model, again)


def test_weights_as_arrays_are_the_networks_alone():
    model, other = compiled(), compiled()
    model.set_weights([w + 1 for w in other.get_weights()])
    np.testing.assert_allclose(weights(model), weights(other) + 1)
    before, after = model.buffer.all_images(), other.buffer.all_images()
    np.testing.assert_array_equal(before, after)


def test_a_model_is_a_layer_of_another():
    model, image = compiled(), keras.Input(SHAPE)
    outer = keras.Model(image, keras.layers.Softmax()(model(image)))
    images, _ = floats()
    expected = tf.nn.softmax(model.predict_on_batch(images))
    np.testing.assert_allclose(outer.predict_on_batch(images), expected, atol=1e-6)


def test_labels_for_the_joint_density_are_evaluated_as_those_of_the_labelled_images():
    images, labels = floats(8)
    x, y = ({"labelled": each, "real": each} for each in (images, labels))
    model = compiled(p_x_y_weight=0.5, num_classes=tiny_models.CLASSES)
    stream = tf.data.Dataset.from_tensor_slices((x, y)).batch(4)
    model.fit(stream, verbose=0)
    expected = model.evaluate(images, labels, batch_size=4, verbose=0)
    assert model.evaluate(x, y, batch_size=4, verbose=0) == expected
    assert model.evaluate(stream, verbose=0) == expected


def test_a_cell_that_is_run_again_after_an_interrupt_goes_on(tmp_path):
    model, (x, y) = tiny_models.jem(size=40), floats()
    how = {"epochs": 3, "batch_size": 4, "shuffle": False, "verbose": 0}
    backup = keras.callbacks.BackupAndRestore(tmp_path)
    model.compile(keras.optimizers.SGD(0.01))
    with pytest.raises(Interrupted):
        model.fit(x, y, callbacks=[backup, Interrupt(2)], **how)
    model.compile(keras.optimizers.SGD(0.01))
    model.fit(x, y, callbacks=[keras.callbacks.BackupAndRestore(tmp_path)], **how)
    once = compiled(optimizer=keras.optimizers.SGD(0.01), size=40)
    once.fit(x, y, **how)
    assert_same(model, once)


def test_a_smaller_last_batch_counts_for_its_images():
    x, y = floats(9)
    model = compiled(optimizer=keras.optimizers.SGD(0.0), p_x_weight=0.0)
    logs = fitted(model, x, y, batch_size=8)
    loss = model.evaluate(x, y, verbose=0)[0]
    assert logs["cross_entropy"] == pytest.approx(loss, rel=1e-5)
    assert logs["loss"] == pytest.approx(loss, rel=1e-5)


def test_good_weights_given_back_train_on_after_chains_diverged():
    model = compiled(optimizer=keras.optimizers.SGD(0.01), size=40)
    good = model.get_weights()
    model.set_weights([w * math.nan for w in good])
    assert math.isnan(fitted(model)["loss"])
    assert np.isnan(model.buffer.all_images()).any()
    assert np.isnan(weights(model)).all()
    model.set_weights(good)
    model.compile(keras.optimizers.SGD(0.01))
    for _ in range(12):
        logs = fitted(model)
    assert all(math.isfinite(value) for value in logs.values())
    assert np.isfinite(weights(model)).all()
    assert np.isfinite(model.buffer.all_images()).all()


def test_weights_of_parts_of_dictionaries_have_a_place():
    x, y = floats()
    model = compiled(p_x_y_weight=0.5, num_classes=tiny_models.CLASSES)
    both = {"labelled": x, "real": x}, {"labelled": y, "real": y}
    with pytest.raises(InputError, match="class_weight goes with labels that are one"):
        model.fit(*both, class_weight={0: 2.0}, verbose=0)


def test_numbers_of_numpy_are_numbers():
    model = compiled(p_x_weight=np.float64(0.1), altered_weight=np.float32(1))
    assert "energy_altered" in fitted(model)
