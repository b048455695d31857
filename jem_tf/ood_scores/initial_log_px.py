"""log p(x) + const by the network that training began with, a plain classifier.

Learning log p(x) takes from a network's energy what it knew of outliers, which the
classifier before it still has (docs/study.md). Source: the energy score at temperature
1, Liu et al., NeurIPS 2020 (arXiv 2010.03759), equation 6.
"""

import tensorflow as tf

from jem_tf import energies
from jem_tf.ood_scores.interface import Outputs, Score, State


def compute(outputs: Outputs, state: State) -> tf.Tensor:
    """logsumexp of the initial network's logits, float32 [N]."""
    return -energies.marginal_energy(outputs.initial_logits)


SCORE = Score(
    compute,
    "logsumexp of the logits of the classifier that the run began with",
    initial=True,
)
