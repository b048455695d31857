import numpy as np
import pytest
import tensorflow as tf

from jem_tf.evaluation.autoattack import square, square_windows
from tests.evaluation.autoattack import classifiers

each_norm = pytest.mark.parametrize("norm", classifiers.NORMS)


@pytest.mark.slow
@pytest.mark.parametrize(("norm", "enough"), [("linf", 1.005), ("l2", 2.5)])
def test_of_a_linear_model_it_breaks_what_is_nearer_than_the_radius(norm, enough):
    # Windows of a pixel find the corner of the L-inf ball; L2's patterns have 3 x 3.
    classify = classifiers.linear(2)
    given = classifiers.images(classify)
    needed = classifiers.distances(given, norm, 2)[:, 0]
    attack = square.make_square(classify, norm=norm)
    how = {"queries": 700, "seed": [0], "batch_size": 24}
    for radius in (np.median(needed), enough * needed.max(), 0.99 * needed.min()):
        found = attack(given, radius=radius, **how)
        assert found.broken[needed * enough <= radius].all()
        assert not found.broken[needed > radius].any()
        points, labels = found.points[found.broken], given.labels[found.broken]
        assert classifiers.wrong(classify, points, labels).all()
        classifiers.assert_within(found.points, given.x, radius, norm)


@each_norm
def test_points_stay_in_the_range_too(norm):
    classify = classifiers.Network().with_weights(4)
    given = classifiers.images(classify, low=0.0, high=1.0)
    radius = {"linf": 0.1, "l2": 0.5}[norm]
    attack = square.make_square(classify, norm=norm)
    found = attack(given, radius=radius, queries=60, seed=[1], batch_size=24)
    assert found.broken.sum() > 3
    classifiers.assert_within(found.points, given.x, radius, norm)


@each_norm
def test_neither_the_batches_nor_other_images_change_what_it_finds(norm):
    classify = classifiers.Network().with_weights(5)
    given = classifiers.images(classify, 11)
    attack = square.make_square(classify, norm=norm)
    how = {"radius": 0.01, "queries": 60, "seed": [0]}
    whole = attack(given, batch_size=11, **how)
    rows = np.array([7, 2, 9])
    few = attack(given.take(rows), batch_size=2, **how)
    np.testing.assert_allclose(few.points, whole.points[rows], atol=1e-6)
    other = attack(given, batch_size=11, **how | {"seed": [1]})
    assert np.abs(other.points - whole.points).max() > 1e-3


def propose(norm, x, point, drawn, radius, side):
    patterns = tf.constant(square._all_patterns(np.array([side])))
    given = (tf.constant(array) for array in (x, point, drawn))
    how = (tf.constant(radius, tf.float32), tf.constant(side), patterns)
    return square.PROPOSALS[norm](*given, *how).numpy()


@pytest.fixture
def drawn():
    rng = np.random.default_rng(6)
    x = rng.uniform(0.4, 0.6, (8, 7, 6, 2)).astype("float32")
    away = rng.normal(size=x.shape).astype("float32")
    unit = away / np.sqrt((away**2).sum((1, 2, 3), keepdims=True))
    return x, unit, rng.random((8, 7), "float32")


def windows(drawn, side):
    """The masks of both windows, by the placement that has its own test."""
    for corner in (drawn[:, :2], drawn[:, 2:4]):
        yield square_windows.place_window(tf.constant(corner), tf.constant(side), 7, 6)[
            0
        ].numpy()


def test_an_linf_proposal_sets_one_window_to_the_ends_of_the_ball(drawn):
    x, unit, numbers = drawn
    point = x + 0.02 * np.sign(unit)
    moved = propose("linf", x, point, numbers, 0.02, 3)
    first, _ = windows(numbers, 3)
    np.testing.assert_array_equal(moved[~first], point[~first])
    signs = np.where(numbers[:, 5:] < 0.5, -1, 1)[:, None, None, :]
    expected = np.broadcast_to(x + 0.02 * signs, x.shape)
    np.testing.assert_allclose(moved[first], expected[first], atol=1e-6)


def test_an_l2_proposal_keeps_the_length_and_what_is_outside_its_windows(drawn):
    x, unit, numbers = drawn
    moved = propose("l2", x, x + 0.05 * unit, numbers, 0.05, 3)
    away = moved - x
    np.testing.assert_allclose(classifiers.lengths(away, "l2"), 0.05, rtol=1e-4)
    first, second = windows(numbers, 3)
    np.testing.assert_allclose(
        away[~first & ~second], 0.05 * unit[~first & ~second], atol=1e-5
    )
    assert np.abs(away[second & ~first]).max() < 1e-6
    # The first window has what both had, channel by channel.
    both = (0.05 * unit * (first | second)[..., None]) ** 2
    now = (away * first[..., None]) ** 2
    np.testing.assert_allclose(now.sum((1, 2)), both.sum((1, 2)), rtol=1e-3)


def test_an_l2_window_has_the_pattern_and_what_was_there_in_equal_parts(drawn):
    x, unit, numbers = drawn
    numbers[:, 2:4] = numbers[:, :2]  # one window alone
    moved = propose("l2", x, x + 0.05 * unit, numbers, 0.05, 3)
    first, _ = windows(numbers, 3)
    for i, mask in enumerate(first):
        old, new = (a[i][mask].reshape(3, 3, 2) for a in (unit, moved - x))
        pattern = square_windows.pattern(3)
        pattern = pattern.T if numbers[i, 4] < 0.5 else pattern
        for c in range(2):
            sign = -1 if numbers[i, 5 + c] < 0.5 else 1
            mixed = sign * pattern + old[..., c] / np.linalg.norm(old[..., c])
            cosine = (mixed * new[..., c]).sum()
            cosine /= np.linalg.norm(mixed) * np.linalg.norm(new[..., c])
            assert cosine == pytest.approx(1, abs=1e-3)
