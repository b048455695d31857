"""Each measure against a slow twin, a closed form, or by simulation."""

import numpy as np
import pytest
import scipy.linalg
import scipy.special

from jem_tf.errors import InputError
from jem_tf.metrics import fid_kid


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def covariance(width, seed):
    factor = normal(width, width, seed=seed)
    return factor @ factor.T


def test_the_score_of_sure_and_balanced_predictions_is_the_number_of_classes():
    assert fid_kid.inception_score(np.tile(np.eye(7), [20, 1])) == (
        pytest.approx(7),
        pytest.approx(0),
    )


def test_the_score_of_predictions_that_say_nothing_is_1():
    assert fid_kid.inception_score(np.full([50, 7], 1 / 7)) == (
        pytest.approx(1),
        pytest.approx(0),
    )


def test_the_score_is_the_literatures():
    p = scipy.special.softmax(3 * normal(60, 5), axis=1)
    scores = []
    for part in np.split(p, 6):
        total = 0
        for row in part:
            total += sum(row * (np.log(row) - np.log(part.mean(0))))
        scores.append(np.exp(total / len(part)))
    mean, deviation = fid_kid.inception_score(p, 6)
    assert mean == pytest.approx(np.mean(scores))
    assert deviation == pytest.approx(np.std(scores))


def test_a_score_needs_an_image_a_split():
    with pytest.raises(InputError, match="9 samples are too few"):
        fid_kid.inception_score(np.ones([9, 1]))


def test_statistics_are_numpys_in_float64_however_many_chunks(monkeypatch):
    features = (1000 + normal(500, 6)).astype("float32")
    monkeypatch.setattr(fid_kid, "CHUNK", 64)
    mu, sigma = fid_kid.statistics(features)
    np.testing.assert_allclose(mu, features.astype("float64").mean(0), rtol=1e-12)
    np.testing.assert_allclose(sigma, np.cov(features.T.astype("float64")), rtol=1e-9)


@pytest.mark.parametrize("n", [5, 6])
def test_a_covariance_needs_more_images_than_features(n):
    with pytest.raises(InputError, match=f"^{n} images are too few .* more than 6[.]$"):
        fid_kid.statistics(normal(n, 6))


def test_the_distance_is_that_of_scipys_matrix_square_root():
    mu1, mu2 = normal(2, 30)
    sigma1, sigma2 = covariance(30, 1), covariance(30, 2)
    root = scipy.linalg.sqrtm(sigma1 @ sigma2)
    expected = np.sum((mu1 - mu2) ** 2) + np.trace(sigma1 + sigma2 - 2 * root).real
    distance = fid_kid.frechet_distance(mu1, sigma1, mu2, sigma2)
    assert distance == pytest.approx(expected, rel=1e-8)


def test_the_distance_of_gaussians_that_share_axes_has_a_closed_form():
    axes = np.linalg.qr(normal(8, 8))[0]
    mu1, mu2 = normal(2, 8, seed=1)
    deviations = np.abs(normal(2, 8, seed=2))
    expected = np.sum((mu1 - mu2) ** 2) + np.sum((deviations[0] - deviations[1]) ** 2)
    sigmas = [axes @ np.diag(deviation**2) @ axes.T for deviation in deviations]
    distance = fid_kid.frechet_distance(mu1, sigmas[0], mu2, sigmas[1])
    assert distance == pytest.approx(expected, rel=1e-10)


def test_the_distance_of_a_set_to_itself_is_0_and_of_two_the_same_both_ways():
    first = fid_kid.statistics(normal(300, 40))
    second = fid_kid.statistics(normal(300, 40, seed=1) * 2 + 1)
    scale = np.trace(first.sigma)
    zero = fid_kid.frechet_distance(*first, *first)
    assert zero == pytest.approx(0, abs=1e-9 * scale)
    there, back = (
        fid_kid.frechet_distance(*first, *second),
        fid_kid.frechet_distance(*second, *first),
    )
    assert there == pytest.approx(back, rel=1e-9)


def test_a_covariance_without_full_rank_gives_a_real_distance():
    flat = normal(300, 10) * np.r_[np.ones(4), np.zeros(6)]
    mu, sigma = fid_kid.statistics(flat)
    assert fid_kid.frechet_distance(mu, sigma, mu, 4 * sigma) == pytest.approx(
        np.trace(sigma), rel=1e-6
    )


