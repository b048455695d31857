import keras
import numpy as np
import pytest
import tensorflow as tf

from jem_tf import energies
from jem_tf.energy_model import Classifier
from jem_tf.evaluation import distal


@pytest.fixture(scope="module")
def model():
    """A linear classifier of three classes, each a template."""
    image = keras.Input((4, 4, 1))
    logits = keras.layers.Dense(3, use_bias=False)(keras.layers.Flatten()(image))
    network = keras.Model(image, logits)
    network.set_weights([np.random.default_rng(0).normal(size=(16, 3))])
    return Classifier(network)


def test_noise_reaches_the_confidence_and_stays_there(model):
    driven = distal.drive_to_confidence(model, confidence=0.9)
    p = tf.nn.softmax(model.network(driven.images)).numpy()
    confidence = p[np.arange(len(driven.labels)), driven.labels]
    np.testing.assert_allclose(driven.confidence, confidence, rtol=1e-4)
    assert (confidence >= 0.9).all()
    # Those that needed steps crossed it by no more than one: none went on to 1.
    assert confidence[driven.steps > 0].min() < 0.95
    assert np.abs(driven.images).max() <= 1
    assert driven.labels.tolist() == sorted(list(range(3)) * distal.IMAGES_PER_CLASS)


def test_every_step_has_its_length_uphill(model):
    before, after = (distal.drive_to_confidence(model, max_steps=n) for n in (0, 1))
    moved = (after.images - before.images).reshape(len(before.labels), -1)
    inside = (np.abs(after.images) < 1).reshape(moved.shape)
    direction = energies.score(
        lambda x: -energies.log_p_y_given_x(model.network(x), before.labels),
        tf.constant(before.images),
    )
    direction = direction.numpy().reshape(moved.shape)
    norms = np.linalg.norm(direction, axis=1, keepdims=True)
    direction *= distal.STEP_SIZE / norms
    stepped = after.steps == 1
    assert stepped.any()
    np.testing.assert_allclose(
        moved[stepped], np.where(inside, direction, moved)[stepped], atol=1e-5
    )
    assert not moved[~stepped].any()


def test_what_does_not_reach_it_is_given_up(model):
    driven = distal.drive_to_confidence(model, confidence=0.999, max_steps=2)
    assert driven.steps.max() == 2
    metrics, _ = distal.evaluate_distal({"run": model}, "abc", confidence=0.5)
    assert metrics["distal/reached"] == 1
    assert metrics["distal/confidence"] >= 0.5


def test_its_picture_has_a_row_a_model_and_a_column_a_class(model):
    _, figure = distal.evaluate_distal(
        {"run": model, "baseline": model}, ("a", "b", "c")
    )
    assert len(figure.axes) == 2 * 3
    assert [axes.get_title() for axes in figure.axes[:3]] == ["a", "b", "c"]
