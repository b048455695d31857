"""Networks of users' own: what shape they have, and which cannot be energy models."""

import os
import subprocess
import sys

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


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_network_of_half_precision_alone_is_refused(dtype):
    layer = keras.layers.Dense(3, dtype=dtype)
    network = sequential(keras.layers.Dropout(0.5, dtype=dtype), layer)
    with pytest.raises(InputError, match=f'build it with dtype="mixed_{dtype}"'):
        network_checks.examine(network, SHAPE)
    layer.trainable = False
    assert network_checks.examine(network, SHAPE).num_classes == 3


def test_losses_of_another_precision_than_float32_are_refused(monkeypatch):
    network = sequential(keras.layers.Dense(3, dtype="float32"))
    monkeypatch.setattr(keras.config, "floatx", lambda: "float16")
    with pytest.raises(InputError, match="Keras is set to floatx=float16"):
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


SUMMED = """
import keras
from jem_tf.keras_support import network_checks

print(network_checks.examine(keras.Sequential()))
"""


def run_with_numpy(script):
    """NumPy's backend needs no package of its own."""
    return subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"KERAS_BACKEND": "numpy"},
        capture_output=True,
        text=True,
    )


def test_another_backend_of_keras_is_refused_in_words():
    ended = run_with_numpy(SUMMED)
    assert ended.returncode == 1
    assert "Keras computes by numpy here, and jem_tf by TensorFlow" in ended.stderr


def test_programs_compute_by_tensorflow_whatever_the_environment_says():
    ended = run_with_numpy(
        "import jem_tf.system.tensorflow_setup, keras; print(keras.backend.backend())"
    )
    assert ended.stdout == "tensorflow\n"
