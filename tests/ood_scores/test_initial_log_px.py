import numpy as np

from jem_tf.ood_scores import initial_log_px, log_px
from jem_tf.ood_scores.interface import Outputs


def test_it_is_log_px_of_the_other_logits():
    own, initial = np.random.default_rng(1).normal(size=[2, 6, 5]) * 3
    np.testing.assert_array_equal(
        initial_log_px.compute(Outputs(own, initial_logits=initial), {}),
        log_px.compute(Outputs(initial), {}),
    )
