"""FID, KID and Inception Score of samples against a reference."""

import keras
import numpy as np
import pytest
import scipy.linalg

from jem_tf import datasets, networks
from jem_tf.evaluation import features, reference, sample_quality
from jem_tf.metrics import fid_kid, manifold


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
    for name in ("precision", "recall", "coverage"):
        assert metrics[f"{name}_network"] == 1
    assert metrics["density_network"] == pytest.approx(6 / 5)
    assert far["density_network"] < 1
    assert metrics["manifold_images"] == 60
    assert set(metrics) == {
        "fid_network",
        "fid_network_std",
        "kid_network",
        "kid_network_std",
        "precision_network",
        "precision_network_ci",
        "recall_network",
        "recall_network_ci",
        "density_network",
        "density_network_std",
        "coverage_network",
        "coverage_network_ci",
        "manifold_images",
        "inception_score_network",
        "inception_score_network_std",
        "samples",
        "reference_images",
    }


def test_what_there_is_no_ground_for_is_left_out(network, images):
    made = reference.compute_reference(images, network)
    bare = made._replace(features=None, num_images=None)
    metrics = sample_quality.evaluate_fidelity(images, network, bare)
    without = {"kid_network", "precision_network", "reference_images"}
    assert set(metrics) & without == set()
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
    mu, sigma = fid_kid.statistics(real)
    made = reference.Reference(mu, sigma, 300, real)
    ages = rng.permutation(90)
    samples = (rng.normal(size=[90, 4]) + ages[:, None] / 30).astype("float32")
    metrics = sample_quality.fidelity_by_age(samples, ages, made)
    for i, name in enumerate(("young", "middle", "old")):
        own = samples[(ages >= 30 * i) & (ages < 30 * i + 30)]
        fid = fid_kid.frechet_distance(*fid_kid.statistics(own), mu, sigma)
        assert metrics[f"fid_{name}"] == pytest.approx(fid)
        assert metrics[f"chain_age_{name}"] == 30 * i + 14.5
    assert metrics["fid_young"] < metrics["fid_middle"] < metrics["fid_old"]
    assert metrics["kid_young"] < metrics["kid_middle"] < metrics["kid_old"]


def test_the_fid_is_pytorch_fids_of_the_same_features():
    """mu by np.mean, sigma by np.cov(rowvar=False), the root by scipy's sqrtm."""
    keras.utils.set_random_seed(0)
    pixels = keras.Input((8, 8, 1))
    hidden = keras.layers.Dense(32, "softplus")(keras.layers.Flatten()(pixels))
    network = features.Penultimate(keras.Model(pixels, keras.layers.Dense(10)(hidden)))
    data = datasets.load("digits")
    images = {"real": data.train.images, "samples": data.test.images}
    seen = {k: network.extract(np.asarray(x)).features for k, x in images.items()}
    mu, sigma = (
        {k: f(x) for k, x in seen.items()} for f in (column_means, columns_cov)
    )
    root = scipy.linalg.sqrtm(sigma["samples"] @ sigma["real"]).real
    theirs = np.sum((mu["samples"] - mu["real"]) ** 2)
    theirs += np.trace(sigma["samples"] + sigma["real"] - 2 * root)
    made = reference.compute_reference(np.asarray(images["real"]), network)
    ours = sample_quality.evaluate_fidelity(
        np.asarray(images["samples"]), network, made
    )
    assert theirs > 0.01
    assert ours["fid_infinity_network"] < ours["fid_network"]
    assert ours["fid_network"] == pytest.approx(theirs, abs=1e-3 * min(theirs, 1))


def column_means(features):
    return np.mean(features.astype("float64"), axis=0)


def columns_cov(features):
    return np.cov(features, rowvar=False)


def test_manifolds_are_of_equally_many_images():
    rng = np.random.default_rng(0)
    real, samples = (rng.normal(size=[n, 3]) for n in (50, 30))
    metrics = sample_quality.compare_manifolds(real, samples)
    assert metrics["manifold_images"] == 30
    own = manifold.compare(real[:30], samples)
    assert metrics == own._asdict() | {"manifold_images": 30}


def test_a_third_too_small_for_a_covariance_has_no_fid(network, images):
    made = reference.compute_reference(images, network)
    ages = np.arange(60)
    metrics = sample_quality.evaluate_fidelity(images, network, made, ages=ages)
    assert network.width >= 20
    assert "fid_young_network" not in metrics
    assert np.isfinite(metrics["kid_old_network"])
    assert metrics["chain_age_middle"] == 29.5
