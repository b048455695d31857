import numpy as np

from jem_tf.ood_scores import log_px
from jem_tf.ood_scores.interface import Outputs


def test_it_is_the_logarithm_of_the_sum_of_the_exponentials():
    logits = np.random.default_rng(1).normal(size=[6, 5]) * 3
    np.testing.assert_allclose(
        log_px.compute(Outputs(logits), {}), np.log(np.exp(logits).sum(1))
    )
