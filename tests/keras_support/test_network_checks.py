"""Networks of users' own: what shape they have, and which cannot be energy models."""

import keras
import numpy as np
import pytest

from jem_tf import networks
from jem_tf.errors import InputError
from jem_tf.keras_support import network_checks

SHAPE = (4, 4, 1)


def sequential(*layers, image=SHAPE):
    begin = [keras.Input(image)] if image else []
    return keras.Sequential([*begin, keras.layers.Flatten(), *layers])


class Own(keras.Model):
    """A subclassed network that ends in `end`."""

    def __init__(self, end=None):
        super().__init__()
        self.flat, self.dense = keras.layers.Flatten(), keras.layers.Dense(3)
        self.end = end or (lambda x: x)

    def call(self, x):
        return self.end(self.dense(self.flat(x)))


def called(network):
    network(np.zeros([2, *SHAPE], "float32"))
    return network


def nested(inner):
    image = keras.Input(SHAPE)
    return keras.Model(image, inner(image))


def functional(end):
    image = keras.Input(SHAPE)
    return keras.Model(image, end(keras.layers.Dense(3)(keras.layers.Flatten()(image))))


GOOD = {
    "functional": lambda: nested(keras.layers.Flatten()),
    "sequential": lambda: sequential(keras.layers.Dense(3)),
    "unbuilt sequential": lambda: sequential(keras.layers.Dense(3), image=None),
    "subclassed": Own,
    "called": lambda: called(Own()),
    "nested": lambda: nested(sequential(keras.layers.Dense(3))),
    "nested subclassed": lambda: nested(Own()),
    "ours": lambda: networks.build("convnet-8", SHAPE, 3),
    "linear layer": lambda: sequential(
        keras.layers.Dense(3), keras.layers.Activation("linear", dtype="float32")
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_shapes_are_found_of_networks_of_all_kinds(name):
    facts = network_checks.examine(GOOD[name](), SHAPE)
    classes = 16 if name == "functional" else 3
    assert facts == (SHAPE, classes, False)


@pytest.mark.parametrize("name", ["sequential", "called", "nested", "ours"])
def test_a_network_that_knows_its_images_needs_no_buffer(name):
    assert network_checks.examine(GOOD[name]()).image_shape == SHAPE


@pytest.mark.parametrize("name", ["unbuilt sequential", "subclassed"])
def test_a_network_of_unknown_images_is_refused_without_a_buffer(name):
    with pytest.raises(InputError, match=r"begin it with keras\.Input, or call"):
        network_checks.examine(GOOD[name]())


def test_a_network_of_any_size_takes_the_buffers():
    image = keras.Input((None, None, 1))
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(3, 3)(image))
    network = keras.Model(image, pooled)
    assert network_checks.examine(network).image_shape == (None, None, 1)
    assert network_checks.examine(network, (8, 6, 1)).image_shape == (8, 6, 1)


def log_softmax(x):
    return keras.ops.log_softmax(x)


BOUNDED = {
    "activation": lambda: sequential(keras.layers.Dense(3, activation="softmax")),
    "layer": lambda: sequential(keras.layers.Dense(3), keras.layers.Softmax()),
    "activation layer": lambda: functional(keras.layers.Activation("softmax")),
    "operation": lambda: functional(keras.ops.softmax),
    "lambda": lambda: functional(keras.layers.Lambda(keras.ops.softmax)),
    "nested": lambda: nested(sequential(keras.layers.Dense(3, activation="softmax"))),
    "subclassed": lambda: Own(keras.ops.softmax),
    "nested subclassed": lambda: nested(Own(keras.ops.softmax)),
    "log": lambda: Own(log_softmax),
    "sigmoid": lambda: sequential(keras.layers.Dense(3, activation="sigmoid")),
    "tanh": lambda: sequential(keras.layers.Dense(3, activation="tanh")),
}


@pytest.mark.parametrize("name", BOUNDED)
def test_a_network_that_ends_in_probabilities_is_refused(name):
    with pytest.raises(InputError, match="which confines its energies to a band; give"):
        network_checks.examine(BOUNDED[name](), SHAPE)


def test_a_network_that_begins_at_0_is_not_taken_for_one_of_probabilities():
    zeros = keras.layers.Dense(3, kernel_initializer="zeros")
    facts = network_checks.examine(nested(sequential(zeros)), SHAPE)
    assert facts.num_classes == 3


def two_outputs():
    image = keras.Input(SHAPE)
    flat = keras.layers.Flatten()(image)
    return keras.Model(
        image, [keras.layers.Dense(3)(flat), keras.layers.Dense(2)(flat)]
    )


def two_inputs():
    images = [keras.Input(SHAPE), keras.Input(SHAPE)]
    both = keras.layers.Flatten()(keras.layers.Concatenate()(images))
    return keras.Model(images, keras.layers.Dense(3)(both))


@pytest.mark.parametrize(
    ("network", "says"),
    [
        (lambda: "resnet", "network is a str; give a keras.Model"),
        (lambda: keras.layers.Dense(3), "network is a Dense"),
        (two_outputs, "several outputs"),
        (two_inputs, "several inputs"),
        (lambda: Own(lambda x: [x, x]), "several outputs"),
        (lambda: sequential(keras.layers.Dense(1)), "at least 2 classes"),
        (lambda: sequential(image=(4, 4)), "takes images"),
        (lambda: nested(keras.layers.Conv2D(3, 3)), r"puts out \[None, 2, 2, 3\]"),
    ],
)
def test_a_network_that_is_no_classifier_of_images_is_refused(network, says):
    with pytest.raises(InputError, match=says):
        network_checks.examine(network()) if says != "several outputs" else (
            network_checks.examine(network(), SHAPE)
        )


def test_a_buffer_of_other_images_than_the_network_takes_is_refused():
    with pytest.raises(InputError, match=r"\[4, 4, 1\], and the replay buffer's are"):
        network_checks.examine(sequential(keras.layers.Dense(3)), (8, 8, 1))


def beginning(*layers, image=SHAPE):
    begin = [keras.Input(image)] if image else []
    end = [keras.layers.Flatten(), keras.layers.Dense(3)]
    return keras.Sequential([*begin, *layers, *end])


class OwnRescaling(keras.Model):
    """A subclassed network that begins with a layer."""

    def __init__(self):
        super().__init__()
        self.scale, self.rest = keras.layers.Rescaling(1 / 255), Own()

    def call(self, x):
        return self.rest(self.scale(x))


OF_BYTES = {
    "[-1, 1]": lambda: beginning(keras.layers.Rescaling(1 / 127.5, -1)),
    "[0, 1]": lambda: beginning(keras.layers.Rescaling(1 / 255)),
    "by channel": lambda: beginning(keras.layers.Rescaling([1 / 255])),
    "unbuilt": lambda: beginning(keras.layers.Rescaling(1 / 255), image=None),
    "nested": lambda: nested(nested(beginning(keras.layers.Rescaling(1 / 255)))),
    "flipped": lambda: beginning(
        keras.layers.RandomFlip(), keras.layers.Rescaling(1 / 255)
    ),
    "subclassed": OwnRescaling,
    "normalised": lambda: beginning(
        keras.layers.Normalization(mean=[120.0], variance=[3600.0])
    ),
}


@pytest.mark.parametrize("name", OF_BYTES)
def test_a_network_that_scales_pixels_of_bytes_is_refused(name):
    says = r"^network's layer \w+ scales pixels of 0\.\.255; a JEM's images come in"
    with pytest.raises(InputError, match=says):
        network_checks.examine(OF_BYTES[name](), SHAPE)


def test_a_network_of_keras_applications_with_pixels_of_bytes_is_refused():
    network = keras.applications.EfficientNetB0(
        weights=None, input_shape=(32, 32, 3), classes=3, classifier_activation=None
    )
    with pytest.raises(InputError, match=r"layer rescaling\w* scales pixels"):
        network_checks.examine(network)


@pytest.mark.parametrize(
    "layers",
    [
        lambda: [keras.layers.Rescaling(127.5, 127.5), keras.layers.Rescaling(1 / 255)],
        lambda: [keras.layers.Rescaling(0.5, 0.5)],
        lambda: [keras.layers.Normalization(mean=[0.1], variance=[0.3])],
        lambda: [keras.layers.Normalization()],
    ],
)
def test_a_network_that_scales_pixels_of_a_jem_is_taken(layers):
    assert network_checks.examine(beginning(*layers())).num_classes == 3


@pytest.mark.parametrize("dtype", ["uint8", "int32"])
def test_a_network_of_integer_images_is_refused(dtype):
    image = keras.Input(SHAPE, dtype=dtype)
    scaled = keras.layers.Rescaling(1.0)(image)
    network = keras.Model(image, keras.layers.Dense(3)(keras.layers.Flatten()(scaled)))
    with pytest.raises(InputError, match=f"^network takes {dtype} images; a JEM's"):
        network_checks.examine(network)


@pytest.mark.parametrize("image", [SHAPE, None])
def test_a_network_of_float64_is_refused(image):
    network = sequential(keras.layers.Dense(3, dtype="float64"), image=image)
    with pytest.raises(InputError, match="computes in float64, and a JEM in float32"):
        network_checks.examine(network, SHAPE)


@pytest.mark.parametrize(
    "layer",
    [
        lambda: keras.layers.Dense(3, kernel_regularizer="l2"),
        lambda: keras.layers.Dense(3, activity_regularizer="l1"),
    ],
)
def test_a_network_with_regularisers_is_known_to_be_penalised(layer):
    assert network_checks.examine(sequential(layer())).penalised
    assert network_checks.examine(nested(sequential(layer()))).penalised


@pytest.mark.parametrize(
    "loss",
    [
        "sparse_categorical_crossentropy",
        "categorical_crossentropy",
        keras.losses.sparse_categorical_crossentropy,
        keras.losses.SparseCategoricalCrossentropy(),
        keras.losses.CategoricalFocalCrossentropy(),
        "kl_divergence",
        keras.losses.kl_divergence,
        keras.losses.KLDivergence(),
    ],
    ids=lambda given: given if isinstance(given, str) else None,
)
def test_a_loss_that_takes_probabilities_is_refused(loss):
    with pytest.raises(InputError, match=r"^loss=.* takes probabilities, and the"):
        network_checks.check_loss(loss)


@pytest.mark.parametrize(
    "loss",
    [
        None,
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
        lambda y, f: f,
        "mse",
        "no such loss",  # Keras says so
    ],
    ids=lambda given: given if isinstance(given, str) else None,
)
def test_other_losses_are_left_to_keras(loss):
    network_checks.check_loss(loss)


@pytest.mark.parametrize(
    "metric",
    [
        "sparse_categorical_crossentropy",
        "crossentropy",
        "kl_divergence",
        keras.metrics.sparse_categorical_crossentropy,
        keras.metrics.SparseCategoricalCrossentropy(),
        keras.metrics.KLDivergence(),
    ],
    ids=lambda given: given if isinstance(given, str) else None,
)
def test_a_metric_that_takes_probabilities_is_refused(metric):
    with pytest.raises(InputError, match=r"^metrics=.* takes probabilities, and the"):
        network_checks.check_metrics(["accuracy", metric])


@pytest.mark.parametrize(
    "metrics",
    [
        None,
        ["accuracy", "mse", lambda y, f: f, "no such metric"],
        [keras.metrics.SparseCategoricalCrossentropy(from_logits=True)],
        [keras.metrics.SparseTopKCategoricalAccuracy(2), keras.metrics.Mean()],
    ],
)
def test_other_metrics_are_left_to_keras(metrics):
    network_checks.check_metrics(metrics)
