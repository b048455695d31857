"""How near are samples to real images? FID, KID and Inception Score."""

from jem_tf.errors import InputError
from jem_tf.evaluation import sample_sets
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


def check_count(count, network, flags="--count or --limit"):
    """Refuses so few images that features' covariance has no full rank."""
    if count <= network.width:
        raise InputError(
            f"{count} images are too few for a covariance of {network.width} features; "
            f"have more than {network.width} by {flags}."
        )


def measure(images, network, reference):
    """Measures samples against a reference, through a network.

    Args:
      images: uint8 [N, H, W, C], in an order at random.
      network: to look through, see `features`.
      reference: reference.Reference.

    Returns:
      {"fid", "fid_std", "kid", "kid_std", "inception_score", "inception_score_std",
      each with the network's suffix, "samples", "reference_images"}; without KID where
      the reference has no features, and without the score where the network has no
      predictions.
    """
    seen, found = network.read(images, what="samples"), {}
    found["fid"] = inception.frechet_jackknife(
        seen.features, reference.mu, reference.sigma, GROUPS
    )
    if reference.features is not None:
        real = sample_sets.shuffled(reference.features, len(reference.features))
        found["kid"] = inception.kernel_distance(seen.features, real, BLOCK)
    if seen.probabilities is not None:
        found["inception_score"] = inception.inception_score(seen.probabilities, SPLITS)
    metrics = {}
    for name, (value, deviation) in found.items():
        metrics[f"{name}{network.suffix}"] = value
        metrics[f"{name}{network.suffix}_std"] = deviation
    counts = {"samples": len(images), "reference_images": reference.count}
    return metrics | {name: n for name, n in counts.items() if n is not None}
