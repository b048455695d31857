"""Precision, recall, density and coverage: solved by hand, slow twins, closed forms."""

import numpy as np
import pytest

from jem_tf.errors import InputError
from jem_tf.metrics import manifold

SHARES = ("precision", "recall", "density", "coverage")


def line(*places):
    """Points on a line, in two dimensions."""
    return np.array([[float(x), 3.0] for x in places])


def shares(measured):
    return tuple(getattr(measured, name) for name in SHARES)


def slow(real, samples, k):
    """The definitions, a pair at a time."""

    def radius(i, rows):
        others = sorted(
            np.linalg.norm(rows[i] - x) for j, x in enumerate(rows) if j != i
        )
        return others[k - 1]

    of_real = [radius(i, real) for i in range(len(real))]
    of_samples = [radius(j, samples) for j in range(len(samples))]
    apart = [[np.linalg.norm(x - y) for y in samples] for x in real]
    in_real = [[d <= r for d in row] for row, r in zip(apart, of_real, strict=True)]
    in_samples = [
        [d <= r for d, r in zip(row, of_samples, strict=True)] for row in apart
    ]
    return (
        np.mean([any(column) for column in zip(*in_real, strict=True)]),
        np.mean([any(row) for row in in_samples]),
        sum(map(sum, in_real)) / (k * len(samples)),
        np.mean([any(row) for row in in_real]),
    )


def test_points_on_a_line_are_solved_by_hand():
    # k = 1. Radii of real points 0, 1, 3, 10: 1, 1, 2, 7: the balls are [-1, 1],
    # [0, 2], [1, 5], [3, 17]. Radii of samples .5, 4, 20: 3.5, 3.5, 16: the balls are
    # [-3, 4], [.5, 7.5], [4, 36].
    # The sample .5 is in two balls of real points, 4 in two, 20 in none. The real
    # points 0, 1 and 3 are in balls of samples, and 10 is in that of 20. Each real
    # point has a sample in its ball.
    measured = manifold.compare(line(0, 1, 3, 10), line(0.5, 4, 20), k=1)
    assert shares(measured) == pytest.approx((2 / 3, 1, 4 / 3, 1))
    # Without the last sample, radii are 3.5 and 3.5: 10 is in neither ball.
    measured = manifold.compare(line(0, 1, 3, 10), line(0.5, 4), k=1)
    assert shares(measured) == pytest.approx((1, 3 / 4, 2, 1))


def test_a_point_on_a_sphere_is_in_its_ball_whatever_rounding_does():
    # The sample 2 lies on the sphere of the real point 1, whose radius is 1; turned,
    # scaled and moved far away the distances are no longer exact.
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=[2, 2]))[0]
    real, samples = line(0, 1, 8, 10), line(2, 30, 70)
    for scale, shift in ((1, 0), (1e-3, 1.7), (1 / 3, 100)):
        moved = (x @ turn * scale + shift for x in (real, samples))
        measured = shares(manifold.compare(*moved, k=1))
        assert measured == pytest.approx((1 / 3, 1, 1 / 3, 1 / 4))


def test_sets_far_apart_share_nothing_and_copies_everything():
    rows = np.random.default_rng(0).normal(size=[30, 4]).astype("float32")
    assert shares(manifold.compare(rows, rows + 100)) == (0, 0, 0, 0)
    precision, recall, density, coverage = shares(manifold.compare(rows, rows[::-1]))
    assert (precision, recall, coverage) == (1, 1, 1)
    assert density == pytest.approx(6 / 5)  # each ball has its centre and k others


def test_copies_of_one_image_are_in_balls_of_radius_0():
    one = np.full([8, 3], 7.3, "float32")
    assert shares(manifold.compare(one, one)) == (1, 1, 8 / 5, 1)


@pytest.mark.parametrize("k", [1, 5])
@pytest.mark.parametrize(("n", "m"), [(40, 25), (25, 40)])
def test_all_four_are_a_double_loops_however_many_chunks(monkeypatch, k, n, m):
    rng = np.random.default_rng(k)
    real = rng.normal(size=[n, 3]).astype("float32")
    samples = (rng.normal(size=[m, 3]) * 1.2 + 0.8).astype("float32")
    expected = slow(real.astype("float64"), samples.astype("float64"), k)
    assert 0 < min(expected[:2]) < 1
    assert shares(manifold.compare(real, samples, k)) == pytest.approx(expected)
    monkeypatch.setattr(manifold, "CHUNK", 7)
    assert shares(manifold.compare(real, samples, k)) == pytest.approx(expected)


def test_short_distances_between_long_features_are_not_lost():
    # In float32, |x|^2 + |y|^2 - 2 x.y of these would be 0 or several hundred.
    rng = np.random.default_rng(0)
    real, samples = rng.normal(size=[2, 40, 3])
    expected = shares(manifold.compare(real, samples))
    assert shares(manifold.compare(real + 1e4, samples + 1e4)) == expected


def test_equal_distributions_have_the_expected_density_and_coverage():
    # Naeem et al.: E density = 1, E coverage = 1 - prod (N - i) / (N + M - i), i < k
    draws = [
        shares(manifold.compare(*np.random.default_rng(seed).normal(size=[2, 200, 8])))
        for seed in range(20)
    ]
    i = np.arange(1, 6)
    coverage = 1 - np.prod((200 - i) / (400 - i))
    assert coverage == pytest.approx(1 - 2**-5, abs=2e-3)
    for values, expected in zip(np.transpose(draws)[2:], (1, coverage), strict=True):
        error = np.std(values, ddof=1) / np.sqrt(len(values))
        assert np.mean(values) == pytest.approx(expected, abs=4 * error)


def test_intervals_are_of_the_shares_and_the_error_of_density_is_the_means():
    rng = np.random.default_rng(1)
    real, samples = rng.normal(size=[50, 2]), rng.normal(size=[60, 2]) + 1
    measured = manifold.compare(real, samples)
    for name in ("precision", "recall", "coverage"):
        low, high = getattr(measured, f"{name}_ci")
        assert 0 <= low <= getattr(measured, name) <= high <= 1
    balls = [
        sum(
            np.linalg.norm(x - y) <= np.sort(np.linalg.norm(real - x, axis=1))[5]
            for x in real
        )
        for y in samples
    ]
    assert measured.density == pytest.approx(np.mean(balls) / 5)
    error = np.std(balls, ddof=1) / 5 / np.sqrt(60)
    assert measured.density_std == pytest.approx(error)


@pytest.mark.parametrize(("n", "m"), [(5, 9), (9, 5)])
def test_balls_need_more_images_than_neighbours(n, m):
    with pytest.raises(
        InputError, match=r"^5 .* too few for balls of 5 .* least 6[.]$"
    ):
        manifold.compare(np.ones([n, 2]), np.ones([m, 2]))


def test_features_that_are_not_finite_have_no_manifold():
    points = np.random.default_rng(0).normal(size=[20, 3])
    spoilt = np.where(np.arange(20)[:, None] == 3, np.nan, points)
    for sets in ((points, spoilt), (spoilt, points)):
        assert np.isnan(
            np.concatenate([np.ravel(x) for x in manifold.compare(*sets)])
        ).all()


@pytest.mark.parametrize("k", [0, 2.5])
def test_neighbours_are_a_whole_number_from_1(k):
    with pytest.raises(InputError, match=r"^k is"):
        manifold.compare(np.ones([9, 2]), np.ones([9, 2]), k)
