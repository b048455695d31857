"""A checkpoint in one file: which chains it keeps, and what it refuses."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from jem_tf import energy_model, starts
from jem_tf.errors import InputError
from jem_tf.options import Objective
from jem_tf.replay import ReplayBuffer
from jem_tf.runs import packed_checkpoint
from tests.runs.test_run_folder import SHAPE, SMALL, kept, made


def test_chains_are_dealt_evenly_over_the_classes_and_are_samples(tmp_path):
    options = dataclasses.replace(SMALL, objective=Objective(conditional=True))
    _, model = kept(tmp_path, options)
    model.buffer.origins.assign(tf.tile([2, 0], [10]))  # every other began altered
    slots = packed_checkpoint.choose_slots(model.buffer, 15)
    np.testing.assert_array_equal(slots, np.arange(1, 20, 2))  # one of each class
    with pytest.raises(InputError, match="chains=9 leaves a class without a chain"):
        packed_checkpoint.choose_slots(model.buffer, 9)


def test_weights_too_large_for_float16_are_refused_in_a_sentence():
    with pytest.raises(InputError, match="cannot hold weights as large as these"):
        packed_checkpoint.round_weights([np.float32([1e5])], "float16")


def test_chains_of_two_replicas_stay_with_their_class(tmp_path):
    options = dataclasses.replace(SMALL, objective=Objective(conditional=True))
    model = made(options)
    two = ReplayBuffer(20, starts.uniform(SHAPE), num_classes=5, devices=[None, None])
    for shard in (two.shard_0, two.shard_1):  # two chains of each class
        classes = tf.repeat(tf.range(5.0), 2)[:, None, None, None]
        shard.assign(tf.broadcast_to(classes / 5, shard.shape))
    model.buffer = two
    slots = packed_checkpoint.choose_slots(two, 15)
    packed_checkpoint.write(tmp_path, model, slots, "float32")
    images = packed_checkpoint.read(tmp_path)["chains/images"][:, 0, 0, 0]
    np.testing.assert_array_equal(images, np.repeat(np.unique(images), 3))
    assert len(np.unique(images)) == 5


def test_a_network_of_other_weights_is_refused(tmp_path):
    model = made(SMALL)
    packed_checkpoint.write(tmp_path, model, np.arange(20), "float32")
    network = dataclasses.replace(SMALL.network, network="convnet-16")
    with pytest.raises(ValueError, match="shape"):
        packed_checkpoint.restore(
            made(dataclasses.replace(SMALL, network=network)), tmp_path
        )


def test_a_thousand_weights_come_back_in_their_order(tmp_path):
    def deep(value):
        layers = [keras.layers.Dense(2, name=f"dense_{i}") for i in range(501)]
        network = keras.Sequential(
            [keras.Input([1, 1, 1]), keras.layers.Flatten(), *layers]
        )
        network.set_weights([x + value for x in network.get_weights()])
        return energy_model.EnergyModel(network)

    first, second = deep(0.0), deep(1.0)
    packed_checkpoint.write(tmp_path, first, np.arange(0), "float32")
    packed_checkpoint.restore(second, tmp_path)
    for ours, theirs in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_plain_classifier_has_no_chains(tmp_path):
    plain = made(dataclasses.replace(SMALL, objective=Objective(p_x_weight=0.0)))
    packed_checkpoint.write(tmp_path, plain, np.arange(0), "float32")
    again = made(dataclasses.replace(SMALL, objective=Objective(p_x_weight=0.0)))
    packed_checkpoint.restore(again, tmp_path)
    for ours, theirs in zip(
        again.network.get_weights(), plain.network.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)
