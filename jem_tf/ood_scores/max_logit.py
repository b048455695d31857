"""The largest logit.

Source: Hendrycks et al., ICML 2022 (arXiv 1911.11132), section 3.
"""

import tensorflow as tf

from jem_tf.ood_scores.interface import Outputs, Score, State


def compute(outputs: Outputs, state: State) -> tf.Tensor:
    """max_y f(x)[y], float32 [N] in nats."""
    return tf.reduce_max(outputs.logits, axis=1)


SCORE = Score(compute, "the largest logit")
