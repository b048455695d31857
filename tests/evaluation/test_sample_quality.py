"""FID, KID and Inception Score of samples against a reference."""

import numpy as np
import pytest

from jem_tf import datasets, networks
from jem_tf.evaluation import features, reference, sample_quality


@pytest.fixture(scope="module")
def network():
    return features.Penultimate(networks.build("convnet-8", (8, 8, 1), 10))


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, [60, 8, 8, 1], "uint8")


def test_samples_like_the_reference_are_near_it(network, images):
    made = reference.compute_reference(images, network)
    metrics = sample_quality.evaluate_fidelity(images, network, made)
    assert metrics["fid_network"] == pytest.approx(0, abs=1e-6)
    other = np.asarray(datasets.load("digits").test.images)[:60]
    far = sample_quality.evaluate_fidelity(other, network, made)
    assert far["fid_network"] > metrics["fid_network"]
    assert set(metrics) == {
        "fid_network",
        "fid_network_std",
        "kid_network",
        "kid_network_std",
        "inception_score_network",
        "inception_score_network_std",
        "samples",
        "reference_images",
    }


def test_what_there_is_no_ground_for_is_left_out(network, images):
    made = reference.compute_reference(images, network)
    bare = made._replace(features=None, num_images=None)
    metrics = sample_quality.evaluate_fidelity(images, network, bare)
    assert set(metrics) & {"kid_network", "reference_images"} == set()
    assert "fid_network" in metrics


def test_the_score_is_left_out_where_the_network_predicts_no_classes(network, images):
    class Silent(features.Penultimate):
        def _read(self, batch):
            return super()._read(batch)[0], None

    silent = Silent(networks.build("convnet-8", (8, 8, 1), 10))
    made = reference.compute_reference(images, silent)
    metrics = sample_quality.evaluate_fidelity(images, silent, made)
    assert not {name for name in metrics if name.startswith("inception_score")}
    assert {"fid_network", "kid_network"} < set(metrics)
