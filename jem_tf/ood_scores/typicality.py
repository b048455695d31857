"""How typical an image's log p(x), score norm and confidence are, together.

A Gaussian is fitted to t = (log p(x), log ||d log p(x) / dx||, log-odds of max p(y|x))
of validation images; the score is its log density up to a constant. So an image counts
as an outlier if log p(x) is too high, too. Source: Morningstar et al., AISTATS 2021
(arXiv 2006.09273), section 3, with a Gaussian as the density of the statistics.
"""

import numpy as np
import tensorflow as tf

from jem_tf.ood_scores import log_px, max_p
from jem_tf.ood_scores.interface import Known, Outputs, Score, State
from jem_tf.ood_scores.whitening import whiten

LEAST = 1e-30  # of a norm, whose logarithm is taken
LEAST_VARIANCE = 1e-9  # of the largest one


def statistics(outputs: Outputs) -> tf.Tensor:
    """t: float32 [N, 3]."""
    norm = tf.maximum(tf.cast(outputs.score_norm, tf.float32), LEAST)
    three = (log_px.compute(outputs, {}), tf.math.log(norm), max_p.compute(outputs, {}))
    return tf.stack([tf.cast(one, tf.float32) for one in three], axis=1)


def fit(known: Known, state: State) -> dict[str, np.ndarray]:
    """Fits the Gaussian to the validation images.

    Returns:
      "mean" [3]; "whitening" [3, R], a root of the pseudo-inverse of the covariance.
    """
    values = statistics(known.validation.outputs).numpy().astype("float64")
    whitening = whiten(np.cov(values.T, bias=True), LEAST_VARIANCE)
    return {
        "typicality/mean": values.mean(axis=0).astype("float32"),
        "typicality/whitening": whitening.astype("float32"),
    }


def compute(outputs: Outputs, state: State) -> tf.Tensor:
    """-1/2 (t - mean)' S^-1 (t - mean), float32 [N] in nats, 0 at most."""
    centred = statistics(outputs) - state["typicality/mean"]
    white = tf.matmul(centred, state["typicality/whitening"])
    return -tf.reduce_sum(white**2, axis=1) / 2


SCORE = Score(
    compute,
    "log density of (log p(x), log ||d log p(x) / dx||, log-odds of max p(y|x)) under "
    "a Gaussian fitted on validation images; takes a gradient",
    fit,
    "validation",
    gradient=True,
)
