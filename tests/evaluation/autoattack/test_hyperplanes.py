import numpy as np
import pytest
import tensorflow as tf
from scipy import optimize

from jem_tf.evaluation.autoattack import hyperplanes

D = 6
RNG = np.random.default_rng(4)
POINTS = RNG.uniform(0, 1, (12, D))
SLOPES = RNG.normal(size=(12, D))
SLOPES[0, :3] = 0  # components that do not matter
SLOPES[1] *= 1e-12


def reachable(share):
    """Gaps that are shares of the most that the box allows, up and down in turn."""
    up = np.where(SLOPES > 0, 1 - POINTS, -POINTS)
    most = (SLOPES * up).sum(1)
    down = (SLOPES * np.where(SLOPES > 0, -POINTS, 1 - POINTS)).sum(1)
    return share * np.where(np.arange(12) % 2, most, down)


def moves(gaps, norm, slopes=SLOPES):
    given = (tf.constant(array, tf.float32) for array in (POINTS, slopes, gaps))
    return hyperplanes.shortest_moves(*given, norm=norm).numpy()


def shortest_linf(point, w, gap):
    """By linear programming: min t, |d_i| <= t, w d = gap, 0 <= point + d <= 1."""
    bounds = [*zip(-point, 1 - point, strict=True), (0, None)]
    eye, ones = np.eye(D), np.ones((D, 1))
    above = np.block([[eye, -ones], [-eye, -ones]])
    solved = optimize.linprog(
        [0] * D + [1],
        A_ub=above,
        b_ub=np.zeros(2 * D),
        A_eq=[[*(w / np.abs(w).max()), 0]],
        b_eq=[gap / np.abs(w).max()],
        bounds=bounds,
    )
    return solved.fun


def shortest_l2(point, w, gap):
    """By sequential quadratic programming."""
    scale = np.abs(w).max()
    solved = optimize.minimize(
        lambda d: d @ d,
        np.zeros(D),
        jac=lambda d: 2 * d,
        bounds=[*zip(-point, 1 - point, strict=True)],
        constraints={"type": "eq", "fun": lambda d: (w @ d - gap) / scale},
        options={"ftol": 1e-12, "maxiter": 500},
    )
    return np.sqrt(solved.fun)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize(
    ("norm", "order", "solve"),
    [("linf", np.inf, shortest_linf), ("l2", 2, shortest_l2)],
)
def test_a_solver_finds_no_shorter_move_to_the_hyperplane(norm, order, solve, share):
    gaps = reachable(share)
    found = moves(gaps, norm)
    np.testing.assert_allclose((SLOPES * found).sum(1), gaps, rtol=1e-4)
    assert (POINTS + found).min() >= -1e-6
    assert (POINTS + found).max() <= 1 + 1e-6
    lengths = np.linalg.norm(found, order, axis=1)
    best = [solve(*row) for row in zip(POINTS, SLOPES, gaps, strict=True)]
    np.testing.assert_allclose(lengths, best, rtol=2e-3)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_a_hyperplane_beyond_the_box_is_approached_to_its_corner(norm):
    found = moves(reachable(3.0), norm)
    np.testing.assert_allclose((SLOPES * found).sum(1), reachable(1.0), rtol=1e-4)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_a_slope_or_gap_of_0_moves_nothing(norm):
    assert not moves(np.ones(12), norm, slopes=np.zeros_like(SLOPES)).any()
    assert not moves(np.zeros(12), norm).any()
