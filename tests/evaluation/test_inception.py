"""The frozen graph's reader, on a small graph with the same nodes."""

import numpy as np
import pytest
import tensorflow as tf

from jem_tf.errors import InputError
from jem_tf.evaluation import inception


def frozen(path, pool="pool_3"):
    """A graph of those names: resizes, convolves, pools."""
    kernel = np.random.default_rng(0).normal(size=[3, 3, 3, inception.WIDTH]) / 30
    with tf.Graph().as_default() as graph:
        images = tf.compat.v1.placeholder(
            tf.float32, [None, None, None, 3], name="ExpandDims"
        )
        resized = tf.compat.v1.image.resize_bilinear(images / 255, [12, 12])
        x = tf.nn.relu(tf.nn.conv2d(resized, kernel.astype("float32"), 2, "VALID"))
        tf.reduce_mean(x, [1, 2], keepdims=True, name=pool)
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return path


@pytest.fixture
def images():
    return np.random.default_rng(1).integers(0, 256, [7, 32, 32, 3], "uint8")


@pytest.mark.parametrize("bfloat16", [False, True])
def test_features_do_not_depend_on_the_batch_size(tmp_path, images, bfloat16):
    network = inception.Inception(frozen(tmp_path / "graph.pb"), bfloat16=bfloat16)
    whole = network.features(images)
    assert whole.shape == (7, inception.WIDTH)
    assert np.isfinite(whole).all()
    np.testing.assert_allclose(network.features(images, batch_size=3), whole, atol=1e-5)


def test_bfloat16_is_near_float32_and_ends_with_the_call(tmp_path, images):
    path = frozen(tmp_path / "graph.pb")
    exact = inception.Inception(path).features(images)
    rounded = inception.Inception(path, bfloat16=True).features(images)
    np.testing.assert_allclose(rounded, exact, atol=0.02 * np.abs(exact).max())
    assert not tf.config.optimizer.get_experimental_options()[inception.BFLOAT16]


def refused(path):
    with pytest.raises(InputError) as raised:
        inception.Inception(path)
    assert "\n" not in str(raised.value)
    assert str(path) in str(raised.value)
    return str(raised.value)


def test_what_is_no_such_graph_is_refused(tmp_path):
    assert "cannot be read" in refused(tmp_path / "none.pb")
    (tmp_path / "text.pb").write_text("not a graph at all")
    assert "is no frozen graph" in refused(tmp_path / "text.pb")
    assert "pool_3" in refused(frozen(tmp_path / "other.pb", pool="pool_4"))