def test_the_jackknife_is_that_of_a_distance_anew_without_each_group():
    features, reference = normal(95, 6), fid_kid.statistics(normal(50, 6, seed=1) + 1)
    without = [
        fid_kid.frechet_distance(
            *fid_kid.statistics(np.delete(features, rows, axis=0)), *reference
        )
        for rows in np.array_split(np.arange(95), 10)
    ]
    fid, deviation, infinity = fid_kid.frechet_jackknife(features, *reference)
    assert deviation == pytest.approx(np.sqrt(9 * np.var(without)), rel=1e-8)
    own = fid_kid.statistics(features)
    assert fid == pytest.approx(fid_kid.frechet_distance(*own, *reference))
    inverse = np.mean(
        [1 / 85] * 5 + [1 / 86] * 5
    )  # 5 groups have 10 rows, and 5 have 9
    line = np.polyfit([1 / 95, inverse], [fid, np.mean(without)], 1)
    assert infinity == pytest.approx(line[1], rel=1e-8)


def test_the_jackknife_is_about_the_distances_deviation_over_draws():
    reference = np.ones(3), np.eye(3)
    draws = [
        fid_kid.frechet_jackknife(normal(400, 3, seed=seed), *reference)
        for seed in range(60)
    ]
    fids, deviations, infinities = np.transpose(draws)
    assert np.mean(deviations) == pytest.approx(np.std(fids), rel=0.3)
    assert np.std(infinities) == pytest.approx(np.std(fids), rel=0.1)


@pytest.mark.parametrize(("mean", "deviation"), [(0, 1), (0.1, 1.2)])
def test_the_intercept_is_the_distance_of_the_gaussians_and_that_of_n_images_is_not(
    mean, deviation
):
    true = 8 * mean**2 + 8 * (deviation - 1) ** 2
    draws = [
        fid_kid.frechet_jackknife(
            normal(200, 8, seed=seed) * deviation + mean, np.zeros(8), np.eye(8)
        )
        for seed in range(60)
    ]
    fids, _, infinities = np.transpose(draws)
    error = np.std(infinities, ddof=1) / np.sqrt(len(draws))
    assert np.mean(infinities) == pytest.approx(true, abs=3 * error)
    assert np.mean(fids) > true + 10 * error


def test_there_is_no_intercept_where_the_distance_is_not_linear():
    reference = np.zeros(6), np.eye(6)
    assert fid_kid.frechet_jackknife(normal(11, 6), *reference).infinity is None
    assert fid_kid.frechet_jackknife(normal(12, 6), *reference).infinity is not None


def slow_mmd(a, b):
    def kernel(x, y):
        return (sum(x * y) / len(x) + 1) ** 3

    def within(rows):
        pairs = [
            kernel(x, y)
            for i, x in enumerate(rows)
            for j, y in enumerate(rows)
            if i != j
        ]
        return np.mean(pairs)

    return within(a) + within(b) - 2 * np.mean([kernel(x, y) for x in a for y in b])


def test_the_kernel_distance_is_a_double_loops_over_disjoint_blocks():
    a, b = normal(37, 5), normal(40, 5, seed=1) + 0.5
    slow = [slow_mmd(a[i : i + 3], b[i : i + 3]) for i in range(0, 36, 3)]
    mean, error = fid_kid.kernel_distance(a, b, block=3)
    assert mean == pytest.approx(np.mean(slow))
    assert error == pytest.approx(np.std(slow, ddof=1) / np.sqrt(12))


def test_the_kernel_distance_is_unbiased_and_the_plain_one_is_not():
    draws, plain = [], []
    for seed in range(400):
        a, b = normal(2, 20, 4, seed=seed)
        draws.append(fid_kid.kernel_distance(a, b, block=2)[0])
        aa, bb, ab = (((x @ y.T) / 4 + 1) ** 3 for x, y in ((a, a), (b, b), (a, b)))
        plain.append(aa.mean() + bb.mean() - 2 * ab.mean())
    error = np.std(draws) / np.sqrt(len(draws))
    assert abs(np.mean(draws)) < 3 * error
    assert np.mean(plain) > 10 * np.std(plain) / np.sqrt(len(plain))


def test_few_images_still_make_ten_blocks_and_too_few_none():
    a, b = normal(25, 3), normal(60, 3, seed=1)
    mean, error = fid_kid.kernel_distance(a, b)
    assert (mean, error) == fid_kid.kernel_distance(a, b, block=2)
    with pytest.raises(InputError, match="19 images are too few for a KID"):
        fid_kid.kernel_distance(a[:19], b)
