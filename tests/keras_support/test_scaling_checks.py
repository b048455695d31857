"""A network that scales pixels of bytes is refused, whatever it does that by."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

from jem_tf import networks
from jem_tf.errors import InputError
from jem_tf.keras_support import network_checks, scaling_checks

SHAPE = (4, 4, 3)
OF_APPLICATIONS = {
    "input_shape": (32, 32, 3),
    "weights": None,
    "classes": 3,
    "classifier_activation": None,
}


def after(scale, *, image=SHAPE):
    """Functional: images, what `scale` makes of them, and logits of that."""
    x = keras.Input(image)
    end = layers.Dense(3)(
        layers.Flatten()(layers.Conv2D(4, 3, padding="same")(scale(x)))
    )
    return keras.Model(x, end)


def beginning(*first, image=SHAPE):
    begin = [keras.Input(image)] if image else []
    return keras.Sequential([*begin, *first, layers.Flatten(), layers.Dense(3)])


def adapted(low, high):
    layer = layers.Normalization()
    layer.adapt(np.random.default_rng(0).uniform(low, high, [64, *SHAPE]))
    return layer


class Subclassed(keras.Model):
    """Scales in its own code, and has a part of parts."""

    def __init__(self, scale):
        super().__init__()
        self.scale, self.part = scale, beginning(image=None)

    def call(self, x):
        return self.part(self.scale(x))


class Stem(layers.Layer):
    """A layer with a convolution in it, before which it scales."""

    def __init__(self):
        super().__init__()
        self.convolution = layers.Conv2D(4, 3)

    def call(self, x):
        return self.convolution(x / 255.0)


class Catching(Subclassed):
    """Goes on where a part of it fails."""

    def call(self, x):
        try:
            return super().call(x)
        except Exception:
            return self.part(x + self.scale(x)[..., :0])


class Compiled(Subclassed):
    call = tf.function(Subclassed.call)


def frozen(network):
    network.trainable = False
    return network


def nested(network):
    x = keras.Input(SHAPE)
    return keras.Model(x, network(x))


def preprocessed(name):
    return lambda x: getattr(keras.applications, name).preprocess_input(x)


OF_BYTES = {
    "layer": lambda: beginning(layers.Rescaling(1 / 127.5, -1)),
    "layer by channel": lambda: beginning(layers.Rescaling([1 / 255] * 3)),
    "unbuilt": lambda: beginning(layers.Rescaling(1 / 255), image=None),
    "nested": lambda: nested(nested(beginning(layers.Rescaling(1 / 255)))),
    "turned": lambda: beginning(layers.RandomRotation(0.1), layers.Rescaling(1 / 255)),
    "x / 255": lambda: after(lambda x: x / 255.0),
    "x * (1 / 255)": lambda: after(lambda x: x * (1 / 255)),
    "x / 127.5 - 1": lambda: after(lambda x: x / 127.5 - 1.0),
    "divide": lambda: after(lambda x: ops.divide(ops.subtract(x, 127.5), 127.5)),
    "x - 120": lambda: after(lambda x: x - 120.0),
    "Lambda": lambda: after(layers.Lambda(lambda x: x / 255)),
    "of the ResNet": lambda: after(preprocessed("resnet50")),
    "of the MobileNet": lambda: after(preprocessed("mobilenet_v2")),
    "of ImageNet": lambda: after(preprocessed("densenet")),
    "adapted": lambda: after(adapted(0, 255)),
    "adapted, scaled": lambda: after(lambda x: adapted(0, 1)(x / 255.0)),
    "batch norm": lambda: after(lambda x: layers.BatchNormalization()(x / 255.0)),
    "twice": lambda: after(lambda x: ((x + 1) * 127.5 / 127.5 - 1) / 127.5 - 1),
    "subclassed": lambda: Subclassed(lambda x: x / 255),
    "subclassed layer": lambda: Subclassed(layers.Rescaling(1 / 255)),
    "inside a layer": lambda: beginning(Stem()),
    "frozen": lambda: frozen(after(lambda x: x / 255.0)),
    "patches": lambda: after(lambda x: ops.image.extract_patches(x / 255.0, 2)),
    "MobileNetV3": lambda: keras.applications.MobileNetV3Small(
        **OF_APPLICATIONS, alpha=0.35, minimalistic=True
    ),
}


@pytest.mark.parametrize("name", OF_BYTES)
def test_a_network_that_scales_pixels_of_bytes_is_refused(name):
    network = OF_BYTES[name]()
    shape = None if name == "MobileNetV3" else SHAPE
    says = r"^network scales pixels of 0\.\.255: of a JEM's images in \[-1, 1\], .* to "
    with pytest.raises(InputError, match=says):
        network_checks.examine(network, shape)


def of_pixels(x):
    """In [-1, 1] to 0..255."""
    return (x + 1.0) * 127.5


def standardised(x):
    mean = ops.mean(x, axis=(1, 2, 3), keepdims=True)
    return (x - mean) / ops.std(x, axis=(1, 2, 3), keepdims=True)  # 0 / 0 of one grey


def with_places(x):
    """CoordConv's: a channel that is the same for all images."""
    places = ops.broadcast_to(ops.reshape(ops.arange(4.0), [1, 4, 1, 1]), [1, 4, 4, 1])
    return ops.concatenate([x, places + 0.0 * x[..., :1]], axis=-1)


