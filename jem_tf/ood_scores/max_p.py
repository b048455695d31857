"""max p(y|x), the paper's second score (section 5.3.2)."""

import tensorflow as tf

from jem_tf.ood_scores.interface import Outputs, Score, State


def compute(outputs: Outputs, state: State) -> tf.Tensor:
    """The log-odds of max p(y|x), float32 [N] in nats.

    They rank images as max p(y|x) does, but do not round to 1 in float32.
    """
    ascending = tf.sort(outputs.logits, axis=1)
    return ascending[:, -1] - tf.reduce_logsumexp(ascending[:, :-1], axis=1)


SCORE = Score(compute, "max p(y|x), as its log-odds")
