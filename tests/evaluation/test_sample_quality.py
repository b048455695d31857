"""FID, KID and Inception Score of samples against a reference."""

import numpy as np
import pytest

from jem_tf import datasets, networks
from jem_tf.evaluation import features, reference, sample_quality
from jem_tf.metrics import inception


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


def test_thirds_by_age_are_measured_each_as_if_it_were_all():
    rng = np.random.default_rng(0)
    real = rng.normal(size=[300, 4]).astype("float32")
    mu, sigma = inception.statistics(real)
    made = reference.Reference(mu, sigma, 300, real)
    ages = rng.permutation(90)
    samples = (rng.normal(size=[90, 4]) + ages[:, None] / 30).astype("float32")
    metrics = sample_quality.fidelity_by_age(samples, ages, made)
    for i, name in enumerate(("young", "middle", "old")):
        own = samples[(ages >= 30 * i) & (ages < 30 * i + 30)]
        fid = inception.frechet_distance(*inception.statistics(own), mu, sigma)
        assert metrics[f"fid_{name}"] == pytest.approx(fid)
        assert metrics[f"chain_age_{name}"] == 30 * i + 14.5
    assert metrics["fid_young"] < metrics["fid_middle"] < metrics["fid_old"]
    assert metrics["kid_young"] < metrics["kid_middle"] < metrics["kid_old"]


def test_a_third_too_small_for_a_covariance_has_no_fid(network, images):
    made = reference.compute_reference(images, network)
    ages = np.arange(60)
    metrics = sample_quality.evaluate_fidelity(images, network, made, ages=ages)
    assert network.width >= 20
    assert "fid_young_network" not in metrics
    assert np.isfinite(metrics["kid_old_network"])
    assert metrics["chain_age_middle"] == 29.5
