"""Tiny JEMs and data for tests of what Keras users do: a step takes milliseconds."""

import functools

import keras
import numpy as np

from jem_tf import replay, samplers, starts
from jem_tf.jem import JEM

SHAPE, CLASSES = (4, 4, 1), 3


def network():
    """Functional, with a hidden layer: 4x4 images to 3 logits."""
    keras.utils.set_random_seed(0)
    image = keras.Input(SHAPE)
    hidden = keras.layers.Dense(8, "tanh")(keras.layers.Flatten()(image))
    return keras.Model(image, keras.layers.Dense(CLASSES)(hidden))


def jem(net=None, *, size=12, start=None, shape=SHAPE, num_classes=None, **kw):
    buffer = replay.ReplayBuffer(
        size, start or starts.uniform(shape), num_classes=num_classes, seed=(0, 7)
    )
    sampler = functools.partial(samplers.sgld, steps=1, step_size=0.1, noise=0.01)
    return JEM(net or network(), buffer=buffer, sampler=sampler, **kw)


def compiled(*args, optimizer="adam", compiling=None, **kw):
    model = jem(*args, **kw)
    model.compile(optimizer, **(compiling or {}))
    return model


def data(n=8, shape=SHAPE, seed=0):
    """uint8 images and int labels in which each class occurs."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, [n, *shape], "uint8"), np.arange(n) % CLASSES


def floats(n=8, **kw):
    images, labels = data(n, **kw)
    return (images / 127.5 - 1).astype("float32"), labels


def fitted(model, x=None, y=None, **kw):
    """The logs of an epoch of `fit`, in batches of 4."""
    if x is None:
        x, y = floats()
    if isinstance(x, np.ndarray):
        kw = {"batch_size": 4, "shuffle": False} | kw
    return {k: v[-1] for k, v in model.fit(x, y, verbose=0, **kw).history.items()}


def weights(model):
    return np.concatenate([np.ravel(w) for w in model.network.get_weights()])


def assert_same(first, second):
    """That two models have the same weights and chains, bit for bit."""
    np.testing.assert_array_equal(weights(first), weights(second))
    np.testing.assert_array_equal(first.buffer.all_images(), second.buffer.all_images())
    for i in first.buffer.own:
        kept, other = (model.buffer.state_of(i) for model in (first, second))
        for name, values in kept.items():
            np.testing.assert_array_equal(values, other[name], err_msg=name)
