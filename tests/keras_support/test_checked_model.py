"""All of Keras's methods that take data take the same data, and refuse the same."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from jem_tf.errors import InputError
from tests import tiny_models
from tests.tiny_models import compiled, data, fitted, floats, weights

pytestmark = pytest.mark.slow

METHODS = {
    "fit": lambda model, x, y: model.fit(x, y, verbose=0),
    "evaluate": lambda model, x, y: model.evaluate(x, y, verbose=0),
    "predict": lambda model, x, y: model.predict(x, verbose=0),
    "train_on_batch": lambda model, x, y: model.train_on_batch(x, y),
    "test_on_batch": lambda model, x, y: model.test_on_batch(x, y),
    "predict_on_batch": lambda model, x, y: model.predict_on_batch(x),
    "call": lambda model, x, y: model(x),
}
LEARNING = [name for name in METHODS if "predict" not in name and name != "call"]


@pytest.fixture(scope="module")
def model():
    return compiled()


@pytest.mark.parametrize("method", METHODS)
def test_uint8_images_answer_as_their_floats_do(method):
    (images, labels), (same, _) = data(), floats()
    answers, trained = [], []
    for x in (images, same):
        model = compiled()
        answer = METHODS[method](model, x, labels)
        answer = answer.history["loss"] if method == "fit" else answer
        answers.append(np.asarray(answer))
        trained.append(weights(model))
    np.testing.assert_allclose(*answers, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(*trained, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("method", ["fit", "train_on_batch"])
def test_a_training_step_is_traced_once(method, monkeypatch):
    """Its trace is most of what a first step takes, and the second was for nothing."""
    model, traced = compiled(), []
    step = model.train_step

    def counted(batch):
        traced.append(batch)
        return step(batch)

    monkeypatch.setattr(model, "train_step", counted)
    METHODS[method](model, *data())
    assert len(traced) == 1


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("wrong", ["int64", "0..255", "shape"])
def test_wrong_images_are_refused_by_every_method(model, method, wrong):
    images, labels = data()
    images, says = {
        "int64": (images.astype("int64"), "images are int64"),
        "0..255": (images.astype("float32"), "scale them to"),
        "shape": (images[:, :2], "this network takes"),
    }[wrong]
    with pytest.raises(InputError, match=says):
        METHODS[method](model, images, labels)


@pytest.mark.parametrize("method", LEARNING)
def test_wrong_labels_are_refused_by_every_method_that_uses_them(model, method):
    images, labels = floats()
    for wrong, says in (
        (labels + 1, "0 to 2"),
        (np.eye(3)[labels], "one-hot"),
        (None, "labels are missing"),
    ):
        with pytest.raises(InputError, match=says):
            METHODS[method](model, images, wrong)


@pytest.mark.parametrize("method", METHODS)
def test_images_between_0_and_1_are_warned_of(model, method):
    images, labels = data()
    with pytest.warns(UserWarning, match=r"all lie in \[0, 1\].*give 2 \* images - 1"):
        METHODS[method](model, (images / 255).astype("float32"), labels)


@pytest.mark.parametrize("method", ["fit", "evaluate", "predict"])
def test_a_stream_of_wrong_images_is_refused_in_the_same_words(model, method):
    images, labels = data()
    stream = tf.data.Dataset.from_tensor_slices((images.astype("float32"), labels))
    with pytest.raises(InputError, match="float images reach from"):
        getattr(model, method)(stream.batch(4), verbose=0)


@pytest.mark.parametrize("how", ["arrays", "stream"])
def test_validation_data_are_checked_before_or_when_they_come(model, how):
    images, labels = floats()
    wrong = images * 100, labels
    if how == "stream":
        wrong = tf.data.Dataset.from_tensors(wrong)
    with pytest.raises(InputError, match="scale them to"):
        fitted(model, images, labels, validation_data=wrong)


@pytest.mark.parametrize("wrong", ["labels", "stream"])
def test_a_call_that_was_refused_can_be_given_again_with_the_right_data(wrong):
    model, (images, labels) = compiled(), floats()
    data = images, np.eye(3)[labels]
    data = (tf.data.Dataset.from_tensors(data),) if wrong == "stream" else data
    for method in (model.fit, model.evaluate):
        with pytest.raises(InputError, match="one-hot"):
            method(*data, verbose=0)
    assert fitted(model, images, labels) == fitted(compiled(), images, labels)


def test_a_data_set_of_uint8_images_trains_within_the_graph():
    images, labels = data()
    stream = tf.data.Dataset.from_tensor_slices((images, labels.astype("uint8")))
    ours, theirs = (
        compiled(p_x_y_weight=1.0, num_classes=3),
        compiled(p_x_y_weight=1.0, num_classes=3),
    )
    fitted(ours, stream.batch(4))
    fitted(theirs, *floats())
    np.testing.assert_allclose(weights(ours), weights(theirs), rtol=1e-5, atol=1e-7)


def test_one_hot_labels_are_taken_with_a_loss_that_takes_them():
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    ours, theirs = compiled(compiling={"loss": loss}), compiled()
    images, labels = floats()
    logs = fitted(ours, images, np.eye(3, dtype="float32")[labels])
    assert logs == pytest.approx(fitted(theirs, images, labels), rel=1e-5, abs=1e-6)


def test_validation_does_not_count_what_layers_add_to_the_loss():
    image = keras.Input(tiny_models.SHAPE)
    end = keras.layers.Dense(3, kernel_regularizer=keras.regularizers.L2(10.0))
    net = keras.Model(image, end(keras.layers.Flatten()(image)))
    model = compiled(net)
    images, labels = floats()
    logits = model.predict(images, verbose=0)
    expected = -np.mean(tf.nn.log_softmax(logits).numpy()[np.arange(8), labels])
    assert sum(net.losses) > 1
    loss = model.evaluate(images, labels, verbose=0, return_dict=True)["loss"]
    assert loss == pytest.approx(expected, rel=1e-5)
