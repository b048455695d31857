"""The published recipes in `flags/`: their numbers, and steps as the authors take them.

The twin here is written after the authors' training loops (train_wrn_ebm.py,
train_jempp.py, train_maebm.py, train_sadajem.py), with what each flagfile says is other
here. tests/test_presets.py compares the numbers of JEM.
"""

import functools
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from jem_tf import datasets, optimizers, samplers
from jem_tf.options import flatten, replace
from jem_tf.runs import build, flagfiles

FLAGS = pathlib.Path(__file__).resolve().parent.parent / "flags"
OF_ALL = {
    "dataset": "cifar10", "network": "wrn-28-10", "norm": "batch", "init": "",
    "optimizer": "momentum", "learning_rate": 0.1, "warmup_steps": 1000,
    "schedule": "steps", "decay_factor": 0.2, "weight_decay": 0.0, "ema": 0.0,
    "sampler": "sgld", "step_size": 1.0, "score_clamp": 1.0, "range_clamp": 1.0,
    "start": "gaussian", "buffer_size": 10_000, "reinit_prob": 0.05,
    "p_x_weight": 1.0, "p_y_given_x_weight": 1.0, "p_x_y_weight": 0.0,
    "objective": "difference", "conditional": False, "augment": True,
    "gradient_clip": 0.0, "label_smoothing": 0.0, "sam_terms": "all",
}  # fmt: skip
# SADA-JEM and M-JEM read their data alike; JEM++ as JEM.
TWO_LOADERS = {
    "batch_size": 128, "p_x_batch_size": 64, "p_x_images": "plain", "input_noise": 0.0,
    "epochs": 200, "kernel_l2": 5e-4, "sampler_steps": 5,
}  # fmt: skip
RECIPES = {
    "cifar10_jempp": OF_ALL
    | {
        "batch_size": 64, "p_x_batch_size": 0, "p_x_images": "augmented",
        "input_noise": 0.03, "epochs": 150, "kernel_l2": 4e-4, "sampler_steps": 10,
        "step_noise": 0.0, "energy_l2": 0.0, "sam_rho": 0.0,
    },
    "cifar10_mjem": OF_ALL
    | TWO_LOADERS
    | {"step_noise": 0.001, "energy_l2": 0.5, "sam_rho": 0.0},
    "cifar10_sadajem": OF_ALL
    | TWO_LOADERS
    | {"step_noise": 0.0, "energy_l2": 0.0, "sam_rho": 2.0},
}  # fmt: skip
DECAYS = {  # epochs
    "cifar10": (160, 180),
    "cifar10_jempp": (50, 100, 125),
    "cifar10_mjem": (60, 120, 180),
    "cifar10_sadajem": (60, 120, 180),
}
# What makes a step cheap, and the chain and the images known.
TINY = {
    "dataset": "digits", "network": "convnet-8", "batch_size": 8, "buffer_size": 20,
    "warmup_steps": 1, "precision": "float32", "input_noise": 0.0, "step_noise": 0.0,
    "sampler_steps": 3,
}  # fmt: skip
STEPS = 2
every_recipe = pytest.mark.parametrize("name", RECIPES)


@functools.cache
def recipe(name):
    return flagfiles.from_flagfile(FLAGS / f"{name}.flags")


@every_recipe
def test_its_numbers_are_the_authors(name):
    options = flatten(recipe(name))
    assert {key: options[key] for key in RECIPES[name]} == RECIPES[name]


@every_recipe
def test_the_rate_falls_at_the_authors_epochs(name):
    training = recipe(name).training
    of_epoch = 45_000 // training.batch_size
    model = optimizers.build(
        training.optimizer,
        learning_rate=training.learning_rate,
        steps=training.epochs * of_epoch,
        warmup_steps=training.warmup_steps,
        decay_at=training.decay_at,
        decay_factor=training.decay_factor,
    )
    for i, epoch in enumerate(DECAYS[name]):
        for step, passed in ((epoch * of_epoch - 1, i), (epoch * of_epoch, i + 1)):
            model.iterations.assign(step)
            rate = float(model.learning_rate)
            assert rate == pytest.approx(0.1 * 0.2**passed, rel=1e-5)


def walk(energy, x, *, clamped):
    """The loop of their sample_q."""
    bound = 1.0 if clamped else np.inf
    for _ in range(TINY["sampler_steps"]):
        with tf.GradientTape() as tape:
            tape.watch(x)
            f = -tf.reduce_sum(energy(x))
        eta = tf.clip_by_value(tape.gradient(f, x), -bound, bound)
        x = tf.clip_by_value(x + eta, -bound, bound)
    return x


def loss(network, labelled, labels, real, drawn, *, l2):
    """Their l_p_x and ce_loss, of one pass through the network."""
    images = tf.concat([labelled, real, drawn], axis=0)
    sizes = [len(labelled), len(real), len(drawn)]
    logits, *others = tf.split(network(images, training=True), sizes)
    fp, fq = (tf.reduce_logsumexp(other, axis=1) for other in others)
    of_labels = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    squares = tf.reduce_mean(fp**2) + tf.reduce_mean(fq**2)
    p_x = tf.reduce_mean(fq) - tf.reduce_mean(fp) + l2 * squares
    return p_x + tf.reduce_mean(of_labels)


