import numpy as np

from jem_tf.ood_scores import max_logit
from jem_tf.ood_scores.interface import Outputs


def test_it_is_the_largest_logit():
    logits = np.array([[1.0, 3.0, 2.0], [-5.0, -7.0, -6.0]], "float32")
    np.testing.assert_array_equal(max_logit.compute(Outputs(logits), {}), [3, -5])
