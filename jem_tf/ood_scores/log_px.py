"""log p(x) + const, the paper's first score (section 5.3.1)."""

import tensorflow as tf

from jem_tf import energies
from jem_tf.ood_scores.interface import Outputs, Score, State


def compute(outputs: Outputs, state: State) -> tf.Tensor:
    """logsumexp f(x), float32 [N] in nats."""
    return -energies.marginal_energy(outputs.logits)


SCORE = Score(compute, "log p(x) + const = logsumexp f(x), nats")
