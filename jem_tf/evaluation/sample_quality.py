"""How near are samples to real images? FID, KID, IS, precision, recall and more."""

from typing import Any

import numpy as np

from jem_tf.evaluation import tables
from jem_tf.evaluation.features import FeatureNetwork, Features
from jem_tf.evaluation.reference import Reference
from jem_tf.metrics import fid_kid, manifold

SPLITS, GROUPS, BLOCK = 10, 10, 1000
DEFINITIONS = {
    "fid": "Heusel et al. 2017, equation 6, full covariances over N - 1",
    "fid_std": f"jackknife over {GROUPS} groups of samples; the reference is exact",
    "fid_infinity": "intercept at 1/N = 0 of the line through FID at N and the mean "
    "FID without a group (Chong & Forsyth 2020), standard error about fid_std; its "
    "correction is some 7% too large at N = 2 D, 5% at 2.4 D, 2% at 5 D; left out "
    "below N = 2 D",
    "kid": "Binkowski et al. 2018, unbiased, kernel (x.y/D + 1)^3, mean over disjoint "
    f"blocks of at most {BLOCK}",
    "kid_std": "standard error of that mean",
    "inception_score": f"Salimans et al. 2016, mean over {SPLITS} splits",
    "inception_score_std": "over the splits",
    "precision, recall": "Kynkaanniemi et al. 2019, closed balls, "
    f"k = {manifold.NEIGHBOURS}, as many real images as samples",
    "density, coverage": "Naeem et al. 2020, likewise; 1 and "
    f"{1 - 0.5**manifold.NEIGHBOURS:.3f} are expected of equal distributions",
    "their errors": "Wilson's intervals of the shares, the balls given; of density the "
    "standard error over the samples",
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
      {"fid", "fid_std", "fid_infinity", "kid", "kid_std", "inception_score",
      "inception_score_std" and what `compare_manifolds` returns, each with the
      network's suffix, "samples", "reference_images"}. KID and the manifolds are
      missing if the reference has no features, the Inception Score if the network has
      no predictions, and "fid_infinity" if there are too few samples. With ages also
      the `fidelity_by_age`.

    Raises:
      InputError: if there are too few images for one of them.
    """
    samples = network.extract(images, what="samples")
    return compare_features(samples, reference, suffix=network.suffix, ages=ages)


def compare_features(
    samples: Features,
    reference: Reference,
    *,
    suffix: str = "",
    ages: np.ndarray | None = None,
) -> dict[str, Any]:
    """Compares samples with a reference, as `evaluate_fidelity`, by their features.

    Args:
      samples: features of N samples in random order.
      reference: statistics of real images, by the same network.
      suffix: the network's.
      ages: int [N], of the chains whose ends the images are, or None.
    """
    features = samples.features
    results: dict[str, Any] = {}
    fid, deviation, infinity = fid_kid.frechet_jackknife(
        features, reference.mu, reference.sigma, GROUPS
    )
    results |= {"fid": fid, "fid_std": deviation}
    if infinity is not None:
        results["fid_infinity"] = infinity
    if (real := reference.compared()) is not None:
        kid = fid_kid.kernel_distance(features, real, BLOCK)
        results |= dict(zip(("kid", "kid_std"), kid, strict=True))
        results |= compare_manifolds(real, features)
    if samples.probabilities is not None:
        score = fid_kid.inception_score(samples.probabilities, SPLITS)
        names = ("inception_score", "inception_score_std")
        results |= dict(zip(names, score, strict=True))
    if ages is not None:
        results |= fidelity_by_age(features, ages, reference)
    metrics = {_named(name, suffix): value for name, value in results.items()}
    counts = {"samples": len(features), "reference_images": reference.num_images}
    return metrics | {name: n for name, n in counts.items() if n is not None}


def compare_manifolds(real: np.ndarray, samples: np.ndarray) -> dict[str, Any]:
    """Computes precision, recall, density and coverage of equally many images.

    Args:
      real: float32 [n, D], features in random order; the first N count.
      samples: float32 [N, D], the same; the first n count.

    Returns:
      {"manifold_images": min(n, N), and the fields of `manifold.Manifold`}.
    """
    count = min(len(real), len(samples))
    measured = manifold.compare(real[:count], samples[:count])
    return measured._asdict() | {"manifold_images": count}


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
    real = reference.compared()
    for name, places in zip(THIRDS, np.array_split(order, 3), strict=True):
        some = samples[np.sort(places)]
        metrics[f"chain_age_{name}"] = float(np.mean(ages[places]))
        if len(some) > some.shape[1]:
            own = fid_kid.statistics(some)
            metrics[f"fid_{name}"] = fid_kid.frechet_distance(
                *own, reference.mu, reference.sigma
            )
        if real is not None and len(some) >= 2 * fid_kid.LEAST_BLOCKS:
            metrics[f"kid_{name}"] = fid_kid.kernel_distance(some, real, BLOCK)[0]
    return metrics


def _named(name: str, suffix: str) -> str:
    """A metric's name with the network's suffix, before _std or _ci if it ends so."""
    if name.startswith("chain_age") or name == "manifold_images":
        return name  # whatever the network
    stem, ending = name, ""
    for beside in tables.BESIDE:
        if name.endswith(beside):
            stem, ending = name.removesuffix(beside), beside
    return f"{stem}{suffix}{ending}"
