"""The frozen graph's reader, on a small graph with the same nodes."""

import hashlib

import numpy as np
import pytest
import scipy.special
import tensorflow as tf

from jem_tf.errors import InputError
from jem_tf.evaluation import inception_network

tf1 = tf.compat.v1
CLASSES = 11
RANDOM = np.random.default_rng(0)
KERNEL = RANDOM.normal(size=[3, 3, 3, inception_network.WIDTH]).astype("float32") / 30
WEIGHTS = RANDOM.normal(size=[inception_network.WIDTH, CLASSES]).astype("float32") / 10


def frozen(path, pool="pool_3", *, softmax=True, width=inception_network.WIDTH):
    """A graph of those names, built like the original: for one image, and outdated."""
    with tf.Graph().as_default() as graph:
        file = tf1.placeholder(tf.string, [], name="DecodeJpeg/contents")
        image = tf.cast(tf.image.decode_jpeg(file, 3), tf.float32)
        one = tf.expand_dims(image, 0, name="ExpandDims")
        resized = tf1.image.resize_bilinear(one / 255, [12, 12])
        x = tf.nn.conv2d(resized, KERNEL[..., :width], 2, "VALID", name="Conv2D")
        x = tf.reduce_mean(tf.nn.relu(x, name="Relu"), [1, 2], keepdims=True, name=pool)
        if softmax:
            x = tf.reshape(x, tf.constant([1, width], name=f"{pool}/_reshape/shape"))
            tf.nn.softmax(tf.matmul(x, WEIGHTS), name="softmax")
    graph_def = graph.as_graph_def()
    _normalise(graph_def, width)
    path.write_bytes(graph_def.SerializeToString())
    return path


def _normalise(graph_def, width):
    """Puts a normalisation behind the convolution that TensorFlow has given up."""
    given = ["Conv2D"]
    for name, value in (("mean", 0), ("variance", 0.999), ("beta", 0), ("gamma", 1)):
        constant = graph_def.node.add(name=name, op="Const")
        values = np.full([width], value, "float32")
        constant.attr["dtype"].type = tf.float32.as_datatype_enum
        constant.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(values))
        given.append(name)
    old = graph_def.node.add(name="old", op="BatchNormWithGlobalNormalization")
    old.input.extend(given)
    old.attr["T"].type = tf.float32.as_datatype_enum
    old.attr["variance_epsilon"].f = 0.001
    old.attr["scale_after_normalization"].b = False
    next(node for node in graph_def.node if node.name == "Relu").input[0] = "old"
    graph_def.versions.producer = 8


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    return frozen(tmp_path_factory.mktemp("graph") / "graph.pb")


@pytest.fixture
def images():
    return np.random.default_rng(1).integers(0, 256, [7, 32, 32, 3], "uint8")


@pytest.mark.parametrize("bfloat16", [False, True])
def test_nothing_depends_on_the_batch_size(graph, images, bfloat16):
    network = inception_network.Inception(graph, bfloat16=bfloat16)
    whole = network.extract(images)
    assert whole.features.shape == (7, inception_network.WIDTH)
    assert whole.features.dtype == "float32"
    assert np.isfinite(whole.features).all()
    for batched, at_once in zip(
        network.extract(images, batch_size=3), whole, strict=True
    ):
        np.testing.assert_allclose(batched, at_once, atol=1e-5)


def test_predictions_are_the_graphs_softmax_of_its_features(graph, images):
    network = inception_network.Inception(graph)
    seen = network.extract(images)
    expected = scipy.special.softmax(seen.features @ WEIGHTS, axis=1)
    np.testing.assert_allclose(seen.probabilities, expected, rtol=1e-3)
    assert network.has_softmax
    assert network.protocol()["predictions"].startswith("softmax:0")


def test_a_graph_without_softmax_gives_the_same_features_and_no_predictions(
    tmp_path, graph, images
):
    network = inception_network.Inception(frozen(tmp_path / "short.pb", softmax=False))
    seen = network.extract(images)
    np.testing.assert_array_equal(
        seen.features, inception_network.Inception(graph).extract(images).features
    )
    assert seen.probabilities is None
    assert not network.has_softmax
    assert "was left out" in network.protocol()["predictions"]


def test_grayscale_is_seen_as_gray(graph, images):
    network, gray = inception_network.Inception(graph), images[..., :1]
    np.testing.assert_array_equal(
        network.extract(gray).features, network.extract(gray.repeat(3, -1)).features
    )
    with pytest.raises(InputError, match="1 or 3 channels, not 2; use the features of"):
        network.extract(images[..., :2])


def test_bfloat16_is_near_float32_and_not_the_same(graph, images):
    exact = inception_network.Inception(graph).extract(images).features
    network = inception_network.Inception(graph, bfloat16=True)
    near = network.extract(images).features
    np.testing.assert_allclose(near, exact, atol=0.02 * np.abs(exact).max())
    assert network.protocol()["precision"] == "bfloat16"
    assert not tf.config.optimizer.get_experimental_options().get(
        "auto_mixed_precision_onednn_bfloat16"
    )


def test_the_protocol_has_the_files_checksum(graph):
    network = inception_network.Inception(graph)
    expected = hashlib.sha256(graph.read_bytes()).hexdigest()
    assert network.protocol()["sha256"] == expected


def test_the_precision_asked_for_is_taken():
    assert inception_network.in_bfloat16("bfloat16")
    assert not inception_network.in_bfloat16("float32")


def test_images_too_small_for_inception_are_refused():
    inception_network.check_size(np.zeros([1, 32, 32, 3]), "cifar10")
    with pytest.raises(
        InputError, match=r"8 x 8 images of dataset=digits; use the features of"
    ):
        inception_network.check_size(np.zeros([1, 8, 8, 1]), "digits")
    with pytest.raises(InputError, match=r"8 x 8 images .*; give larger ones\.$"):
        inception_network.check_size(
            np.zeros([1, 8, 8, 1]), "digits", remedy="give larger ones"
        )


def refused(path):
    with pytest.raises(InputError) as raised:
        inception_network.Inception(path)
    assert "\n" not in str(raised.value)
    assert str(path) in str(raised.value)
    return str(raised.value)


def test_what_is_no_such_graph_is_refused(tmp_path, graph):
    assert "cannot be read" in refused(tmp_path / "none.pb")
    (tmp_path / "text.pb").write_text("not a graph at all")
    assert "is no frozen graph" in refused(tmp_path / "text.pb")
    (tmp_path / "empty.pb").touch()
    assert "is no frozen graph" in refused(tmp_path / "empty.pb")
    (tmp_path / "cut.pb").write_bytes(graph.read_bytes()[:-1000])
    assert "is no frozen graph" in refused(tmp_path / "cut.pb")
    assert "pool_3" in refused(frozen(tmp_path / "other.pb", pool="pool_4"))
    narrow = frozen(tmp_path / "narrow.pb", softmax=False, width=64)
    assert "(1, 1, 1, 64)" in refused(narrow)
