import numpy as np
import pytest
import tensorflow as tf

from jem_tf.evaluation.autoattack.balls import BALLS
from tests.evaluation.autoattack.classifiers import assert_within, lengths

each_norm = pytest.mark.parametrize("norm", BALLS)
RNG = np.random.default_rng(0)
X = RNG.uniform(0, 1, (5, 3, 3, 2)).astype("float32")
MOVES = RNG.normal(size=X.shape).astype("float32")


@each_norm
def test_a_length_is_numpys(norm):
    np.testing.assert_allclose(BALLS[norm].length(MOVES), lengths(MOVES, norm), 1e-6)


@each_norm
def test_no_move_of_its_length_raises_a_linear_function_more(norm):
    # The dual norm is the most that a move of length 1 can gain.
    direction = BALLS[norm].direction(tf.constant(MOVES)).numpy()
    gained = (direction * MOVES).sum((1, 2, 3))
    dual = {"linf": 1, "l2": 2}[norm]
    most = np.linalg.norm(MOVES.reshape(5, -1), dual, axis=1)
    np.testing.assert_allclose(gained, most, 1e-5)
    np.testing.assert_allclose(lengths(direction, norm), 1, 1e-6)


@each_norm
def test_a_gradient_may_be_very_small_or_0(norm):
    direction = BALLS[norm].direction
    small = direction(tf.constant(MOVES * np.float32(1e-25)))
    np.testing.assert_allclose(small, direction(tf.constant(MOVES)), atol=1e-5)
    assert not direction(tf.zeros_like(X)).numpy().any()


@each_norm
def test_a_projection_lies_within_and_leaves_what_does(norm):
    ball = BALLS[norm]
    near = ball.project(X, X + MOVES, tf.constant(0.3)).numpy()
    assert_within(near, X, 0.3, norm)
    again = ball.project(X, near, tf.constant(0.3))
    np.testing.assert_allclose(again, near, atol=1e-6)
    assert lengths(near - X, norm).max() > 0.29


@each_norm
def test_a_draw_has_length_1_and_follows_from_its_generator(norm):
    draw = BALLS[norm].draw
    first, second = (draw(np.random.default_rng(s), (3, 3, 2)) for s in (1, 2))
    np.testing.assert_allclose(lengths(np.array([first, second]), norm), 1, 1e-6)
    assert np.abs(first - second).max() > 0.1
    np.testing.assert_array_equal(first, draw(np.random.default_rng(1), (3, 3, 2)))
