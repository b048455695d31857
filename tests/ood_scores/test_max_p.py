import numpy as np
import scipy.special

from jem_tf.ood_scores import max_p
from jem_tf.ood_scores.interface import Outputs


def test_its_sigmoid_is_the_largest_probability():
    logits = np.random.default_rng(1).normal(size=[6, 5]) * 3
    np.testing.assert_allclose(
        scipy.special.expit(max_p.compute(Outputs(logits), {})),
        scipy.special.softmax(logits, axis=1).max(1),
    )


def test_certainties_that_round_to_one_keep_their_order():
    logits = np.array([[40.0, 0.0], [60.0, 0.0], [50.0, 0.0]], "float32")
    scores = max_p.compute(Outputs(logits), {})
    assert np.argsort(scores).tolist() == [0, 2, 1]
