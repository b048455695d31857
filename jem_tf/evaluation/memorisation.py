"""Has the model memorised training images? Samples' distances to them, and real ones'.

A sample that copies a training image is nearer to it than an image is that the model
has not seen. The distances of held-out images to their nearest training images are
therefore the baseline. In pixels smooth images are near to all others, copied or not,
which is why features are compared as well.

Letters: n samples, m held-out images, N training images, D features.
"""

from typing import Any

import numpy as np

from jem_tf.datasets import Dataset
from jem_tf.evaluation import neighbours
from jem_tf.evaluation.features import FeatureNetwork
from jem_tf.evaluation.reference import take_evenly
from jem_tf.metrics import intervals, ood, ood_intervals

MOST = 2000  # samples, and held-out images
QUANTILE = 0.01  # of the held-out images' distances: samples within count as copies
DEFINITIONS = {
    "distance": "L2 to the nearest training image, of pixels in [-1, 1] or of features",
    "samples": "mean distance of the samples",
    "held_out": "mean distance of the held-out images, of which the model saw none",
    "nearer": "share of the pairs of a sample and a held-out image where the sample's "
    "distance is the smaller, a tie counting half; .5 is that of new real images; "
    "interval: DeLong's, of log odds",
    "copies": f"share of the samples within the distance that {QUANTILE} of the "
    f"held-out images are within; {QUANTILE} is that of new real images; interval: "
    "Wilson's over the samples",
    "copies_by_chance": "what copies exceeds in 2.5% of draws if samples are as far "
    "from training images as held-out images are: beta-binomial; large where held-out "
    "images are few",
}


def evaluate_memorisation(
    samples: np.ndarray,
    seen: np.ndarray,
    train: np.ndarray | None,
    data: Dataset,
    network: FeatureNetwork,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Compares samples with training images, in pixels and in features.

    Args:
      samples: uint8 [N, H, W, C], in random order.
      seen: float32 [N, D], their features.
      train: float32 [n, D], features of training images; None leaves features out.
      data: has the training images, and the test images, which are held out.
      network: computed the features.

    Returns:
      (metrics as of `compare_distances`, their protocol).
    """
    metrics, protocol = compare_pixels(samples, data), describe(data, len(samples))
    if train is None:
        protocol["features"] = "left out: the reference is not of the training images"
        return metrics, protocol
    metrics |= compare_features(seen, train, data, network)
    return metrics, protocol | {"training_images_features": len(train)}


def compare_pixels(samples: np.ndarray, data: Dataset) -> dict[str, Any]:
    """Compares the distances to training images in pixels.

    Where the model is trained on mirrored images too, the nearer of an image and its
    mirror image counts.

    Args:
      samples: uint8 [N, H, W, C], in random order; the first MOST count.
      data: has the training images, and the test images, which are held out.

    Returns:
      As `compare_distances`, with {"memorisation/pixels/..."}.
    """
    train = np.asarray(data.train.images)

    def distances(images: np.ndarray) -> np.ndarray:
        both = [images, images[:, :, ::-1]] if data.flip else [images]
        found = [neighbours.find_nearest(x, train, 1)[1][:, 0] for x in both]
        return np.min(found, axis=0)

    held_out = held_out_images(data, len(samples))
    return compare_distances(distances(samples[:MOST]), distances(held_out), "pixels")


def compare_features(
    samples: np.ndarray, train: np.ndarray, data: Dataset, network: FeatureNetwork
) -> dict[str, Any]:
    """Compares the distances to training images in features.

    Args:
      samples: float32 [n, D], in random order; the first MOST count.
      train: float32 [N, D], of training images.
      data: has the test images, which are held out.
      network: computes their features.

    Returns:
      As `compare_distances`, with {"memorisation/features.../..."}, where the network's
      suffix stands for the dots.
    """
    images = held_out_images(data, len(samples))
    held_out = network.extract(images, what="held-out images").features
    own, real = (
        neighbours.find_nearest_rows(x, train)[1][:, 0]
        for x in (samples[:MOST], held_out)
    )
    return compare_distances(own, real, f"features{network.suffix}")


def describe(data: Dataset, count: int) -> dict[str, Any]:
    """Describes the comparisons of `count` samples in a protocol."""
    return DEFINITIONS | {
        "samples_compared": min(count, MOST),
        "held_out_images": len(held_out_images(data, count)),
        "held_out_of": data.test_source,
        "training_images_pixels": len(data.train.labels),
        "mirrored": "in pixels, the nearer of an image and its mirror image"
        if data.flip
        else "no",
    }


def held_out_images(data: Dataset, count: int) -> np.ndarray:
    """Test images uint8 [m, H, W, C], evenly spaced; m is `count` or MOST at most."""
    return take_evenly(np.asarray(data.test.images), min(count, MOST))


def compare_distances(
    samples: np.ndarray, held_out: np.ndarray, name: str
) -> dict[str, Any]:
    """Compares distances float [n] of samples with those [m] of held-out images.

    Args:
      samples: float [n], distances to the nearest training images.
      held_out: float [m], the same of the held-out images.
      name: of what the distances are of, for the metrics' names.

    Returns:
      {"memorisation/<name>/samples", ".../held_out", ".../nearer", ".../copies": see
      DEFINITIONS; ".../nearer_ci", ".../copies_ci": [low, high]; and
      ".../copies_by_chance"}.
    """
    # Between two distances would be too far.
    near = samples <= np.quantile(held_out, QUANTILE, method="lower")
    metrics = {
        "samples": float(np.mean(samples)),
        "held_out": float(np.mean(held_out)),
        "nearer": ood.auroc(held_out, samples),
        "nearer_ci": ood_intervals.auroc_interval(held_out, samples),
        "copies": float(np.mean(near)),
        "copies_ci": intervals.proportion(np.sum(near), len(samples)),
        "copies_by_chance": copies_by_chance(len(samples), len(held_out)),
    }
    return {f"memorisation/{name}/{key}": value for key, value in metrics.items()}


def copies_by_chance(samples: int, held_out: int) -> float:
    """Computes what the share of copies exceeds in 2.5% of draws by chance alone.

    The distance is the k-th of m held-out ones, in ascending order. If the n samples
    are drawn as these are, the number of them within it is beta-binomial (n, k, m + 1 -
    k), whatever the distances' distribution (David & Nagaraja 2003, "Order Statistics",
    section 7.3, on exceedances).

    Args:
      samples: n.
      held_out: m.

    Returns:
      A share in [0, 1].
    """
    import scipy.stats

    k = int(QUANTILE * (held_out - 1)) + 1
    hits = scipy.stats.betabinom(samples, k, held_out + 1 - k)
    return float(hits.ppf((1 + intervals.CONFIDENCE) / 2)) / samples
