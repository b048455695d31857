"""How well confidence matches accuracy."""

import numpy as np


def expected_calibration_error(logits, labels, *, bins=20):
    """ECE: the mean gap between confidence max p(y|x) and accuracy, by bins of it.

    Args:
      logits: float [N, K].
      labels: int [N] in [0, K).
      bins: how many; Guo et al. (ICML 2017, equation 3), of which the paper takes 20.

    Returns:
      A float in [0, 1], 0 being calibrated.
    """
    import tensorflow_probability as tfp

    return float(
        tfp.stats.expected_calibration_error(
            bins,
            logits=np.asarray(logits, "float32"),
            labels_true=np.asarray(labels, "int32"),
        )
    )
