"""Sharpness-aware minimisation: its closed forms, and its two passes over one batch."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from jem_tf import replay, samplers
from jem_tf.errors import InputError
from jem_tf.jem import JEM
from jem_tf.optimizers import sharpness
from tests import tiny_models
from tests.tiny_models import SHAPE, fitted, floats

A = np.array([[2.0, 0.5, 0.0], [0.5, 1.0, -0.3], [0.0, -0.3, 4.0]], "float32")
THETA = np.array([1.0, -2.0, 0.5], "float32")


def eps_of(theta, gradient, rho):
    return rho * theta**2 * gradient / np.linalg.norm(np.abs(theta) * gradient)


def quadratic(theta, slope=0.0):
    """.5 theta' A theta, which is of p(x), and a line, which is of p(y|x)."""
    x = tf.convert_to_tensor(theta)[:, None]
    square = 0.5 * tf.reduce_sum(x * tf.linalg.matmul(A, x))
    return {"p_y_given_x": slope * tf.reduce_sum(x), "p_x": square}, "others"


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("terms", sharpness.TERMS)
@pytest.mark.parametrize("rho", [0.0, 0.05, 2.0])
def test_the_gradient_of_a_quadratic_is_its_closed_form(rho, terms, jit):
    theta = keras.Variable(THETA)

    @tf.function(jit_compile=jit)
    def step():
        (gradient,), others = sharpness.gradients(
            lambda: quadratic(theta, slope=3.0), [theta], [], rho=rho, terms=terms
        )
        assert others == "others"
        return gradient

    climbed = A @ THETA + (3.0 if terms == "all" else 0.0)
    expected = A @ (THETA + eps_of(THETA, climbed, rho)) + 3.0
    np.testing.assert_allclose(step(), expected, rtol=1e-5)
    np.testing.assert_array_equal(theta, THETA)


def test_the_norm_is_over_all_weights_and_no_unit_of_a_weight_matters():
    """ASAM's point: rescaled weights of the same function have the same eps."""
    weights = [tf.constant([1.0, -2.0]), tf.constant([[0.5]])]
    gradients = [tf.constant([3.0, 1.0]), tf.constant([[-4.0]])]
    eps = sharpness.perturbation(weights, gradients, 0.1)
    length = np.sqrt(3.0**2 + 2.0**2 + 2.0**2)
    np.testing.assert_allclose(eps[0], 0.1 * np.array([3.0, 4.0]) / length, rtol=1e-6)
    np.testing.assert_allclose(eps[1], [[0.1 * -1.0 / length]], rtol=1e-6)
    scaled = sharpness.perturbation(
        [10 * w for w in weights], [g / 10 for g in gradients], 0.1
    )
    for one, other in zip(eps, scaled, strict=True):
        np.testing.assert_allclose(other, 10 * one, rtol=1e-6)


@pytest.mark.parametrize("factor", [1.0, 2.0**15, 1e-3])
def test_a_scaled_loss_has_the_gradient_times_its_scale(factor):
    theta, scale_loss = keras.Variable(THETA), lambda loss: loss * factor
    (plain,), _ = sharpness.gradients(lambda: quadratic(theta), [theta], [], rho=0.3)
    (scaled,), _ = sharpness.gradients(
        lambda: quadratic(theta), [theta], [], rho=0.3, scale_loss=scale_loss
    )
    np.testing.assert_allclose(scaled / factor, plain, rtol=1e-5)


def test_weights_without_any_gradient_are_not_moved():
    eps = sharpness.perturbation([tf.constant(THETA)], [tf.zeros([3])], 2.0)
    np.testing.assert_array_equal(eps, np.zeros([1, 3]))
    theta, idle = keras.Variable(THETA), keras.Variable([1.0])
    (gradient, none), _ = sharpness.gradients(
        lambda: quadratic(theta), [theta, idle], [], rho=0.3
    )
    assert none is None
    expected = A @ (THETA + eps_of(THETA, A @ THETA, 0.3))
    np.testing.assert_allclose(gradient, expected, rtol=1e-5)


def whole(seed=0):
    """A network with all that a pass may change or add to the loss."""
    keras.utils.set_random_seed(seed)
    x = image = keras.Input(SHAPE)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(8, kernel_regularizer=keras.regularizers.L2(0.1))(x)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Activation("tanh", activity_regularizer="l2")(x)
    x = keras.layers.Dropout(0.5, seed=3)(x)
    return keras.Model(image, keras.layers.Dense(tiny_models.CLASSES)(x))


def learner(net, optimizer=None, **kw):
    model = tiny_models.jem(net, input_noise=0.1, energy_l2=0.1, **kw)
    model.compile(optimizer or keras.optimizers.SGD(0.1))
    return model


def readings_at(model, images, y, weights=None):
    """Terms, gradients and readings of a step at some weights, from a fresh state."""
    state = [variable.numpy() for variable in model.network.non_trainable_variables]
    before = model.network.get_weights()
    for variable, value in zip(model.trainable_weights, weights or [], strict=False):
        variable.assign(value)
    with tf.GradientTape(persistent=True) as tape:
        terms, (readings, _) = model._evaluate(images, y, None)
        both = terms["p_x"] + terms["p_y_given_x"]
    slopes = {
        name: tape.gradient(loss, model.trainable_weights, unconnected_gradients="zero")
        for name, loss in (terms | {"all": both}).items()
    }
    after = [variable.numpy() for variable in model.network.non_trainable_variables]
    model.network.set_weights(before)
    for variable, value in zip(
        model.network.non_trainable_variables, state, strict=True
    ):
        variable.assign(value)
    return slopes, readings, after


