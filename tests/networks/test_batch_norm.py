"""Quick batch normalisation against Keras's own, and frozen one against both."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from jem_tf import networks
from jem_tf.networks.batch_norm import BatchNormalization

SHAPE = (6, 4, 8)


def images(n=16, shape=SHAPE, seed=0):
    return 3 * tf.random.stateless_normal([n, *shape], [seed, 0]) + 1


def learnt(layer, x):
    """Output, gradients of a sum of it, and statistics after two steps of training."""
    layer(images(shape=x.shape[1:], seed=1), training=True)
    mix = tf.random.stateless_normal(x.shape, [2, 0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=True)
        loss = tf.reduce_sum(tf.cast(y, tf.float32) * mix)
    weights = [x.value for x in layer.trainable_weights]
    gradients = tape.gradient(loss, [x, *weights])
    return [y, *gradients, *(x.numpy() for x in layer.non_trainable_weights)]


@pytest.mark.parametrize(
    ("dtype", "near"), [("float32", 1e-4), ("mixed_bfloat16", 0.03)]
)
@pytest.mark.parametrize(
    ("shape", "style"),
    [(SHAPE, {}), (SHAPE, {"axis": 1}), ((8,), {}), (SHAPE, {"center": False})],
    ids=["fused", "rows", "vectors", "no offset"],
)
def test_training_is_that_of_keras(shape, style, dtype, near):
    scales = keras.initializers.RandomUniform(0.5, 1.5, seed=0)
    style = {"momentum": 0.7, "epsilon": 0.01, "dtype": dtype} | style
    ours, theirs = (
        learnt(kind(gamma_initializer=scales, **style), images(shape=shape))
        for kind in (BatchNormalization, keras.layers.BatchNormalization)
    )
    for a, b in zip(ours, theirs, strict=True):
        a, b = (np.asarray(tf.cast(x, tf.float32)) for x in (a, b))
        np.testing.assert_allclose(a, b, atol=near * np.abs(b).max(), rtol=near)


def test_serving_and_frozen_layers_use_the_statistics():
    layer = BatchNormalization()
    layer(images(), training=True)
    served = layer(images(seed=3), training=False)
    layer.trainable = False
    before = layer.get_weights()
    np.testing.assert_array_equal(layer(images(seed=3), training=True), served)
    for old, new in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_frozen_batch_norm_is_batch_norm_of_statistics_that_never_change():
    batch, frozen = (
        networks.build("vgg-8", (8, 8, 3), 4, norm=norm)
        for norm in ("batch", "frozen_batch")
    )
    x = images(shape=(8, 8, 3))
    batch(x, training=True)
    frozen.set_weights(batch.get_weights())
    before = [np.array(x) for x in frozen.non_trainable_weights]
    np.testing.assert_array_equal(frozen(x, training=True), batch(x))
    for old, new in zip(before, frozen.non_trainable_weights, strict=True):
        np.testing.assert_array_equal(old, new)
    trained = [x.path.split("/")[-1] for x in frozen.trainable_weights]
    assert trained.count("gamma") == trained.count("beta") == 7


def test_replicas_share_the_means_of_their_statistics(two_replicas):
    x = images(8)
    with two_replicas.scope():
        layer = BatchNormalization(momentum=0.7)
        layer.build([None, *SHAPE])

    @tf.function(autograph=False)
    def train():
        def learn():
            replica = tf.distribute.get_replica_context().replica_id_in_sync_group
            return layer(x[4 * replica : 4 * replica + 4], training=True)

        two_replicas.run(learn)

    train()
    halves = [BatchNormalization(momentum=0.7) for _ in range(2)]
    for half, own in zip(halves, (x[:4], x[4:]), strict=True):
        half(own, training=True)
    for name in ("moving_mean", "moving_variance"):
        parts = two_replicas.experimental_local_results(getattr(layer, name).value)
        expected = np.mean([getattr(half, name).numpy() for half in halves], axis=0)
        assert len(parts) == 2
        for part in parts:
            np.testing.assert_allclose(part, expected, rtol=1e-5)
