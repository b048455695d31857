import numpy as np
import pytest

from jem_tf.ood_scores.whitening import whiten


def test_whitened_values_vary_as_the_unit():
    values = np.random.default_rng(0).normal(size=[50, 4]) @ np.diag([3, 1, 0.1, 0])
    covariance = np.cov(values.T, bias=True)
    white = (values - values.mean(axis=0)) @ whiten(covariance, 1e-6)
    np.testing.assert_allclose(np.cov(white.T, bias=True), np.eye(3), atol=1e-9)


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_what_does_not_vary_or_is_not_finite_has_none(value):
    assert np.isnan(whiten(np.full([3, 3], value), 1e-6)).all()
