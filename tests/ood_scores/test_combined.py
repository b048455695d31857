import numpy as np

from jem_tf import ood_scores
from jem_tf.ood_scores import combined, knn, log_px
from tests.ood_scores import known

STATE = ood_scores.fit(known.known(), ["combined"])


def test_it_is_the_sum_of_the_log_p_values_counted_one_by_one():
    validation = known.known().validation.outputs
    tested = known.labelled(20, seed=6).outputs
    expected = np.zeros(20)
    for part in (log_px, knn):
        usual = part.compute(validation, STATE).numpy()
        for i, score in enumerate(part.compute(tested, STATE).numpy()):
            expected[i] += np.log((1 + (usual <= score).sum()) / (1 + len(usual)))
    np.testing.assert_allclose(combined.compute(tested, STATE), expected, rtol=1e-4)


def test_no_height_of_log_p_x_makes_up_for_features_far_off():
    far = known.outputs(known.FAR)
    high = far._replace(logits=far.logits + 1000)
    (score,) = combined.compute(high, STATE).numpy()
    usual = combined.compute(known.known().validation.outputs, STATE)
    assert score < np.quantile(usual, 0.05)
    assert log_px.compute(high, STATE)[0] > 900
