"""Murphy's decomposition of Brier's score.

Letters: N examples, K classes; logits float [N, K], labels int [N] in [0, K). For each
class the N probabilities fall into bins of equal width; n_b examples are in bin b, of
mean probability p_b, and o_b is the share of the class among them; o is its share among
all examples.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from jem_tf.metrics import calibration
from jem_tf.metrics.calibration import BINS


class Parts(NamedTuple):
    """Parts of Brier's score: reliability - resolution + uncertainty + within_bins.

    reliability: sum over classes and bins of n_b / N (p_b - o_b)^2; 0 if calibrated.
    resolution: sum of n_b / N (o_b - o)^2; high if the model tells examples apart.
    uncertainty: sum over classes of o (1 - o), which no model changes.
    within_bins: what the means over bins leave out, the variance of the probabilities
      in a bin less twice their covariance with the outcomes; it has either sign.
    """

    reliability: float
    resolution: float
    uncertainty: float
    within_bins: float


def decompose_brier(logits: ArrayLike, labels: ArrayLike, *, bins: int = BINS) -> Parts:
    """Decomposes `calibration.brier`, the sum over classes, in [0, 2].

    Source: Murphy (J. Applied Meteorology 12, 1973), for a forecast of few values; the
    last part is of Stephenson et al. (Weather and Forecasting 23, 2008), equation 8, so
    that the sum is exact for bins of different values.
    """
    probabilities, truth = calibration.one_vs_rest(logits, labels)
    n, classes = probabilities.shape
    places = calibration.bin_places(probabilities, bins) + bins * np.arange(classes)
    counts = np.bincount(places.ravel(), minlength=bins * classes)
    full = counts > 0
    weights = counts[full] / n
    p, o = (
        np.bincount(places.ravel(), x.ravel(), bins * classes)[full] / counts[full]
        for x in (probabilities, truth)
    )
    base = truth.mean(axis=0)
    reliability = float(np.sum(weights * (p - o) ** 2))
    resolution = float(np.sum(weights * (o - np.repeat(base, bins)[full]) ** 2))
    uncertainty = float(np.sum(base * (1 - base)))
    whole = float(np.mean(np.sum((probabilities - truth) ** 2, axis=1)))
    within = whole - (reliability - resolution + uncertainty)
    return Parts(reliability, resolution, uncertainty, within)
