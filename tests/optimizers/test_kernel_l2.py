"""Coupled weight decay: of kernels alone, once a step, by any optimiser."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from jem_tf import optimizers


@pytest.mark.parametrize("name", optimizers.OPTIMIZERS)
def test_l2_of_kernels_is_a_gradient_of_kernels_alone(name):
    options = {"learning_rate": 0.1, "steps": 9, "schedule": "constant"}
    names = ("kernel", "depthwise_kernel", "bias", "gamma", "beta")
    decayed, twin = (
        [keras.Variable([2.0, -3.0], name=name) for name in names] for _ in range(2)
    )
    ours = optimizers.build(name, kernel_l2=0.5, **options)
    plain = optimizers.build(name, **options)
    for gradient in ([1.0, 0.0], [-2.0, 0.3]):
        ours.apply([tf.constant(gradient)] * len(names), decayed)
        by_hand = [
            tf.constant(gradient) + 0.5 * x.value * x.name.endswith("kernel")
            for x in twin
        ]
        plain.apply(by_hand, twin)
    for x, y in zip(decayed, twin, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-6, err_msg=x.name)


def test_l2_of_kernels_is_counted_once_over_replicas(two_replicas):
    def decayed(strategy):
        with strategy.scope():
            kernel = keras.Variable([2.0], name="kernel")
            sgd = optimizers.build("sgd", learning_rate=0.1, steps=9, kernel_l2=0.5)
            sgd.build([kernel])
        step = tf.function(lambda: sgd.apply([tf.constant([0.0])], [kernel]))
        strategy.run(step)
        return float(kernel.numpy()[0])

    one = decayed(tf.distribute.get_strategy())
    assert one == pytest.approx(2.0 - 0.1 * 1.9 * 0.5 * 2.0)
    assert decayed(two_replicas) == pytest.approx(one)


@pytest.mark.parametrize("name", optimizers.OPTIMIZERS)
def test_an_optimiser_with_l2_of_kernels_is_the_same_after_a_file(name):
    made = optimizers.build(
        name, learning_rate=0.1, steps=9, kernel_l2=0.5, schedule="one_cycle"
    )
    again = keras.optimizers.deserialize(keras.optimizers.serialize(made))
    assert type(again) is type(made)
    assert again.get_config() == made.get_config()
    for optimizer in (made, again):
        optimizer.build([keras.Variable(1.0, name="kernel")])
        optimizer.iterations.assign(4)
    assert float(again.learning_rate) == float(made.learning_rate) > 0
