"""The energy at the temperature that calibrates the classifier.

Source: Liu et al., NeurIPS 2020 (arXiv 2010.03759), equation 4, with the sign changed.
"""

import numpy as np
import tensorflow as tf

from jem_tf.metrics import calibration
from jem_tf.ood_scores.interface import Known, Outputs, Score, State


def fit(known: Known, state: State) -> dict[str, np.ndarray]:
    """Finds T, which minimises the NLL of softmax(f(x) / T) on validation images."""
    outputs, labels = known.validation
    best = calibration.best_temperature(outputs.logits, labels)
    return {"energy/temperature": np.float32(best)}


def compute(outputs: Outputs, state: State) -> tf.Tensor:
    """T logsumexp(f(x) / T), float32 [N] in nats."""
    logits = tf.convert_to_tensor(outputs.logits)
    temperature = tf.cast(state["energy/temperature"], logits.dtype)
    return temperature * tf.reduce_logsumexp(logits / temperature, axis=1)


SCORE = Score(
    compute, "T logsumexp(f(x) / T), T of least NLL on validation", fit, "validation"
)
