"""Does the network classify, and does it know how surely?"""

import numpy as np
import tensorflow as tf

from jem_tf import energies
from jem_tf.metrics import calibration


def classification(logits, labels, *, bins=20):
    """`accuracy`, `ece` in [0, 1] and `nll`, mean -log p(y|x), of logits [N, K]."""
    labels = np.asarray(labels)
    return {
        "accuracy": float(np.mean(np.argmax(logits, axis=1) == labels)),
        "nll": float(-tf.reduce_mean(energies.log_p_y_given_x(logits, labels))),
        "ece": calibration.expected_calibration_error(logits, labels, bins=bins),
    }
