import numpy as np
import pytest
import tensorflow as tf

from jem_tf.evaluation import attacks

SHAPE = (3, 3, 2)
WEIGHTS = np.random.default_rng(0).normal(size=(18, 2)).astype("float32")


def linear(x, seed):
    """Of two classes, of images [B, 3, 3, 2] in [-1, 1]; nothing is random."""
    return tf.reshape(x, [-1, 18]) @ WEIGHTS


def noisy(x, seed):
    return linear(x + 0.3 * tf.random.stateless_normal(tf.shape(x), seed), seed)


def images(n=6, low=0.4, high=0.6):
    return np.random.default_rng(1).uniform(low, high, (n, *SHAPE)).astype("float32")


def named(x):
    return np.argmax(linear(2 * x - 1, None), axis=1).astype("int32")


def margin(x, labels):
    """By hand: max_{j != y} f_j - f_y of two classes, of x in [0, 1]."""
    logits = linear(2 * x - 1, None).numpy()
    rows = np.arange(len(x))
    return logits[rows, 1 - labels] - logits[rows, labels]


def attack(x, labels, classify=linear, **how):
    look = attacks.looking(classify, SHAPE)
    how = {"norm": "linf", "eps": 10.0, "steps": 20, "enough": np.inf} | how
    return attacks.pgd(look, x, labels, **how)


@pytest.mark.parametrize(
    ("norm", "eps", "dual", "near"),
    [("linf", 10.0, 1, 1e-3), ("l2", 0.3, 2, 0.05), ("l2", 0.05, 2, 0.05)],
)
def test_on_a_linear_model_it_finds_the_closed_form(norm, eps, dual, near):
    # A ball in [0, 1] is twice as large in [-1, 1]; no pixel of these meets 0 or 1.
    x = images()
    labels = named(x)
    found = attack(x, labels, norm=norm, eps=eps, steps=60)
    slope = np.linalg.norm(2 * (WEIGHTS[:, 0] - WEIGHTS[:, 1]), dual)
    radius = eps / 255 if norm == "linf" else eps
    gained = margin(found, labels) - margin(x, labels)
    # Steps that are 2.5 radii together reach the pole of an L2 ball but nearly.
    np.testing.assert_allclose(gained, radius * slope, rtol=near)
    assert (gained <= radius * slope * (1 + 1e-5)).all()


@pytest.mark.parametrize(("norm", "eps"), [("linf", 16.0), ("l2", 0.5)])
def test_points_lie_in_the_ball_and_in_the_range(norm, eps):
    x = images(low=0.0, high=1.0)
    found = attack(x, named(x), norm=norm, eps=eps)
    moved = (found - x).reshape(len(x), -1)
    order = np.inf if norm == "linf" else 2
    assert (
        np.linalg.norm(moved, order, axis=1).max() <= eps * attacks.UNITS[norm] + 1e-6
    )
    assert 0 <= found.min() <= found.max() <= 1


def test_a_radius_of_0_moves_nothing():
    x = images()
    np.testing.assert_array_equal(attack(x, named(x), eps=0.0, steps=1), x)


def test_an_unbounded_attack_leaves_nothing_right():
    x = images(20, 0.0, 1.0)
    labels = named(x)
    assert attacks.right(linear, x, labels).mean() == 1
    assert attacks.right(linear, attack(x, labels, eps=255.0), labels).mean() == 0


def test_the_best_point_is_kept_though_the_attack_walks_on():
    # The margin is largest on a ring of radius 0.05; sign steps walk beyond it.
    x = images()
    labels = np.zeros(len(x), "int32")
    centre = tf.constant(2 * x - 1)

    def ring(z, seed):
        away = tf.norm(tf.reshape(z - centre, [len(x), -1]), axis=1) - 0.05
        return tf.stack([tf.zeros_like(away), tf.sin(40 * away) - 0.5], 1)

    look = attacks.looking(ring, SHAPE)
    seen = []

    def watched(points, labels, seed):
        told = look(points, labels, seed)
        seen.append((points, told[0].numpy()))
        return told

    how = {"norm": "linf", "eps": 30.0, "steps": 7, "restarts": 3, "enough": np.inf}
    found = attacks.pgd(watched, x, labels, **how)
    margins = np.array([margin for _, margin in seen])
    assert len(seen) == 1 + 3 * (7 + 1)  # the image, iterates, and each last one
    best = margins.argmax(axis=0)
    assert (best < len(seen) - 1).any()
    expected = [seen[at][0][i] for i, at in enumerate(best)]
    np.testing.assert_array_equal(found, expected)


