import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from jem_tf import energies, networks, samplers
from jem_tf.energy_model import EnergyModel
from jem_tf.evaluation import refinement
from jem_tf.networks import layers

SHAPE = (8, 8, 1)
SEED = tf.constant([3, 4])
SAMPLERS = {
    "plain": {"noise": 0.0},
    "noisy": {"noise": 0.05},
    "clamped": {"noise": 0.01, "score_clamp": 0.004, "range_clamp": 1.0},
}


def model(activation="swish"):
    network = networks.build("convnet-8", SHAPE, 3, activation=activation, seed=1)
    # Logits of some nats, so that a refinement moves an image.
    network.set_weights([1.5 * weight for weight in network.get_weights()])
    return EnergyModel(network)


def images(n=4):
    return tf.random.stateless_uniform([n, *SHAPE], [0, 1], -0.9, 0.9)


def sampler(steps=3, **changes):
    style = {"step_size": 2.0, "noise": 0.0} | changes
    return functools.partial(samplers.sgld, steps=steps, **style)


def gradient(classify, x):
    @tf.function
    def gradient_at(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = tf.reduce_sum(classify(x, SEED)[:, 0])
        return tape.gradient(total, x)

    return gradient_at(x).numpy()


def test_without_a_sampler_it_is_the_network():
    net = model()
    x = images()
    np.testing.assert_array_equal(
        refinement.make_classifier(net)(x, SEED), net.network(x, training=False)
    )
    assert len(refinement.gradient_kinds(None)) == 1


@pytest.mark.parametrize("kind", refinement.KINDS)
def test_it_classifies_where_the_chain_ends(kind):
    net, x = model(), images()
    logits = refinement.make_classifier(net, sampler(noise=0.1), kind=kind)(x, SEED)
    end, _ = sampler(noise=0.1)(net.energy(), x, seed=SEED)
    assert np.abs(end - x).max() > 0.05
    np.testing.assert_allclose(
        logits, net.network(end, training=False), rtol=1e-4, atol=1e-5
    )


def test_straight_through_is_the_networks_gradient_at_the_end():
    net, x = model(), images()
    end, _ = sampler()(net.energy(), x, seed=SEED)
    straight = gradient(refinement.make_classifier(net, sampler()), x)
    plain = gradient(refinement.make_classifier(net), end)
    np.testing.assert_allclose(straight, plain, rtol=1e-3, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("activation", ["swish", "leaky_relu"])
@pytest.mark.parametrize("style", SAMPLERS)
def test_the_full_gradient_is_the_finite_difference(style, activation):
    net, x = model(activation), images(2)
    bound = sampler(**SAMPLERS[style])
    through = refinement.make_classifier(net, bound, kind="full")
    slope = gradient(through, x)
    # In float64 the chain is written out: the difference of float32's is but noise.
    exact = keras.models.clone_model(
        net.network,
        input_tensors=keras.Input(SHAPE, dtype="float64"),
        clone_function=_float64,
    )
    exact.set_weights(net.network.get_weights())
    direction = tf.random.stateless_normal(x.shape, [5, 6], dtype=tf.float64)
    direction /= tf.norm(direction)
    ends = [
        _written_out(exact, tf.cast(x, tf.float64) + h * direction, bound.keywords)
        for h in (1e-5, -1e-5)
    ]
    measured = (ends[0] - ends[1]) / 2e-5
    assert np.sum(slope * direction) == pytest.approx(float(measured), rel=2e-3)
    straight = gradient(refinement.make_classifier(net, bound), x)
    assert np.abs(straight - slope).max() > 1e-3 * np.abs(slope).max()


def _float64(layer):
    if isinstance(layer, layers.Activation):
        slow = {"swish": "silu", "leaky_relu": lambda x: tf.nn.leaky_relu(x, 0.2)}
        return keras.layers.Activation(slow[layer.activation], dtype="float64")
    return type(layer).from_config(layer.get_config() | {"dtype": "float64"})


def _written_out(network, x, style):
    fold_in = tf.random.experimental.stateless_fold_in
    for k in range(style["steps"]):
        score = energies.score(lambda x: energies.marginal_energy(network(x)), x)
        if bound := style.get("score_clamp"):
            score = tf.clip_by_value(score, -bound, bound)
        noise = tf.random.stateless_normal(x.shape, fold_in(SEED, k))
        x = x + style["step_size"] * score + style["noise"] * tf.cast(noise, x.dtype)
        if bound := style.get("range_clamp"):
            x = tf.clip_by_value(x, -bound, bound)
    return tf.reduce_sum(network(x)[:, 0])
