import numpy as np
import pytest
import tensorflow as tf

from jem_tf.evaluation.autoattack import losses

LOGITS = tf.constant([[3.0, 1.0, 0.5, -1.0, 2.0], [0.0, 4.0, 1.0, 2.0, 3.0]])
LABELS, TARGETS = tf.constant([0, 3]), tf.constant([4, 2])


def test_the_cross_entropy_in_log_odds():
    p = tf.nn.softmax(LOGITS).numpy()[[0, 1], LABELS]
    loss = losses.cross_entropy(LOGITS, LABELS, TARGETS)
    np.testing.assert_allclose(loss, np.log((1 - p) / p), rtol=1e-5)


def test_the_targeted_dlr_loss_by_hand():
    # Of the first, (2 - 3) / (3 - (1 + .5) / 2); of the second, (1 - 2) / (4 - 1.5).
    loss = losses.targeted_dlr(LOGITS, LABELS, TARGETS)
    np.testing.assert_allclose(loss, [-1 / 2.25, -1 / 2.5], rtol=1e-6)


def test_the_dlr_loss_changes_with_neither_a_shift_nor_a_scale():
    loss = losses.targeted_dlr(LOGITS, LABELS, TARGETS)
    other = losses.targeted_dlr(7 * LOGITS + 5, LABELS, TARGETS)
    np.testing.assert_allclose(other, loss, rtol=1e-5)


def test_the_difference_and_the_lead_by_hand():
    np.testing.assert_allclose(losses.difference(LOGITS, LABELS, TARGETS), [-1, -1])
    np.testing.assert_allclose(losses.lead(LOGITS, LABELS), [1, -2])


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_a_prediction_that_is_not_finite_is_wrong(broken):
    logits = tf.constant([[0.0, 1.0], [1.0, 0.0], [broken, 0.0]])
    wrong = losses.is_wrong(logits, tf.constant([0, 0, 0]))
    np.testing.assert_array_equal(wrong, [True, False, True])
