"""Every attack of the table, and what judges the points it found."""

import json

import numpy as np
import pytest
import tensorflow as tf

from jem_tf.errors import InputError
from jem_tf.evaluation import attack_gradients, attacks
from tests.evaluation.linear import SHAPE, images, linear, noisy, predictions

each_attack = pytest.mark.parametrize("name", attacks.ATTACKS)


def attack(name, x, labels, *, classify=linear, **changes):
    view = attack_gradients.make_attack_view(classify, SHAPE)
    arguments = {
        "norm": "linf",
        "eps": 10.0,
        "steps": 20,
        "restarts": 1,
        "batch_size": 50,
        "stop_margin": np.inf,
        "seed": 0,
    }
    return attacks.find_attack(name).attack(view, x, labels, **(arguments | changes))


@each_attack
@pytest.mark.parametrize(("norm", "eps"), [("linf", 16.0), ("l2", 0.5)])
def test_points_lie_in_the_ball_and_in_the_range(name, norm, eps):
    x = images(low=0.0, high=1.0)
    points = attack(name, x, predictions(x), norm=norm, eps=eps)
    moved = (points - x).reshape(len(x), -1)
    order = np.inf if norm == "linf" else 2
    radius = eps * attack_gradients.UNITS[norm]
    assert np.linalg.norm(moved, order, axis=1).max() <= radius + 1e-6
    assert 0 <= points.min() <= points.max() <= 1


@each_attack
def test_a_radius_of_0_moves_nothing(name):
    x = images()
    points = attack(name, x, predictions(x), eps=0.0, steps=1)
    np.testing.assert_array_equal(points, x)


@each_attack
def test_an_unbounded_attack_leaves_nothing_right(name):
    x = images(20, 0.0, 1.0)
    labels = predictions(x)
    points = attack(name, x, labels, eps=255.0)
    assert attacks.correct_fraction(linear, x, labels).mean() == 1
    assert attacks.correct_fraction(linear, points, labels).mean() == 0


@each_attack
def test_how_many_images_it_looks_at_together_changes_nothing(name):
    x = images(11)
    labels = predictions(x)
    together, apart = (attack(name, x, labels, batch_size=n) for n in (11, 4))
    np.testing.assert_allclose(together, apart, atol=1e-6)


@each_attack
def test_equal_seeds_give_equal_points(name):
    x = images()
    first, again, other = (
        attack(name, x, predictions(x), classify=noisy, eps=80.0, steps=3, seed=seed)
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0


@each_attack
def test_its_protocol_is_json_and_names_it(name):
    protocol = attacks.find_attack(name).describe(steps=3, restarts=2)
    assert json.loads(json.dumps(protocol)) == protocol
    assert name in protocol["attack"].lower()


def test_an_unknown_attack_is_refused():
    with pytest.raises(InputError) as error:
        attacks.find_attack("bim")
    assert str(error.value) == "attack=bim is not known; choose one of pgd, autoattack."


def test_fresh_draws_have_other_seeds_than_the_attack():
    settings = attacks.AttackSettings(steps=1, restarts=1, seed=2)
    assert settings.fresh_seed - settings.seed == attacks.FRESH_SEED > 1e6


def test_right_is_the_share_of_draws():
    def coin(x, seed):
        heads = tf.random.stateless_uniform([tf.shape(x)[0]], seed) < 0.3
        return tf.one_hot(tf.cast(heads, tf.int32), 2)

    x = np.zeros((100, *SHAPE), "float32")
    shares = attacks.correct_fraction(coin, x, np.ones(100, "int32"), draws=40)
    # 4,000 draws: the standard error is .007.
    assert shares.mean() == pytest.approx(0.3, abs=0.03)
    assert set(np.round(shares * 40, 6) % 1) == {0.0}


def test_an_answer_that_is_not_finite_is_wrong():
    def broken(x, seed):
        return linear(x, seed) * np.nan

    x = images(3)
    assert not attacks.correct_fraction(broken, x, predictions(x)).any()
