"""Folded networks compute what the networks do, and have no statistics."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from keras.src.applications import densenet, resnet

from jem_tf import networks
from jem_tf.errors import InputError
from jem_tf.networks.affine import Affine
from jem_tf.networks.batch_norm import FrozenBatchNormalization

SHAPE = (8, 8, 3)
NORMALISATIONS = (layers.BatchNormalization,)


def with_statistics(network):
    """The network, with scales, offsets and statistics as training might leave them."""
    generator = np.random.default_rng(0)
    for layer in network._flatten_layers():
        if isinstance(layer, NORMALISATIONS):
            for x in layer.weights:
                positive = x.name in ("gamma", "moving_variance")
                low, high = (0.5, 1.5) if positive else (-0.5, 0.5)
                x.assign(generator.uniform(low, high, x.shape))
    return network


def images(network, n=4):
    return tf.random.stateless_uniform([n, *network.input_shape[1:]], [0, 0], -1, 1)


def kinds(network, kind):
    return [x for x in network._flatten_layers() if isinstance(x, kind)]


def assert_folded(network, affine, atol=1e-5):
    """That folding leaves outputs as they are, and so many affine layers."""
    with_statistics(network)
    before = network.get_weights()
    folded = networks.fold_batch_norm(network)
    x = images(network)
    out, expected = folded(x, training=False), network(x, training=False)
    assert np.std(expected) > 0
    np.testing.assert_allclose(out, expected, atol=atol * np.abs(expected).max())
    assert out.dtype == expected.dtype
    assert not kinds(folded, NORMALISATIONS)
    assert len(kinds(folded, Affine)) == affine
    for old, new in zip(before, network.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    return folded


def mobilenet():
    return keras.applications.MobileNetV2(
        (32, 32, 3), 0.35, weights=None, classes=5, classifier_activation=None
    )


def small_densenet():
    return densenet.DenseNet(
        [1, 1, 1, 1],
        input_shape=(32, 32, 3),
        weights=None,
        classes=5,
        classifier_activation=None,
    )


def small_resnet():
    return resnet.ResNet(
        lambda x: resnet.stack_residual_blocks_v1(x, 8, 2, stride1=1, name="stack"),
        preact=False,
        use_bias=True,
        weights_name="none",
        input_shape=(32, 32, 3),
        weights=None,
        classes=5,
        classifier_activation=None,
    )


@pytest.mark.parametrize(
    ("make", "affine"),
    [
        pytest.param(mobilenet, 0, marks=pytest.mark.slow),
        (small_resnet, 0),
        (small_densenet, 8),  # before activations, behind concatenations
    ],
    ids=["mobilenet", "resnet", "densenet"],
)
def test_keras_applications_compute_the_same_without_batch_norm(make, affine):
    assert_folded(make(), affine)


@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (lambda **kw: layers.Conv2D(6, 3, 2, "same", **kw), SHAPE),
        (lambda **kw: layers.Conv2D(6, 3, groups=3, **kw), SHAPE),
        (lambda **kw: layers.DepthwiseConv2D(3, depth_multiplier=2, **kw), SHAPE),
        (lambda **kw: layers.SeparableConv2D(5, 3, depth_multiplier=2, **kw), SHAPE),
        (lambda **kw: layers.Dense(5, **kw), (7,)),
        (lambda **kw: layers.Dense(5, **kw), SHAPE),
    ],
    ids=["strided", "grouped", "depthwise", "separable", "dense", "dense of pixels"],
)
def test_a_linear_layer_takes_the_normalisation_over(layer, shape, scale):
    network = keras.Sequential(
        [
            keras.Input(shape),
            layer(use_bias=scale, bias_initializer="random_normal"),
            layers.BatchNormalization(scale=scale, center=scale, epsilon=0.1),
            layers.Activation("swish"),
        ]
    )
    folded = assert_folded(network, 0)
    assert [x.name for x in folded.layers[1:]] == [
        network.layers[i].name for i in (0, 2)
    ]


def branches(read_twice):
    """A convolution that its normalisation reads, and perhaps a sum, too."""
    image = keras.Input(SHAPE)
    convolved = layers.Conv2D(3, 3, padding="same")(image)
    h = layers.BatchNormalization()(inputs=convolved)
    return keras.Model(image, h + (convolved if read_twice else image))


def put_out():
    image = keras.Input(SHAPE)
    convolved = layers.Conv2D(3, 3)(image)
    both = [convolved, layers.BatchNormalization()(convolved)]
    return keras.Model(image, layers.Concatenate()(both))


def activated():
    convolution = layers.Conv2D(3, 3, activation="relu")
    return keras.Sequential([keras.Input(SHAPE), convolution, normalisation()])


def normalisation(**kw):
    return layers.BatchNormalization(**kw)


def shared():
    """A convolution and a normalisation that are called twice."""
    image, norm = keras.Input(SHAPE), normalisation()
    convolution = layers.Conv2D(3, 3, padding="same")
    h = norm(convolution(image))
    return keras.Model(image, norm(convolution(keras.activations.tanh(h))))


def first():
    return keras.Sequential([keras.Input(SHAPE), normalisation(), layers.Conv2D(2, 1)])


def of_rows():
    axis = normalisation(axis=1)
    return keras.Sequential([keras.Input(SHAPE), layers.Conv2D(8, 1), axis])


@pytest.mark.parametrize(
    ("make", "affine"),
    [
        (lambda: branches(False), 0),
        (lambda: branches(True), 1),
        (put_out, 1),
        (activated, 1),
        (shared, 1),
        (first, 1),
        (of_rows, 1),
    ],
    ids="alone read-twice put-out activated shared first of-rows".split(),
)
def test_an_affine_layer_stands_where_no_layer_can_take_over(make, affine):
    assert_folded(make(), affine)


def test_models_in_a_model_are_folded_and_shared_ones_stay_shared():
    inner = keras.Sequential(
        [keras.Input(SHAPE), layers.Conv2D(3, 3, padding="same"), normalisation()],
        name="inner",
    )
    image = keras.Input(SHAPE)
    h = normalisation()(inner(inner(image)))
    folded = assert_folded(keras.Model(image, h, name="outer"), 1)
    assert [x.name for x in folded.layers].count("inner") == 1
    assert folded.name == "outer"


def test_other_state_of_layers_is_copied():
    adapted = layers.Normalization(mean=[0.1, 0.2, 0.3], variance=[2.0, 3.0, 4.0])
    learnt = layers.Normalization()
    learnt.adapt(np.random.default_rng(0).normal(1, 3, [50, *SHAPE]))
    network = keras.Sequential(
        [keras.Input(SHAPE), adapted, learnt, layers.Conv2D(2, 3), normalisation()]
    )
    assert_folded(network, 0)


def test_a_sequential_network_that_was_built_by_its_first_batch_is_folded():
    network = keras.Sequential([layers.Conv2D(2, 3), normalisation()])
    network(np.zeros([1, *SHAPE], "float32"))
    assert_folded(network, 0)


@pytest.mark.parametrize("norm", ["batch", "frozen_batch"])
@pytest.mark.parametrize("activation", ["swish", "leaky_relu"])
@pytest.mark.parametrize("name", ["vgg-8", "convnet-8"])
def test_folded_networks_of_ours_have_the_weights_of_those_without_norm(
    name, activation, norm
):
    style = {"activation": activation, "seed": 1}
    normed = networks.build(name, SHAPE, 4, norm=norm, **style)
    plain = networks.build(name, SHAPE, 4, **style)
    folded = assert_folded(normed, 0)
    described = [[(x.path, x.shape) for x in y.weights] for y in (folded, plain)]
    assert described[0] == described[1]
    plain.set_weights(folded.get_weights())
    x = images(plain)
    np.testing.assert_allclose(plain(x), normed(x), atol=1e-5)


def test_a_wide_resnets_first_normalisations_become_affine():
    assert_folded(networks.build("wrn-10-1", SHAPE, 4, norm="batch"), 4)


def test_dtype_policies_stay_and_folding_is_in_float32():
    wide, mixed = (
        with_statistics(networks.build("vgg-8", SHAPE, 4, norm="batch", dtype=dtype))
        for dtype in ("float32", "mixed_bfloat16")
    )
    folded = networks.fold_batch_norm(mixed)
    policies = {x.name: x.dtype_policy.name for x in mixed.layers}
    assert all(x.dtype_policy.name == policies[x.name] for x in folded.layers)
    for a, b in zip(
        folded.get_weights(), networks.fold_batch_norm(wide).get_weights(), strict=True
    ):
        np.testing.assert_array_equal(a, b)
    x = images(mixed)
    np.testing.assert_allclose(folded(x), wide(x), atol=0.05)


def test_a_folded_network_trains_and_comes_back_from_a_file(tmp_path):
    folded = networks.fold_batch_norm(with_statistics(put_out()))
    folded.save(tmp_path / "folded.keras")
    again = keras.models.load_model(tmp_path / "folded.keras")
    np.testing.assert_array_equal(again(images(folded)), folded(images(folded)))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(folded(images(folded)))
    assert all(
        np.abs(x).max() > 0 for x in tape.gradient(loss, folded.trainable_weights)
    )


class Own(keras.layers.Layer):
    def __init__(self, **kw):
        super().__init__(**kw)
        self.inner = normalisation(name="inner")

    def call(self, x):
        return self.inner(x)


class OwnModel(keras.Model):
    def call(self, x):
        return x


def in_training():
    image = keras.Input(SHAPE)
    return keras.Model(image, normalisation(name="batch")(image, training=True))


def frozen_in_training():
    image = keras.Input(SHAPE)
    return keras.Model(image, FrozenBatchNormalization()(image, training=True))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (in_training, "layer batch is called with training=True"),
        (
            lambda: keras.Sequential([keras.Input(SHAPE), Own(name="own")]),
            r"layer own has batch normalisation \(inner\) in code of its own",
        ),
        (lambda: OwnModel(name="own"), "layer own is neither functional nor a built"),
        (
            lambda: keras.Sequential([layers.Dense(2)], name="unbuilt"),
            "layer unbuilt is neither functional nor a built Sequential",
        ),
    ],
)
def test_layers_that_cannot_be_folded_are_named(make, says):
    with pytest.raises(InputError, match=f"^network's {says}"):
        networks.fold_batch_norm(make())


def test_frozen_statistics_are_used_in_training_too_and_fold():
    assert_folded(frozen_in_training(), 1)
