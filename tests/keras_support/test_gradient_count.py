import keras
import numpy as np
import pytest
import tensorflow as tf

from jem_tf.errors import InputError
from tests import tiny_models
from tests.tiny_models import compiled, fitted, floats, weights

pytestmark = pytest.mark.slow


def chains_moved(model):
    """How an epoch moves each chain."""
    before = model.buffer.all_images()
    fitted(model)
    return model.buffer.all_images() - before


@pytest.mark.parametrize("loaded", [False, True])
def test_a_model_compiled_again_draws_on_with_other_random_numbers(tmp_path, loaded):
    def still():
        return keras.optimizers.SGD(0.0)

    once = compiled(optimizer=still(), size=40)
    again = compiled(optimizer=still(), size=40)
    fitted(once)
    fitted(again)
    if loaded:
        again.save(tmp_path / "model.keras")
        again = keras.models.load_model(tmp_path / "model.keras")
    again.compile(still())
    np.testing.assert_array_equal(chains_moved(again), chains_moved(once))
    assert again.gradients_taken == once.gradients_taken == 4
    again.save_weights(tmp_path / "some.weights.h5")
    other = compiled(optimizer=still(), size=40)
    other.load_weights(tmp_path / "some.weights.h5")
    assert other.gradients_taken == 4
    np.testing.assert_array_equal(chains_moved(other), chains_moved(again))


def test_a_compile_that_is_refused_or_keeps_its_optimiser_counts_nothing_twice():
    model = compiled(optimizer=keras.optimizers.SGD(0.0))
    fitted(model)
    with pytest.raises(InputError):
        model.compile(loss="sparse_categorical_crossentropy")
    assert model.gradients_taken == 2
    model.compile(model.optimizer)
    assert model.gradients_taken == 2


def test_learn_compiled_again_uses_the_new_optimiser():
    x, y = (tf.constant(values) for values in floats())
    model = tiny_models.jem()
    for rate in (0.0, 1.0):
        before = weights(model)
        model.compile(keras.optimizers.SGD(rate), jit_compile=True)
        model.learn(x, y)
        assert (weights(model) == before).all() == (rate == 0.0)


@pytest.mark.parametrize("kind", ["model.keras", "model.weights.h5"])
def test_a_file_read_before_compile_counts_on(tmp_path, kind):
    model = compiled(optimizer=keras.optimizers.SGD(0.0), size=40)
    fitted(model)
    file = tmp_path / kind
    if kind.endswith(".keras"):
        model.save(file)
        read = keras.models.load_model(file, compile=False)
    else:
        model.save_weights(file)
        read = tiny_models.jem(size=40)
        read.load_weights(file)
    assert read.gradients_taken == model.gradients_taken > 0
    read.compile(keras.optimizers.SGD(0.0))
    np.testing.assert_array_equal(chains_moved(read), chains_moved(model))


def test_a_model_without_an_optimiser_evaluates_and_is_read(tmp_path):
    model = tiny_models.jem()
    model.compile(None)
    images, labels = floats()
    metrics = model.evaluate(images, labels, verbose=0, return_dict=True)
    assert np.isfinite(metrics["loss"])
    model.save_weights(tmp_path / "some.weights.h5")
    model.load_weights(tmp_path / "some.weights.h5")
    with pytest.raises(InputError, match="has no optimiser yet"):
        model.learn(images, labels)
