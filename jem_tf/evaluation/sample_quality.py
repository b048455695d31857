"""How near are samples to real images? FID, KID and Inception Score."""

from typing import Any

import numpy as np

from jem_tf.evaluation import sample_sources
from jem_tf.evaluation.features import FeatureNetwork
from jem_tf.evaluation.reference import Reference
from jem_tf.metrics import inception

SPLITS, GROUPS, BLOCK = 10, 10, 1000
DEFINITIONS = {
    "fid": "Heusel et al. 2017, equation 6, full covariances over N - 1",
    "fid_std": f"jackknife over {GROUPS} groups of samples; the reference is exact",
    "kid": "Binkowski et al. 2018, unbiased, kernel (x.y/D + 1)^3, mean over disjoint "
    f"blocks of at most {BLOCK}",
    "kid_std": "standard error of that mean",
    "inception_score": f"Salimans et al. 2016, mean over {SPLITS} splits",
    "inception_score_std": "over the splits",
}


def evaluate_fidelity(
    images: np.ndarray, network: FeatureNetwork, reference: Reference
) -> dict[str, Any]:
    """Compares samples with a reference, by the features of a network.

    Args:
      images: uint8 [N, H, W, C], in random order.
      network: computes the features.
      reference: statistics of real images, by the same network.

    Returns:
      {"fid", "fid_std", "kid", "kid_std", "inception_score", "inception_score_std",
      each with the network's suffix, "samples", "reference_images"}. KID is missing if
      the reference has no features, and the Inception Score if the network has no
      predictions.

    Raises:
      InputError: if there are too few images for one of them.
    """
    samples, results = network.extract(images, what="samples"), {}
    results["fid"] = inception.frechet_jackknife(
        samples.features, reference.mu, reference.sigma, GROUPS
    )
    if reference.features is not None:
        real = sample_sources.shuffle(reference.features, len(reference.features))
        results["kid"] = inception.kernel_distance(samples.features, real, BLOCK)
    if samples.probabilities is not None:
        probabilities = samples.probabilities
        results["inception_score"] = inception.inception_score(probabilities, SPLITS)
    metrics: dict[str, Any] = {}
    for name, (value, deviation) in results.items():
        metrics[f"{name}{network.suffix}"] = value
        metrics[f"{name}{network.suffix}_std"] = deviation
    counts = {"samples": len(images), "reference_images": reference.num_images}
    return metrics | {name: n for name, n in counts.items() if n is not None}
