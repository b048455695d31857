"""Averages of weights: what they are, and that training never notices them."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from jem_tf import optimizers
from jem_tf.jem import JEM
from jem_tf.optimizers import averaging
from tests import tiny_models
from tests.tiny_models import fitted, floats

DECAY = 0.7


def averaging_sgd(ema=DECAY, **kw):
    return optimizers.build(
        "sgd", learning_rate=0.1, steps=9, schedule="constant", ema=ema, **kw
    )


def by_hand(weights, decay=DECAY):
    """The average after each of the weights that steps t = 0, 1, ... lead to."""
    averages = [np.float64(weights[0])]
    for t, weight in enumerate(weights[1:], 1):
        m = min(decay, (1 + t) / (10 + t))
        averages.append(m * averages[-1] + (1 - m) * weight)
    return averages


@pytest.mark.parametrize("name", optimizers.OPTIMIZERS)
@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("scaled", [False, True])
def test_the_average_of_a_known_sequence_is_its_closed_form(name, jit, scaled):
    weight = keras.Variable([3.0, -1.0])
    optimizer = optimizers.build(name, learning_rate=0.1, steps=40, ema=DECAY)
    whole = keras.optimizers.LossScaleOptimizer(optimizer) if scaled else optimizer
    whole.build([weight])
    factor = whole.scale_loss(tf.constant(1.0))
    step = tf.function(lambda g: whole.apply([g * factor], [weight]), jit_compile=jit)
    weights, averages = [], []
    for t in range(40):  # with 24 steps the bound is DECAY's
        step(tf.constant([np.sin(t), 1.0], tf.float32))
        weights.append(weight.numpy())
        (average,) = averaging.averages(whole)
        averages.append(average.numpy())
    np.testing.assert_allclose(averages, by_hand(weights), rtol=2e-6)
    assert np.abs(averages[-1] - weights[-1]).max() > 1e-3


def test_the_share_of_the_old_average_grows_to_the_decay():
    shares = [float(averaging.momentum_at(t, 0.99)) for t in (0, 1, 8, 890, 10**6)]
    np.testing.assert_allclose(shares, [0, 2 / 11, 0.5, 0.99, 0.99], rtol=1e-6)


def test_a_step_that_a_loss_scale_leaves_out_does_not_count():
    weight = keras.Variable([1.0])
    optimizer = keras.optimizers.LossScaleOptimizer(averaging_sgd())
    optimizer.build([weight])
    (average,) = averaging.averages(optimizer)
    optimizer.apply([tf.constant([np.inf])], [weight])
    assert average.numpy() == weight.numpy() == 1
    for gradient in (1.0, np.inf, 2.0):
        optimizer.apply([tf.constant([gradient * 2.0**14])], [weight])
    plain, twin = keras.Variable([1.0]), averaging_sgd()
    twin.apply([tf.constant([1.0])], [plain])
    twin.apply([tf.constant([4.0])], [plain])  # the scale was halved
    np.testing.assert_array_equal(average, averaging.averages(twin)[0])


@pytest.mark.parametrize("name", optimizers.OPTIMIZERS)
def test_averages_change_no_weight(name):
    ends = []
    for ema in (0.0, DECAY):
        weight = keras.Variable([1.0, 2.0])
        kw = {"learning_rate": 0.1, "steps": 9, "weight_decay": 0.1, "ema": ema}
        optimizer = optimizers.build(name, **kw)
        for gradient in (1.0, -2.0, 0.5):
            optimizer.apply([tf.constant([gradient, 1.0])], [weight])
        ends.append(weight.numpy())
        assert len(averaging.averages(optimizer)) == (ema > 0)
    np.testing.assert_array_equal(*ends)


def stepped(ema=DECAY, strategy=None):
    """A tiny classifier after 3 steps."""
    with (strategy or tf.distribute.get_strategy()).scope():
        model = JEM(tiny_models.network(), p_x_weight=0.0)
        model.compile(averaging_sgd(ema))
    fitted(model, *floats(12))
    return model


class Fell(Exception):
    """Stands for anything that may happen while the weights are averages."""


@pytest.mark.parametrize("falls", [False, True])
def test_the_weights_come_back_from_their_averages_bit_for_bit(falls):
    weights = [keras.Variable(np.float32([1e-20, 3.0])), keras.Variable([1e20])]
    optimizer = averaging_sgd()
    for gradient in (1.0, 3.0):
        optimizer.apply([tf.fill([2], gradient), tf.fill([1], gradient)], weights)
    before = [weight.numpy() for weight in weights]
    averages = [average.numpy() for average in averaging.averages(optimizer)]
    try:
        with averaging.averaged(optimizer):
            inside = [weight.numpy() for weight in weights]
            if falls:
                raise Fell
    except Fell:
        pass
    for now, expected in zip(
        [*inside, *weights, *averaging.averages(optimizer)],
        [*averages, *before, *averages],
        strict=True,
    ):
        np.testing.assert_array_equal(now, expected)
    assert not np.array_equal(inside[0], before[0])
    averaging.adopt(optimizer)
    np.testing.assert_array_equal(weights[0], averages[0])


@pytest.mark.parametrize("ema", [0.0, None])
def test_without_averages_nothing_is_exchanged(ema):
    plain = keras.optimizers.SGD(0.1) if ema is None else averaging_sgd(0.0)
    weight = keras.Variable([1.0])
    for optimizer in (plain, keras.optimizers.LossScaleOptimizer(plain)):
        optimizer.apply([tf.constant([1.0])], [weight])
        before = weight.numpy()
        with averaging.averaged(optimizer):
            np.testing.assert_array_equal(weight, before)
        averaging.adopt(optimizer)
        np.testing.assert_array_equal(weight, before)


@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    [keras.optimizers.Adam, keras.optimizers.SGD, optimizers.Adam, optimizers.SGD],
)
def test_fit_ends_with_the_averages_as_keras_has_it(make):
    """`use_ema` in `fit`: training goes on with the weights, and ends with averages."""
    optimizer = make(0.1, use_ema=True, ema_momentum=DECAY)
    model = tiny_models.compiled(optimizer=optimizer)
    weights, shares = [], []
    keep = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda *_, **__: weights.append(tiny_models.weights(model))
    )
    fitted(model, *floats(16), callbacks=[keep])
    assert len(weights) == 4
    average, ours = weights[0], isinstance(optimizer, averaging.WarmedUpAverage)
    for t, weight in enumerate(weights[1:], 1):
        shares.append(min(DECAY, (1 + t) / (10 + t)) if ours else DECAY)
        average = shares[-1] * average + (1 - shares[-1]) * weight
    np.testing.assert_allclose(tiny_models.weights(model), average, rtol=2e-5)


def test_a_saved_model_has_its_averages(tmp_path):
    model = stepped()
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert type(again.optimizer) is optimizers.SGD
    for one, other in zip(
        averaging.averages(model.optimizer),
        averaging.averages(again.optimizer),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_keras_callback_that_swaps_the_averages_in_works(tmp_path):
    model = tiny_models.compiled(optimizer=averaging_sgd())
    swap = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
    logs = fitted(model, epochs=2, callbacks=[swap], validation_data=floats(6))
    assert np.isfinite(logs["val_loss"])


@pytest.mark.slow
def test_two_replicas_have_the_averages_of_one(two_replicas):
    one, two = stepped(), stepped(strategy=two_replicas)
    pairs = zip(
        averaging.averages(one.optimizer),
        averaging.averages(two.optimizer),
        strict=True,
    )
    for single, mirrored in pairs:
        first, second = (copy.numpy() for copy in mirrored.value.values)
        np.testing.assert_array_equal(first, second)
        np.testing.assert_allclose(single, first, atol=1e-6)
    weights = functools.partial(tiny_models.weights, two)
    averages = weights()  # as `fit` leaves them
    for weight in two.trainable_weights:
        weight.assign(tf.zeros(weight.shape))
    with averaging.averaged(two.optimizer):
        np.testing.assert_array_equal(weights(), averages)
    assert not weights().any()
