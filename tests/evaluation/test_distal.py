import keras
import numpy as np
import pytest
import tensorflow as tf

from jem_tf import energies
from jem_tf.classifier import Classifier
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
    found = distal.driven(model, confidence=0.9)
    told = tf.nn.softmax(model.network(found.images)).numpy()
    confidence = told[np.arange(len(found.labels)), found.labels]
    np.testing.assert_allclose(found.confidence, confidence, rtol=1e-4)
    assert (confidence >= 0.9).all()
    # Those that needed steps crossed it by no more than one: none went on to 1.
    assert confidence[found.steps > 0].min() < 0.95
    assert np.abs(found.images).max() <= 1
    assert found.labels.tolist() == sorted(list(range(3)) * distal.EACH)


def test_every_step_has_its_length_uphill(model):
    before, after = (distal.driven(model, most=n) for n in (0, 1))
    moved = (after.images - before.images).reshape(len(before.labels), -1)
    inside = (np.abs(after.images) < 1).reshape(moved.shape)
    up = energies.score(
        lambda x: -energies.log_p_y_given_x(model.network(x), before.labels),
        tf.constant(before.images),
    )
    up = up.numpy().reshape(moved.shape)
    up *= distal.STEP / np.linalg.norm(up, axis=1, keepdims=True)
    went = after.steps == 1
    assert went.any()
    np.testing.assert_allclose(
        moved[went], np.where(inside, up, moved)[went], atol=1e-5
    )
    assert not moved[~went].any()


def test_what_does_not_reach_it_is_given_up(model):
    found = distal.driven(model, confidence=0.999, most=2)
    assert found.steps.max() == 2
    metrics, _ = distal.measure({"run": model}, "abc", confidence=0.5)
    assert metrics["distal/reached"] == 1
    assert metrics["distal/confidence"] >= 0.5


def test_its_picture_has_a_row_a_model_and_a_column_a_class(model):
    _, figure = distal.measure({"run": model, "baseline": model}, ("a", "b", "c"))
    assert len(figure.axes) == 2 * 3
    assert [axes.get_title() for axes in figure.axes[:3]] == ["a", "b", "c"]