@pytest.mark.parametrize("terms", sharpness.TERMS)
def test_both_passes_see_one_batch_one_state_and_one_noise(terms):
    """The slow twin: weights that are put at theta + eps and back, by hand."""
    images, labels = floats(6)
    ours, twin = (learner(whole(), sam_rho=0.5, sam_terms=terms) for _ in range(2))
    readings = ours.learn(images, labels)

    noise_seed, chain_seed = twin._step_seeds()
    batch = twin._noisy({"labelled": tf.constant(images)}, noise_seed)
    batch |= twin._negatives(batch, labels, chain_seed)[0]
    here, expected, state = readings_at(twin, batch, labels)
    theta = [weight.numpy() for weight in twin.trainable_weights]
    climb = here[terms]
    length = np.sqrt(
        sum(np.sum((w * g.numpy()) ** 2) for w, g in zip(theta, climb, strict=True))
    )
    worst = [w + 0.5 * w**2 * g / length for w, g in zip(theta, climb, strict=True)]
    there, _, _ = readings_at(twin, batch, labels, worst)
    slopes = there[terms]
    if terms == "p_x":
        pairs = zip(here["p_y_given_x"], there["p_x"], strict=True)
        slopes = [one + other for one, other in pairs]
    for weight, before, slope in zip(
        ours.trainable_weights, theta, slopes, strict=True
    ):
        np.testing.assert_allclose(weight, before - 0.1 * slope, atol=2e-6)
    plain = [one - other for one, other in zip(here["all"], slopes, strict=True)]
    assert max(np.abs(x).max() for x in plain) > 1e-3  # it is another gradient
    for name in expected:
        np.testing.assert_allclose(readings[name], expected[name], rtol=1e-5)
    own = ours.network.non_trainable_variables  # statistics and seeds, updated once
    for variable, value in zip(own, state, strict=True):
        np.testing.assert_allclose(variable, value, rtol=1e-5)
    np.testing.assert_array_equal(ours.buffer.shard, twin.buffer.shard)
    np.testing.assert_array_equal(ours.buffer.ages, twin.buffer.ages)


def test_labelled_images_that_pass_apart_take_the_same_step(monkeypatch):
    ends = []
    for apart in (True, False):
        with monkeypatch.context() as patch:
            if not apart:
                patch.setattr(JEM, "in_two_passes", False)
            model = learner(
                tiny_models.network(), sam_rho=0.5, sam_terms="p_x", altered_weight=0.5
            )
            assert model.in_two_passes == apart
            images, labels = floats(6)
            log = model.learn({"labelled": images, "real": images[::-1]}, labels)
            ends.append((tiny_models.weights(model), log))
    (one, log), (other, other_log) = ends
    np.testing.assert_allclose(one, other, atol=1e-6)
    for name in log:
        np.testing.assert_allclose(log[name], other_log[name], rtol=1e-5, err_msg=name)


def test_images_that_may_depend_on_each_other_pass_together():
    kw = {"sam_rho": 0.5, "sam_terms": "p_x"}
    assert not learner(whole(), **kw).in_two_passes
    assert not learner(tiny_models.network(), sam_rho=0.5).in_two_passes
    assert not learner(tiny_models.network(), sam_terms="p_x").in_two_passes


def still(strategy=None, *, jit=False):
    """A tiny JEM without anything random: its chains begin and end alike."""
    strategy = strategy or tf.distribute.get_strategy()
    several = strategy.num_replicas_in_sync > 1
    buffer = replay.ReplayBuffer(
        12,
        lambda n, seed, labels=None: tf.fill([n, *SHAPE], 0.1),
        devices=strategy.extended.worker_devices if several else None,
        reinit_prob=1.0,
    )
    sampler = functools.partial(samplers.sgld, steps=1, step_size=1.0, noise=0.0)
    kw = {"sam_rho": 0.5, "sam_terms": "p_x", "gradient_clip": 0.5}
    with strategy.scope():
        model = JEM(tiny_models.network(), buffer=buffer, sampler=sampler, **kw)
        model.compile(keras.optimizers.SGD(0.1), jit_compile=jit)
    return model


@pytest.mark.slow
def test_xla_and_two_replicas_take_the_same_step(two_replicas):
    ends, before = [], tiny_models.weights(still())
    for model in (still(), still(jit=True), still(two_replicas)):
        log = fitted(model, tf.data.Dataset.from_tensors(floats()), shuffle=False)
        ends.append((tiny_models.weights(model), log))
    (one, log), *others = ends
    assert np.abs(one - before).max() > 1e-2
    for other, other_log in others:
        np.testing.assert_allclose(other, one, atol=1e-6)
        assert other_log == pytest.approx(log, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("terms", sharpness.TERMS)
def test_the_passes_of_a_step_are_counted(terms):
    calls = []
    net = tiny_models.network()
    for rho in (0.0, 0.5):
        model = tiny_models.jem(net, sam_rho=rho, sam_terms=terms)
        model.compile(keras.optimizers.SGD(0.1))
        once = model._forward
        model._forward = lambda images, once=once: calls.append(1) or once(images)
        model.learn(*floats())
        assert len(calls) == sharpness.count_passes(rho, terms)["forward"]
        calls.clear()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"sam_rho": -0.1}, "sam_rho=-0.1 is not a number at least 0"),
        ({"sam_rho": np.nan}, "sam_rho=nan is not a number at least 0"),
        ({"sam_rho": 1.0, "sam_terms": "p_y"}, "sam_terms=p_y is not known; choose"),
        (
            {"sam_rho": 1.0, "sam_terms": "p_x", "p_x_weight": 0.0},
            "sam_terms=p_x needs log p",
        ),
    ],
)
def test_what_cannot_be_is_refused(given, says):
    with pytest.raises(InputError, match=says):
        tiny_models.jem(**given)