FINE = {
    "plain": lambda: after(lambda x: x),
    "ours": lambda: networks.build("convnet-8", (8, 8, 3), 3),
    "in [0, 1]": lambda: beginning(layers.Rescaling(0.5, 0.5)),
    "bytes from [-1, 1]": lambda: after(of_pixels),
    "scaled there and back": lambda: after(lambda x: of_pixels(x) / 127.5 - 1),
    "of the VGG": lambda: after(lambda x: preprocessed("vgg16")(of_pixels(x))),
    "of ImageNet": lambda: after(lambda x: preprocessed("densenet")(of_pixels(x))),
    "adapted": lambda: after(adapted(-1, 1)),
    "adapted to dark images": lambda: after(adapted(-1, -0.8)),
    "not adapted": lambda: beginning(layers.Normalization()),
    "standardised": lambda: after(standardised),
    "CoordConv": lambda: after(with_places),
    "batch norm": lambda: beginning(layers.BatchNormalization()),
    "noise": lambda: beginning(layers.GaussianNoise(1.0), layers.Dropout(0.9)),
    "grey": lambda: after(lambda x: ops.mean(x, axis=-1, keepdims=True)),
    "any size": lambda: keras.Sequential(
        [keras.Input((None, None, 3)), layers.Conv2D(3, 3), layers.GlobalMaxPooling2D()]
    ),
    "without kernels": lambda: keras.Sequential(
        [keras.Input(SHAPE), layers.Rescaling(1 / 255), layers.Flatten()]
    ),
    "catches errors": lambda: Catching(lambda x: x),
    "compiled": lambda: Compiled(lambda x: x),
    "in a graph": lambda: Subclassed(tf.function(lambda x: x)),
    "MobileNet": lambda: keras.applications.MobileNet(
        **OF_APPLICATIONS, alpha=0.25, dropout=0.0
    ),
}


@pytest.mark.parametrize("name", FINE)
def test_other_networks_are_taken_and_left_as_they_were(name):
    network = FINE[name]()
    shape = None if name in ("ours", "MobileNet", "without kernels") else SHAPE
    network_checks.examine(network, shape)
    assert not [x for x in network._flatten_layers() if "call" in vars(x)]
    network(np.zeros([1, *(shape or network.input_shape[1:])], "float32"))


@pytest.mark.parametrize("scale", [lambda x: 2 * x - 1, lambda x: (x - 0.5) / 0.5])
def test_a_network_that_scales_pixels_of_0_to_1_is_refused(scale):
    says = r"scales pixels of 0\.\.1: .* -3 to 1 would reach its layer .*\(0\.5, 0\.5\)"
    with pytest.raises(InputError, match=says):
        network_checks.examine(after(scale), SHAPE)
    network_checks.examine(after(lambda x: scale(0.5 * x + 0.5)), SHAPE)


@pytest.mark.parametrize("remedied", ["0..255", "0..1"])
def test_the_remedy_that_is_named_makes_the_network_fine(remedied):
    scale = {"0..255": lambda x: x / 127.5 - 1, "0..1": lambda x: 2 * x - 1}[remedied]
    remedy = scaling_checks.REMEDIES[remedied]
    layer = eval(f"layers.{remedy}", {"layers": layers})
    network_checks.examine(after(lambda x: scale(layer(x))), SHAPE)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_changes_nothing(policy):
    keras.config.set_dtype_policy(policy)
    try:
        with pytest.raises(InputError, match=r"0\.\.255"):
            network_checks.examine(after(lambda x: x / 127.5 - 1), SHAPE)
        network_checks.examine(after(lambda x: of_pixels(x) / 127.5 - 1), SHAPE)
    finally:
        keras.config.set_dtype_policy("float32")


def test_no_more_of_a_network_runs_than_its_head():
    ran = []
    end = layers.Lambda(lambda x: ran.append(x) or x)
    network = keras.Sequential([keras.Input(SHAPE), layers.Conv2D(3, 4), end])
    ran.clear()
    scaling_checks.check_scaling(network, SHAPE)
    assert not ran
