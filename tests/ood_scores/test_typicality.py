import numpy as np
import scipy.stats

from jem_tf.ood_scores import typicality
from tests.ood_scores import known


def statistics(outputs):
    logits = np.sort(outputs.logits.astype("float64"), axis=1)
    log_px = np.log(np.exp(logits).sum(1))
    odds = logits[:, -1] - np.log(np.exp(logits[:, :-1]).sum(1))
    return np.stack([log_px, np.log(outputs.score_norm), odds], axis=1)


def test_it_is_the_log_density_of_a_gaussian_up_to_a_constant():
    validation = statistics(known.known().validation.outputs)
    tested = known.labelled(20, seed=6).outputs
    gaussian = scipy.stats.multivariate_normal(
        validation.mean(0), np.cov(validation.T, bias=True)
    )
    score = typicality.compute(tested, typicality.fit(known.known(), {}))
    expected = gaussian.logpdf(statistics(tested)) - gaussian.logpdf(gaussian.mean)
    np.testing.assert_allclose(score, expected, rtol=1e-3, atol=1e-3)


def test_a_log_density_that_is_too_high_is_as_bad_as_one_too_low():
    state = typicality.fit(known.known(), {})
    tested = known.labelled(1, seed=6).outputs
    shifts = np.array([0, 50, -50], "float32")
    moved = tested._replace(
        logits=tested.logits + shifts[:, None],
        score_norm=np.repeat(tested.score_norm, 3),
    )
    usual, high, low = typicality.compute(moved, state).numpy()
    assert max(high, low) < usual - 10


def test_a_norm_of_0_is_an_outlier_and_no_infinity():
    state = typicality.fit(known.known(), {})
    tested = known.labelled(2, seed=6).outputs
    still = tested._replace(score_norm=np.zeros(2, "float32"))
    score = typicality.compute(still, state)
    assert np.isfinite(score).all()
    assert (score < typicality.compute(tested, state) - 100).numpy().all()
