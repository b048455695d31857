"""The authors' tensors as ours, from arrays: nothing here takes PyTorch."""

import numpy as np
import pytest

from jem_tf import networks
from jem_tf.errors import InputError
from jem_tf.pytorch import conversion
from tests.pytorch import authors

SIZES = [(10, 1, 10), (10, 2, 100), (16, 1, 7), (22, 3, 2)]


def converted(state, images=None):
    return conversion.convert_weights(state, images, source="a.pt")


def refused(state, images=None):
    with pytest.raises(InputError) as raised:
        converted(state, images)
    message = str(raised.value)
    assert "\n" not in message
    assert message.startswith("a.pt ")
    return message


@pytest.mark.parametrize(("depth", "width", "classes"), SIZES)
def test_depth_width_and_classes_are_those_of_the_tensors(depth, width, classes):
    original = converted(authors.state(depth, width, classes))
    assert original.network == f"wrn-{depth}-{width}"
    assert original.num_classes == classes
    assert original.images is None


@pytest.mark.parametrize(("depth", "width", "classes"), SIZES[:3])
def test_every_weight_of_our_network_gets_one_of_its_shape(depth, width, classes):
    original = converted(authors.state(depth, width, classes))
    network = networks.build(original.network, conversion.IMAGE_SHAPE, classes)
    shapes = {x.name: [w.shape for w in x.weights] for x in network.layers if x.weights}
    assert shapes == {n: [w.shape for w in ws] for n, ws in original.weights.items()}


def test_a_data_parallel_networks_prefix_is_passed_over():
    state = authors.state()
    bare = converted(state)
    prefixed = converted({f"module.{name}": state[name] for name in state})
    for layer, weights in bare.weights.items():
        for weight, same in zip(weights, prefixed.weights[layer], strict=True):
            np.testing.assert_array_equal(weight, same)


def test_heads_that_no_jem_reads_may_be_there_or_not():
    state = authors.state()
    heads = [n for n in state if n.startswith(("energy_output", "f.linear"))]
    assert len(heads) == 4
    for name in heads:
        del state[name]
    assert converted(state).network == "wrn-10-1"


def test_images_are_the_same_ones_with_channels_last():
    images = authors.images(5)
    pictures = converted(authors.state(), images).images
    assert (pictures.shape, pictures.dtype) == ((5, 32, 32, 3), np.float32)
    for channel in range(3):
        np.testing.assert_array_equal(pictures[..., channel], images[:, channel])


@pytest.mark.parametrize("count", [0, 1])
def test_no_image_is_no_buffer(count):
    pictures = converted(authors.state(), authors.images(count)).images
    assert (pictures is None) == (count == 0)


@pytest.mark.parametrize("kind", [np.float16, np.float64])
def test_weights_of_another_precision_become_float32(kind):
    state = {name: array.astype(kind) for name, array in authors.state().items()}
    original = converted(state, authors.images(2).astype(kind))
    assert {w.dtype for ws in original.weights.values() for w in ws} == {np.dtype("f4")}
    assert original.images.dtype == np.float32


@pytest.mark.parametrize("name", [n for n in authors.shapes() if "layer3" in n])
def test_a_missing_or_misshapen_tensor_is_named(name):
    state = authors.state()
    assert name in refused(state | {name: state[name][:-1]})
    assert name in refused(state | {name: state[name].astype(np.int32)})
    del state[name]
    assert name in refused(state)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e39])
def test_numbers_that_are_not_finite_are_refused(value):
    state, images = authors.state(), authors.images(2).astype(np.float64)
    weight = state["f.layer2.0.conv1.weight"].astype(np.float64)
    weight[0, 0, 0, 0] = images[1, 1, 1, 1] = value
    message = refused(state | {"f.layer2.0.conv1.weight": weight})
    assert "numbers in f.layer2.0.conv1.weight that are not finite" in message
    assert "numbers in replay_buffer that are not finite" in refused(state, images)


@pytest.mark.parametrize("name", ["f.bn1.weight", "f.layer1.0.bn2.running_mean"])
def test_normalisation_is_refused_by_name(name):
    message = refused(authors.state() | {name: np.ones(16, np.float32)})
    assert "has normalisation layers" in message
    assert name in message


@pytest.mark.parametrize("name", ["f.layer1.1.conv2.weight", "head\n", "f.layer4", ""])
def test_what_is_no_part_of_the_network_is_refused(name):
    message = refused(authors.state() | {name: np.ones([2, 2], np.float32)})
    assert f"holds {name!r}, which is no part of such a network" in message


@pytest.mark.parametrize("state", [{}, {"fc.weight": np.ones([10, 2])}])
def test_another_network_is_refused(state):
    assert "holds no f.layer1.0.conv1.weight, so it is no" in refused(state)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("f.layer1.0.conv1.weight", (8, 16, 3, 3)),
        ("f.layer1.0.conv1.weight", (17, 16, 3, 3)),
        ("f.layer1.0.conv1.weight", (0,)),
        ("f.layer1.0.conv1.weight", ()),
        ("class_output.weight", (1, 64)),
    ],
)
def test_sizes_that_no_such_network_has_are_refused(name, shape):
    refused(authors.state() | {name: np.ones(shape, np.float32)})


@pytest.mark.parametrize(
    "images",
    [
        np.ones([4, 32, 32, 3], np.float32),
        np.ones([4, 3, 28, 28], np.float32),
        np.ones([4, 3, 32, 32], np.uint8),
        np.float32(1),
    ],
)
def test_a_buffer_of_something_else_is_refused(images):
    assert "has a replay buffer of" in refused(authors.state(), images)
