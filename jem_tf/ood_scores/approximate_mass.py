"""-||d log p(x) / dx||, the paper's third score (section 5.3.3)."""

import tensorflow as tf

from jem_tf.ood_scores.interface import Outputs, Score, State


def compute(outputs: Outputs, state: State) -> tf.Tensor:
    """Minus the norm of the score, float32 [N] in nats per unit of pixel value."""
    return -tf.convert_to_tensor(outputs.score_norm)


SCORE = Score(
    compute,
    "-||d log p(x) / dx||_2, pixels in [-1, 1]; takes a gradient",
    gradient=True,
)
