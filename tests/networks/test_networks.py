"""What every network must do, and what the paper's must be."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from jem_tf import energies, networks, replay, samplers, starts
from jem_tf.errors import InputError
from jem_tf.jem import JEM

SHAPE, CLASSES = (8, 8, 3), 4
STYLES = [("convnet-8", "none", "swish"), ("wrn-16-1", "none", "leaky_relu")] + [
    ("wrn-10-1", norm, "swish") for norm in ("batch", "layer", "group")
]
UNIFORM = starts.uniform(SHAPE)
DTYPES = ("float32", "mixed_bfloat16")


@pytest.fixture(params=STYLES, ids="-".join)
def style(request):
    name, norm, activation = request.param
    return functools.partial(
        networks.build, name, SHAPE, CLASSES, norm=norm, activation=activation, seed=1
    )


def constant(n, seed, labels=None):
    return tf.fill([n, *SHAPE], 0.1)


def convolutions(network):
    """In the order in which they were made."""
    found = [x for x in network.layers if isinstance(x, keras.layers.Conv2D)]
    return sorted(found, key=lambda x: int(x.name.removeprefix("conv_")))


def images(n=5, seed=0):
    return tf.random.stateless_uniform([n, *SHAPE], [0, seed], -1.0, 1.0)


def jem(network, start=UNIFORM, noise=0.01):
    buffer = replay.ReplayBuffer(20, start, reinit_prob=0.0)
    sampler = functools.partial(samplers.sgld, steps=2, step_size=1.0, noise=noise)
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
    one, other = (style(dtype=dtype)(images()) for dtype in DTYPES)
    np.testing.assert_allclose(one, other, atol=0.05)


def test_an_images_logits_do_not_depend_on_its_neighbours(style):
    network = style()
    together, alone = network(images()), network(images()[:1])
    np.testing.assert_allclose(together[:1], alone, atol=1e-5)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_saved_network_comes_back(style, dtype, tmp_path):
    network = style(dtype=dtype)
    network.save(tmp_path / "network.keras")
    again = keras.models.load_model(tmp_path / "network.keras")
    np.testing.assert_array_equal(network(images()), again(images()))


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_training_step_moves_every_weight(style, dtype):
    model = jem(style(dtype=dtype))
    model.compile(keras.optimizers.SGD(0.1))
    before = [np.array(weight) for weight in model.trainable_weights]
    log = model.train_on_batch(images(8), np.arange(8) % CLASSES, return_dict=True)
    assert np.isfinite(log["loss"])
    for old, new in zip(before, model.trainable_weights, strict=True):
        assert np.isfinite(new).all()
        assert np.abs(old - new).max() > 0, new.path


def test_xla_compiles_a_whole_training_step(style):
    def step(jit):
        # XLA draws other random numbers: all chains start alike, and go without noise.
        model = jem(style(), constant, noise=0.0)
        model.compile(keras.optimizers.SGD(0.1), jit_compile=jit)
        log = model.train_on_batch(images(8), np.arange(8) % CLASSES, return_dict=True)
        return log, model.get_weights()

    (log, weights), (log_xla, weights_xla) = step(False), step(True)
    assert log_xla == pytest.approx(log, rel=1e-3, abs=1e-4)
    for plain, compiled in zip(weights, weights_xla, strict=True):
        np.testing.assert_allclose(plain, compiled, atol=1e-4)


def test_weights_are_a_function_of_the_seed(style):
    first, again = style().get_weights(), style().get_weights()
    other = networks.build("convnet-8", SHAPE, CLASSES, seed=2).get_weights()
    kernels = networks.build("convnet-8", SHAPE, CLASSES, seed=1).get_weights()
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert all((one != two).any() for one, two in zip(kernels, other, strict=True))


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("wrn-28-10", 36_471_338), ("wrn-28-2", 1_466_026), ("wrn-16-4", 2_747_530)],
)
def test_wide_resnets_have_the_papers_parameters(name, parameters):
    assert networks.build(name, (32, 32, 3), 10).count_params() == parameters


def test_a_wide_resnets_layers_have_the_shapes_of_the_paper():
    # WRN-16-2 by hand: conv 16; groups 32, 64, 128 of two blocks; the stride on the 2nd
    # convolution of a group's first block; there a 1x1 shortcut on the raw input.
    expected = [(32, 16, 3)]
    for size, filters in ((32, 32), (16, 64), (8, 128)):
        before = size if size == 32 else 2 * size
        expected += [(before, filters, 3), (size, filters, 3), (size, filters, 1)]
        expected += [(size, filters, 3), (size, filters, 3)]
    network = networks.build("wrn-16-2", (32, 32, 3), 10)
    made = [
        (layer.output.shape[1], layer.filters, layer.kernel_size[0])
        for layer in convolutions(network)
        if layer.use_bias
    ]
    assert made == expected
    assert not any("norm" in layer.name for layer in network.layers)


def test_a_blocks_shortcut_starts_at_its_raw_input():
    stem, _, _, shortcut, *_ = convolutions(networks.build("wrn-10-2", (8, 8, 3), 10))
    assert shortcut.kernel_size == (1, 1)
    assert shortcut.input is stem.output


def test_a_strided_convolution_pads_as_pytorch_does():
    network = networks.build("wrn-10-1", (4, 4, 1), 2)
    strided = next(x for x in convolutions(network) if x.strides == (2, 2))
    kernel, bias = strided.get_weights()
    x = tf.random.stateless_normal([1, 4, 4, kernel.shape[2]], [0, 0])
    padded = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)])
    corner = np.einsum("hwc,hwco->o", padded[0, :3, :3], kernel) + bias
    convolve = keras.Model(strided.input, strided.output)  # behind the ZeroPadding2D
    np.testing.assert_allclose(convolve(padded)[0, 0, 0], corner, atol=1e-5)
    assert convolve(padded).shape[1:3] == (2, 2)


def test_the_papers_network_starts_within_its_bounds():
    network = networks.build("wrn-10-1", (32, 32, 3), 10)
    for layer in network.layers:
        if layer.weights:
            kernel, bias = layer.get_weights()
            bound = np.prod(kernel.shape[:-1]) ** -0.5
            assert bound * 0.8 < np.abs(kernel).max() <= bound
            assert np.abs(bias).max() <= bound


@pytest.mark.parametrize("name", ["convnet-8", "wrn-10-1"])
@pytest.mark.parametrize("shape", [(4, 4, 1), (9, 7, 2), (28, 28, 1)])
def test_input_size_and_channels_are_free(name, shape):
    network = networks.build(name, shape, 3)
    assert network(tf.zeros([2, *shape])).shape == (2, 3)


@pytest.mark.parametrize(
    ("name", "style", "says"),
    [
        ("resnet", {}, "no network 'resnet'"),
        ("wrn-12-2", {}, "wrn-12-2 does not exist"),
        ("wrn-28-0", {}, "wrn-28-0 does not exist"),
        ("convnet-9", {}, "convnet-9 does not exist"),
        ("convnet", {"norm": "spectral"}, "norm is 'spectral'"),
        ("convnet", {"activation": "relu"}, "activation is 'relu'"),
    ],
)
def test_networks_that_do_not_exist_are_refused(name, style, says):
    with pytest.raises(InputError, match=says):
        networks.build(name, SHAPE, CLASSES, **style)