def gradients(network, batch, options):
    """Of their loss; with rho, where first_step of their sam.py climbs to."""
    weights = [weight.value for weight in network.trainable_weights]
    l2, rho = options.objective.energy_l2, options.objective.sam_rho

    def at_present():
        with tf.GradientTape() as tape:
            value = loss(network, *batch, l2=l2)
        return tape.gradient(value, weights)

    found = at_present()
    if rho:
        before = [tf.identity(weight) for weight in weights]
        moving = [tf.identity(x.value) for x in network.non_trainable_weights]
        norm = tf.linalg.global_norm(
            [tf.abs(w) * g for w, g in zip(before, found, strict=True)]
        )
        for weight, g in zip(weights, found, strict=True):
            weight.assign_add(weight**2 * g * rho / norm)
        found = at_present()
        for weight, old in zip(weights, before, strict=True):
            weight.assign(old)
        for x, old in zip(network.non_trainable_weights, moving, strict=True):
            x.assign(old)  # disable_running_stats
    return found


def descend(network, velocities, found, rate, decay):
    """A step of SGD with momentum and coupled weight decay."""
    for weight, velocity, g in zip(
        network.trainable_weights, velocities, found, strict=True
    ):
        g += decay * weight.value * weight.name.endswith("kernel")
        velocity.assign(0.9 * velocity - rate * g)
        weight.assign_add(velocity)


@pytest.mark.parametrize("name", DECAYS)
def test_its_steps_are_the_authors(name):
    smaller = min(4, recipe(name).objective.p_x_batch_size)
    options = replace(recipe(name), TINY | {"p_x_batch_size": smaller})
    data = datasets.load("digits")
    shape, start = (8, 8, 1), build.make_start(options, data)
    buffer = build.make_buffer(options, shape, 10, start=start)
    model = build.make_model(options, shape, 10, buffer)
    build.compile_model(model, options.training, STEPS)
    twin = build.make_network(options, shape, 10)
    velocities = [tf.Variable(tf.zeros_like(w.value)) for w in twin.trainable_weights]
    adam = keras.optimizers.Adam(epsilon=1e-8)
    walked, sampler = [], model.sampler

    def recorded(energy, x, **arguments):
        ends, info = sampler(energy, x, **arguments)
        walked.append((x, ends, walk(energy, x, clamped=name != "cifar10")))
        return ends, info

    model.sampler = recorded
    for step, (x, y) in enumerate(build.make_batches(options, data, STEPS)):
        readings = model.learn(x, y)
        begun, ends, own = walked[-1]
        np.testing.assert_allclose(ends, own, atol=1e-5)
        assert np.abs(ends - begun).max() > 1e-4
        batch = (x["labelled"], y, x["real"], ends)
        epoch = step * options.training.epochs / STEPS
        passed = sum(decay <= epoch for decay in DECAYS[name])
        training, found = options.training, gradients(twin, batch, options)
        rate = training.learning_rate * training.decay_factor**passed
        if name == "cifar10":
            adam.learning_rate = rate
            adam.apply(found, twin.trainable_weights)
        else:
            descend(twin, velocities, found, rate, training.kernel_l2)
        assert np.isfinite(readings["loss"])
        for ours, theirs in zip(model.network.weights, twin.weights, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=2e-5)
    assert len(walked) == STEPS


def test_steps_of_pyld_are_clamped_steps_of_their_sum():
    """M passes of N steps of size b through a first linear layer: M steps of N b."""
    rng = np.random.default_rng(0)
    kernel, hidden, last = (
        tf.constant(0.3 * rng.normal(size=size), tf.float32)
        for size in ((3, 3, 2, 5), (5, 7), (7, 4))
    )
    layer_one = functools.partial(
        tf.nn.conv2d, filters=kernel, strides=1, padding="SAME"
    )

    def energy_after(out):
        return -tf.reduce_logsumexp(tf.tanh(out @ hidden) @ last, axis=[1, 2, 3])

    x = begun = tf.constant(rng.uniform(-1, 1, [4, 6, 6, 2]), tf.float32)
    for _ in range(10):
        with tf.GradientTape() as tape:
            out = layer_one(x)
            tape.watch(out)
            f = -tf.reduce_sum(energy_after(out))
        p = tape.gradient(f, out)
        for _ in range(5):
            with tf.GradientTape() as tape:
                tape.watch(x)
                hamiltonian = tf.reduce_sum(layer_one(x) * p)
            eta = tf.clip_by_value(tape.gradient(hamiltonian, x), -1.0, 1.0)
            x = tf.clip_by_value(x + 0.2 * eta, -1.0, 1.0)
    sampling = recipe("cifar10_jempp").sampling
    assert samplers.SAMPLERS[sampling.sampler] is samplers.sgld
    ours, _ = build.make_sampler(sampling)(
        lambda x: energy_after(layer_one(x)), begun, seed=[0, 0]
    )
    np.testing.assert_allclose(ours, x, atol=1e-4)
    assert np.mean(np.abs(ours) < 1) > 0.01  # not all at the bounds
