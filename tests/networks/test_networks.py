"""What every network must do, whatever its name and style."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from jem_tf import energies, networks, replay, samplers
from jem_tf.errors import InputError
from jem_tf.jem import JEM
from jem_tf.networks.layers import NORMS

SHAPE, CLASSES = (8, 8, 3), 4
STYLES = [("convnet-8", "none", "swish"), ("wrn-16-1", "none", "leaky_relu")] + [
    *(("wrn-10-1", norm, "swish") for norm in ("batch", "layer", "group")),
    ("vgg-8", "frozen_batch", "swish"),
]
DTYPES = ("float32", "mixed_bfloat16")


@pytest.fixture(scope="module", params=STYLES, ids="-".join)
def style(request):
    name, norm, activation = request.param
    return functools.partial(
        networks.build, name, SHAPE, CLASSES, norm=norm, activation=activation, seed=1
    )


def constant(n, seed, labels=None):
    return tf.fill([n, *SHAPE], 0.1)


def images(n=5, seed=0):
    return tf.random.stateless_uniform([n, *SHAPE], [0, seed], -1.0, 1.0)


def jem(network):
    """XLA draws other random numbers: all chains start alike, and go without noise."""
    buffer = replay.ReplayBuffer(20, constant, reinit_prob=0.0)
    sampler = functools.partial(samplers.sgld, steps=2, step_size=1.0, noise=0.0)
    return JEM(network, buffer=buffer, sampler=sampler)


@pytest.mark.parametrize("dtype", DTYPES)
def test_logits_are_float32_and_their_input_gradient_is_finite(style, dtype):
    network = style(dtype=dtype)
    logits = network(images())
    score = energies.score(lambda x: energies.marginal_energy(network(x)), images())
    assert (logits.shape, logits.dtype) == ((5, CLASSES), tf.float32)
    assert np.isfinite(score).all()
    assert np.abs(score).max() > 0


def test_bfloat16_computes_what_float32_does_to_its_precision(style):
    wide, narrow = (style(dtype=dtype)(images()) for dtype in DTYPES)
    np.testing.assert_allclose(wide, narrow, atol=0.05)


def test_an_images_logits_do_not_depend_on_its_neighbours(style):
    network = style()
    together, alone = network(images()), network(images()[:1])
    np.testing.assert_allclose(together[:1], alone, atol=1e-5)


@pytest.mark.parametrize("norm", [x for x in NORMS if x != "batch"])
def test_of_all_norms_only_batch_makes_images_depend_on_each_other_in_training(norm):
    def training_differs(norm):
        network = networks.build("vgg-8", SHAPE, CLASSES, norm=norm)
        together, alone = (network(images()[:n], training=True) for n in (5, 1))
        return float(tf.reduce_max(tf.abs(together[:1] - alone)))

    assert training_differs(norm) < 1e-5
    assert training_differs("batch") > 1e-3


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_saved_network_comes_back(style, dtype, tmp_path):
    network = style(dtype=dtype)
    network.save(tmp_path / "network.keras")
    again = keras.models.load_model(tmp_path / "network.keras")
    np.testing.assert_array_equal(network(images()), again(images()))


@pytest.mark.slow
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_training_step_moves_every_weight(style, dtype):
    before, log, model = stepped(style, dtype, False)
    assert np.isfinite(log["loss"])
    for old, new in zip(before, model.trainable_weights, strict=True):
        assert np.isfinite(new).all()
        assert np.abs(old - new).max() > 0, new.path


@functools.cache
def stepped(style, dtype, jit):
    """(trainable weights before a step of training, its log, the model after it)."""
    model = jem(style(dtype=dtype))
    model.compile(keras.optimizers.SGD(0.1), jit_compile=jit)
    before = [np.array(weight) for weight in model.trainable_weights]
    log = model.train_on_batch(images(8), np.arange(8) % CLASSES, return_dict=True)
    return before, log, model


@pytest.mark.slow
def test_xla_compiles_a_whole_training_step(style):
    _, log, model = stepped(style, "float32", False)
    _, log_xla, compiled = stepped(style, "float32", True)
    assert log_xla == pytest.approx(log, rel=1e-3, abs=1e-4)
    pairs = zip(model.get_weights(), compiled.get_weights(), strict=True)
    for plain, of_xla in pairs:
        np.testing.assert_allclose(plain, of_xla, atol=1e-4)


def test_weights_are_a_function_of_the_seed(style):
    first, again = style().get_weights(), style().get_weights()
    other = networks.build("convnet-8", SHAPE, CLASSES, seed=2).get_weights()
    kernels = networks.build("convnet-8", SHAPE, CLASSES, seed=1).get_weights()
    for weight, same in zip(first, again, strict=True):
        np.testing.assert_array_equal(weight, same)
    assert all((a != b).any() for a, b in zip(kernels, other, strict=True))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ["leaky_relu", "swish"])
@pytest.mark.parametrize("name", ["wrn-10-1", "convnet-8"])
def test_without_xla_a_network_is_the_same_function_of_its_weights(
    name, activation, dtype
):
    style = {"activation": activation, "dtype": dtype}
    fused = networks.build(name, (8, 8, 1), 4, seed=1, **style)
    plain = networks.build(name, (8, 8, 1), 4, seed=2, fused=False, **style)
    plain.set_weights(fused.get_weights())
    x = tf.random.stateless_uniform([5, 8, 8, 1], [0, 0], -1.0, 1.0)
    near = 1e-5 if dtype == "float32" else 1e-2
    scores = []
    for network in (fused, plain):
        energy = tf.function(lambda x, f=network: energies.marginal_energy(f(x)))
        scores.append(energies.score(energy, x))
    np.testing.assert_allclose(plain(x), fused(x), rtol=near, atol=near)
    np.testing.assert_allclose(*scores, rtol=near, atol=near)


@pytest.mark.parametrize("form", networks.NETWORKS)
def test_every_name_in_the_table_builds_with_numbers_for_its_capitals(form):
    name = form.replace("DEPTH", "10").replace("WIDTH", "8")
    network = networks.build(name, SHAPE, CLASSES)
    assert network(images()).shape == (5, CLASSES)


@pytest.mark.parametrize("name", ["convnet-8", "wrn-10-1", "vgg-8"])
@pytest.mark.parametrize("shape", [(4, 4, 1), (9, 7, 2), (28, 28, 1)])
def test_input_size_and_channels_are_free(name, shape):
    network = networks.build(name, shape, 3)
    assert network(tf.zeros([2, *shape])).shape == (2, 3)


@pytest.mark.parametrize(
    ("name", "style", "says"),
    [
        ("resnet", {}, "^network=resnet is not known"),
        ("wrn-DEPTH-WIDTH", {}, "^network=wrn-DEPTH-WIDTH is not known"),
        ("wrn-12-2", {}, "^network=wrn-12-2 does not exist"),
        ("wrn-28-0", {}, "^network=wrn-28-0 does not exist"),
        ("convnet-9", {}, "^network=convnet-9 does not exist"),
        ("convnet", {"norm": "spectral"}, "^norm=spectral is not known"),
        ("convnet", {"activation": "relu"}, "^activation=relu is not known"),
    ],
)
def test_networks_that_do_not_exist_are_refused(name, style, says):
    with pytest.raises(InputError, match=says):
        networks.build(name, SHAPE, CLASSES, **style)


def test_channels_that_come_first_are_refused(monkeypatch):
    monkeypatch.setattr(keras.config, "image_data_format", lambda: "channels_first")
    with pytest.raises(InputError, match="set to image_data_format=channels_first"):
        networks.build("convnet-8", (8, 8, 1), 3)
