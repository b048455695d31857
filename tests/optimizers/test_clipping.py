"""Gradients of all replicas, and the bound on the norm of their sum."""

import numpy as np
import pytest
import tensorflow as tf

from jem_tf.errors import InputError
from jem_tf.optimizers import clipping

GRADIENTS = [tf.constant([3.0, 0.0]), tf.constant([[4.0]])]  # of norm 5


@pytest.mark.parametrize(("bound", "scale"), [(1.0, 0.2), (2.5, 0.5), (5.0, 1), (9, 1)])
def test_clipping_scales_a_longer_gradient_to_the_bound(bound, scale):
    clipped, norm = clipping.clip_over_replicas(GRADIENTS, bound)
    assert float(norm) == pytest.approx(5.0)
    for before, after in zip(GRADIENTS, clipped, strict=True):
        np.testing.assert_allclose(after, before * scale, rtol=1e-6)


def test_clipping_leaves_no_gradient_alone():
    (clipped,), norm = clipping.clip_over_replicas([tf.zeros([3])], 1.0)
    np.testing.assert_array_equal(clipped, np.zeros(3))
    assert norm == 0.0


def test_without_a_bound_gradients_are_left_alone_and_measured():
    unclipped, norm = clipping.clip_over_replicas(GRADIENTS)
    assert float(norm) == pytest.approx(5.0)
    for before, after in zip(GRADIENTS, unclipped, strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize(("bound", "length"), [(3.0, 3.0), (None, 15.0)])
def test_what_is_bounded_and_measured_is_the_sum_over_replicas(
    two_replicas, bound, length
):
    @tf.function
    def step():
        def on_replica():
            context = tf.distribute.get_replica_context()
            share = tf.cast(context.replica_id_in_sync_group, tf.float32) + 1.0
            return clipping.clip_over_replicas([g * share for g in GRADIENTS], bound)

        return two_replicas.run(on_replica)

    gradients, norms = step()
    whole = [two_replicas.reduce("SUM", gradient, axis=None) for gradient in gradients]
    # The sum over both is three times GRADIENTS; clipped, it keeps their direction.
    for norm in two_replicas.experimental_local_results(norms):
        assert float(norm) == pytest.approx(15.0)
    for before, after in zip(GRADIENTS, whole, strict=True):
        np.testing.assert_allclose(after, before * length / 5.0, rtol=1e-6)


def test_a_gradient_that_is_none_stays_none_and_the_others_are_clipped():
    (first, second, third), norm = clipping.clip_over_replicas(
        [tf.constant([3.0]), None, tf.constant([4.0])], 1.0
    )
    assert second is None
    np.testing.assert_allclose([first, third], [[0.6], [0.8]], rtol=1e-6)
    assert norm == 5
    with pytest.raises(InputError, match="no weights that images reach"):
        clipping.clip_over_replicas([None])
