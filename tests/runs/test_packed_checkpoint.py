"""A checkpoint in one file: which chains it keeps, and what it refuses."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from jem_tf.errors import InputError
from jem_tf.options import Objective
from jem_tf.runs import packed_checkpoint
from tests.runs.test_run_folder import SMALL, kept, made


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


def test_a_network_of_other_weights_is_refused(tmp_path):
    model = made(SMALL)
    packed_checkpoint.write(tmp_path, model, np.arange(20), "float32")
    network = dataclasses.replace(SMALL.network, network="convnet-16")
    with pytest.raises(ValueError, match="shape"):
        packed_checkpoint.restore(
            made(dataclasses.replace(SMALL, network=network)), tmp_path
        )


def test_a_plain_classifier_has_no_chains(tmp_path):
    plain = made(dataclasses.replace(SMALL, objective=Objective(p_x_weight=0.0)))
    packed_checkpoint.write(tmp_path, plain, np.arange(0), "float32")
    again = made(dataclasses.replace(SMALL, objective=Objective(p_x_weight=0.0)))
    packed_checkpoint.restore(again, tmp_path)
    for ours, theirs in zip(
        again.network.get_weights(), plain.network.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)
