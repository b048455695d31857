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
THIRDS = ("young", "middle", "old")
BY_AGE = (
    "thirds of the samples by the age of their chains; the FID of a third is larger "
    "than that of all for its fewer images, and left out if they are no more than the "
    "features"
)


def evaluate_fidelity(
    images: np.ndarray,
    network: FeatureNetwork,
    reference: Reference,
    *,
    ages: np.ndarray | None = None,
) -> dict[str, Any]:
    """Compares samples with a reference, by the features of a network.

    Args:
      images: uint8 [N, H, W, C], in random order.
      network: computes the features.
      reference: statistics of real images, by the same network.
      ages: int [N], of the chains whose ends the images are, or None.

    Returns:
      {"fid", "fid_std", "kid", "kid_std", "inception_score", "inception_score_std",
      each with the network's suffix, "samples", "reference_images"}. KID is missing if
      the reference has no features, and the Inception Score if the network has no
      predictions. With ages also the `fidelity_by_age`.

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
    if ages is not None:
        for name, x in fidelity_by_age(samples.features, ages, reference).items():
            own = name.startswith("chain_age")  # whatever the network
            metrics[name if own else f"{name}{network.suffix}"] = x
    counts = {"samples": len(images), "reference_images": reference.num_images}
    return metrics | {name: n for name, n in counts.items() if n is not None}


def fidelity_by_age(
    samples: np.ndarray, ages: np.ndarray, reference: Reference
) -> dict[str, float]:
    """Compares each third of samples, by age, with a reference; see BY_AGE.

    Args:
      samples: float32 [N, D], features in random order.
      ages: int [N].
      reference: statistics of real images' features.

    Returns:
      {"fid_young", "kid_young", "chain_age_young": the mean age; the same of "middle"
      and "old"}; FID is missing if a third has no more than D images, and KID if the
      reference has no features or a third has fewer than 20 images.
    """
    metrics, order = {}, np.argsort(ages, kind="stable")
    for name, places in zip(THIRDS, np.array_split(order, 3), strict=True):
        some = samples[np.sort(places)]
        metrics[f"chain_age_{name}"] = float(np.mean(ages[places]))
        if len(some) > some.shape[1]:
            own = inception.statistics(some)
            metrics[f"fid_{name}"] = inception.frechet_distance(
                *own, reference.mu, reference.sigma
            )
        if reference.features is not None and len(some) >= 2 * inception.LEAST_BLOCKS:
            real = sample_sources.shuffle(reference.features, len(reference.features))
            metrics[f"kid_{name}"] = inception.kernel_distance(some, real, BLOCK)[0]
    return metrics
