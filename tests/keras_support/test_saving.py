"""Keras's files of weights keep the chains, and say when they cannot be taken over."""

import keras
import numpy as np
import pytest

from jem_tf import replay, starts
from jem_tf.errors import InputError
from jem_tf.jem import JEM
from jem_tf.keras_support import saving
from tests import tiny_models
from tests.tiny_models import SHAPE, assert_same, compiled, fitted, jem, network


def buffer(size=12, *, replicas=1, num_classes=None, seed=0):
    return replay.ReplayBuffer(
        size,
        starts.uniform(SHAPE),
        devices=[None] * replicas,
        num_classes=num_classes,
        seed=(0, seed),
    )


def test_weights_bring_the_network_and_the_chains_back(tmp_path):
    trained, other = compiled(), compiled()
    fitted(trained)
    trained.save_weights(tmp_path / "jem.weights.h5")
    other.load_weights(tmp_path / "jem.weights.h5")
    assert_same(trained, other)
    assert other.step == trained.step  # the seeds of the next step, and the optimiser
    assert fitted(trained) == fitted(other)
    assert_same(trained, other)
    assert trained.buffer.all_ages().max() > 0


@pytest.mark.parametrize("num_classes", [None, 3])
@pytest.mark.parametrize("replicas", [1, 2])
def test_a_buffer_is_dealt_out_to_the_replicas_there_are(replicas, num_classes):
    old = buffer(replicas=2, num_classes=num_classes, seed=1)
    new = buffer(replicas=replicas, num_classes=num_classes, seed=2)
    store = {}
    saving.write_buffer(old, store)
    saving.read_buffer(new, store)
    images = [
        np.sort(x.all_images().reshape(12, -1), axis=0).tolist() for x in (old, new)
    ]
    assert images[0] == images[1]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ({"size": 24}, {}, r"shape \[24, 4, 4, 1\], and this model's of \[12, 4, 4, 1"),
        ({}, {"num_classes": 3}, "num_classes=None, and this model's 3"),
    ],
)
def test_a_buffer_of_another_size_or_order_is_refused(tmp_path, old, new, says):
    place = tmp_path / "jem.weights.h5"
    compiled(**old).save_weights(place)
    with pytest.raises(InputError, match=says):
        compiled(**new).load_weights(place)


def test_a_file_without_a_buffer_is_said_to_have_none(tmp_path):
    classifier, model = JEM(network(), p_x_weight=0.0), jem()
    before = model.buffer.all_images()
    classifier.save_weights(tmp_path / "plain.weights.h5")
    with pytest.warns(UserWarning, match="has no replay buffer"):
        model.load_weights(tmp_path / "plain.weights.h5")
    np.testing.assert_array_equal(model.buffer.all_images(), before)
    model.save_weights(tmp_path / "jem.weights.h5")
    classifier.load_weights(tmp_path / "jem.weights.h5")
    np.testing.assert_array_equal(
        tiny_models.weights(model), tiny_models.weights(classifier)
    )


def test_a_part_of_a_buffer_is_not_saved_as_if_it_were_whole():
    part = replay.ReplayBuffer(12, starts.uniform(SHAPE), replicas=2)
    with pytest.raises(InputError, match="has 1 of 2 shards of the replay buffer"):
        saving.write_buffer(part, {})


def test_keras_own_save_model_writes_no_h5_file_that_could_not_be_read(tmp_path):
    with pytest.raises(InputError, match=r"saved whole in a \.keras file, not in \.h5"):
        keras.saving.save_model(compiled(), tmp_path / "jem.h5")


def test_one_hot_labels_are_refused_in_words_where_the_joint_density_learns():
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model = compiled(num_classes=3, p_x_y_weight=1.0, compiling={"loss": loss})
    images, labels = tiny_models.floats()
    one_hot = np.eye(3, dtype="float32")[labels]
    with pytest.raises(InputError, match=r"log p\(x, y\) needs class numbers"):
        fitted(model, images, one_hot)


def test_metrics_of_probabilities_are_refused_by_compile():
    with pytest.raises(InputError, match=r"^metrics=sparse_categorical_crossentropy"):
        compiled(compiling={"metrics": ["sparse_categorical_crossentropy"]})


def test_a_network_whose_configuration_gives_no_reason_is_refused_in_words(tmp_path):
    class Silent(keras.Model):
        def get_config(self):
            raise NotImplementedError

    image = keras.Input(tiny_models.SHAPE)
    net = Silent(image, keras.layers.Dense(3)(keras.layers.Flatten()(image)))
    with pytest.raises(InputError, match=r"can save \(NotImplementedError\)"):
        tiny_models.compiled(net).save(tmp_path / "n.keras")
