import re

import numpy as np
import pytest
import tensorflow as tf

from jem_tf.lowering import program
from tests import tiny_models


def batch(images, labels, step):
    places = (tf.range(4, dtype=tf.int64) + step) % labels.shape[0]
    x = tf.cast(tf.gather(images, places), tf.float32) / 127.5 - 1
    return x, tf.gather(labels, places)


@pytest.fixture(scope="module")
def lowered():
    """(model, program) of the tiny model, whose hidden bias is frozen."""
    network = tiny_models.network()
    network.layers[2].trainable = False
    model = tiny_models.compiled(network)
    model.optimizer.build(model.trainable_weights)
    images, labels = map(tf.constant, tiny_models.data())
    labels = tf.cast(labels, tf.int32)
    return model, program.lower(
        model, batch, images, labels, step=3, steps_per_execution=2
    )


def test_every_platform_can_run_it(lowered):
    _, result = lowered
    assert "custom_call" not in result.text
    assert "loc(" not in result.text
    assert result.text.count("func.func @main") == 1


def test_each_argument_is_named_with_its_value_and_its_shape(lowered):
    model, result = lowered
    names = [each.name for each in result.arguments]
    assert names[:3] == ["images", "labels", "count"]
    assert len(set(names)) == len(names)
    assert set(names[3:]) == set(result.values)
    for each in result.arguments[3:]:
        value = result.values[each.name]
        assert (value.shape, value.dtype.name) == (each.shape, each.dtype)
    assert result.values["step"] == 3
    own = program.variables_of(model)
    np.testing.assert_array_equal(result.values["network/002"], own["network/002"])


def test_frozen_weights_have_no_result_and_each_other_variable_has_one(lowered):
    _, result = lowered
    changed = [each for each in result.arguments if each.result is not None]
    assert sorted(each.result for each in changed) == list(range(1, len(changed) + 1))
    frozen = {"network/000", "network/001", "optimizer/001"}  # the learning rate
    assert {each.name for each in result.arguments[3:]} - frozen == {
        each.name for each in changed
    }
    aliases = re.findall(r"tf.aliasing_output = (\d+)", result.text)
    assert list(map(int, aliases)) == [each.result for each in changed]


def test_readings_are_those_of_the_model_in_its_order(lowered):
    model, result = lowered
    images, labels = tiny_models.floats(4)
    assert result.readings == list(model.learn(tf.constant(images), labels))
