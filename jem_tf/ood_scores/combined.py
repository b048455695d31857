"""Fisher's combination of log p(x) and nearest neighbours.

The p-value of an image under a score is the share of validation images that score no
higher, (1 + how many) / (1 + N). The combination is the sum of the logarithms: an image
that is an outlier by one score stays one, however high the other is. Source: Haroush et
al., ICLR 2022 (arXiv 2102.12967), section 3.3.
"""

import numpy as np
import tensorflow as tf

from jem_tf.ood_scores import knn, log_px
from jem_tf.ood_scores.interface import Known, Outputs, Score, State

PARTS = {"log_px": log_px.compute, "knn": knn.compute}


def fit(known: Known, state: State) -> dict[str, np.ndarray]:
    """Keeps the parts' scores of validation images, each float32 [N] ascending."""
    outputs = known.validation.outputs
    return {
        f"combined/{name}": np.sort(np.asarray(compute_part(outputs, state)))
        for name, compute_part in PARTS.items()
    }


def compute(outputs: Outputs, state: State) -> tf.Tensor:
    """The sum of the logarithms of the p-values, float32 [N], 0 at most."""
    logarithms = []
    for name, compute_part in PARTS.items():
        score = tf.cast(compute_part(outputs, state), tf.float32)
        ascending = tf.convert_to_tensor(state[f"combined/{name}"])
        below = tf.searchsorted(ascending, score, side="right")
        share = tf.cast(below + 1, tf.float32) / (ascending.shape[0] + 1)
        logarithms.append(tf.math.log(share) + 0 * score)  # NaN stays NaN
    return tf.add_n(logarithms)


SCORE = Score(
    compute,
    "sum of the log p-values of log_px and knn among validation images (Fisher)",
    fit,
    "validation",
    features=True,
    parts=tuple(PARTS),
)