def test_a_settled_image_costs_no_more_looks():
    x = images()
    labels = 1 - named(x)  # wrong from the start
    looked = []
    look = attacks.looking(linear, SHAPE)

    def counting(points, labels, seed):
        looked.append(len(points))
        return look(points, labels, seed)

    attacks.pgd(counting, x, labels, norm="linf", eps=8.0, steps=9, enough=-np.inf)
    assert looked == [len(x)]


def test_how_many_images_it_looks_at_together_changes_nothing():
    x = images(11)
    labels = named(x)
    together, apart = (attack(x, labels, at_once=n) for n in (11, 4))
    np.testing.assert_allclose(together, apart, atol=1e-6)


def test_equal_seeds_give_equal_points():
    x = images()
    first, again, other = (
        attack(x, named(x), classify=noisy, eps=80.0, steps=3, seed=seed)
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0


def test_noise_is_averaged_over_the_draws():
    # Of a linear model: the mean margin is the margin at the mean of the noise.
    x = images(2)
    labels, seed = named(x), tf.constant([1, 2])
    mean, least, _ = attacks.looking(noisy, SHAPE, draws=7)(x, labels, seed)
    many = tf.repeat(2 * x - 1, 7, axis=0)
    log_p = tf.nn.log_softmax(noisy(many, seed)).numpy().reshape(2, 7, 2)
    rows = np.arange(2)
    margins = log_p[rows, :, 1 - labels] - log_p[rows, :, labels]
    np.testing.assert_allclose(mean, margins.mean(1), rtol=1e-4)
    np.testing.assert_allclose(least, margins.min(1), rtol=1e-4)


def test_the_gradient_is_the_cross_entropys_but_does_not_vanish():
    x = images(3)
    labels = named(x)
    *_, slope = attacks.looking(linear, SHAPE)(x, labels, tf.constant([0, 0]))

    def steep(x, seed):
        return 1000 * linear(x, seed)

    def cross_entropy(classify):
        with tf.GradientTape() as tape:
            z = tf.constant(x)
            tape.watch(z)
            told = tf.nn.log_softmax(classify(2 * z - 1, None))
            loss = -tf.reduce_sum(tf.gather(told, labels, batch_dims=1))
        return tape.gradient(loss, z).numpy()

    theirs = cross_entropy(linear).reshape(3, -1)
    ours = slope.numpy().reshape(3, -1)
    cosine = np.sum(ours * theirs, 1) / np.linalg.norm(ours, axis=1)
    np.testing.assert_allclose(cosine / np.linalg.norm(theirs, axis=1), 1, rtol=1e-4)
    *_, sure = attacks.looking(steep, SHAPE)(x, labels, tf.constant([0, 0]))
    assert not cross_entropy(steep).any()
    assert sure.numpy().any(axis=(1, 2, 3)).all()


def test_an_answer_that_is_not_finite_is_wrong():
    def broken(x, seed):
        return linear(x, seed) * np.nan

    x = images(3)
    told = attacks.looking(broken, SHAPE)(x, named(x), tf.constant([0, 0]))
    assert np.isposinf(told[0]).all()
    assert np.isfinite(told[2]).all()
    assert not attacks.right(broken, x, named(x)).any()


def test_right_is_the_share_of_draws():
    def coin(x, seed):
        heads = tf.random.stateless_uniform([tf.shape(x)[0]], seed) < 0.3
        return tf.one_hot(tf.cast(heads, tf.int32), 2)

    x = np.zeros((100, *SHAPE), "float32")
    shares = attacks.right(coin, x, np.ones(100, "int32"), draws=40)
    # 4,000 draws: the standard error is .007.
    assert shares.mean() == pytest.approx(0.3, abs=0.03)
    assert set(np.round(shares * 40, 6) % 1) == {0.0}
