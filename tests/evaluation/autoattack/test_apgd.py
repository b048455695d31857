import numpy as np
import pytest
import tensorflow as tf

from jem_tf.evaluation import attack_gradients
from jem_tf.evaluation.autoattack import apgd, losses
from jem_tf.evaluation.pgd import pgd
from tests.evaluation.autoattack import classifiers

each_norm = pytest.mark.parametrize("norm", classifiers.NORMS)
HOW = {"steps": 40, "seed": [0], "batch_size": 16}


@each_norm
@pytest.mark.parametrize(
    ("loss", "classes"), [(losses.cross_entropy, 2), (losses.targeted_dlr, 5)]
)
def test_of_a_linear_model_it_breaks_what_is_nearer_than_the_radius(
    norm, loss, classes
):
    classify = classifiers.linear(classes)
    given = classifiers.images(classify)
    attack = apgd.make_apgd(classify, norm=norm, loss=loss)
    # A target may be the second most likely class; its hyperplane is the nearest of
    # all only sometimes.
    target = given.others[:, 0]
    needed = classifiers.distances(given, norm, classes)[:, 0]
    nearest = classifiers.distances(given, norm, classes).min(1)
    for radius in (np.median(needed), 1.01 * needed.max(), 0.99 * nearest.min()):
        found = attack(given, target, radius=radius, **HOW)
        assert found.broken[needed < 0.995 * radius].all()
        assert not found.broken[nearest > radius].any()
        points = found.points[found.broken]
        x, labels = given.x[found.broken], given.labels[found.broken]
        assert classifiers.wrong(classify, points, labels).all()
        if len(points):
            classifiers.assert_within(points, x, radius, norm)


@each_norm
def test_points_stay_in_the_range_too(norm):
    classify = classifiers.Network().with_weights(0)
    given = classifiers.images(classify, low=0.0, high=1.0)
    attack = apgd.make_apgd(classify, norm=norm, loss=losses.cross_entropy)
    radius = {"linf": 0.1, "l2": 0.4}[norm]
    found = attack(given, given.labels, radius=radius, **HOW)
    assert found.broken.sum() > 3
    assert (found.points == 0).any()
    classifiers.assert_within(found.points, given.x, radius, norm)


@pytest.mark.slow
@each_norm
def test_it_is_never_weaker_than_pgd_of_as_many_steps(norm):
    radius = {"linf": 0.012, "l2": 0.05}[norm]
    network = classifiers.Network()
    view = attack_gradients.make_attack_view(network, classifiers.SHAPE)
    attack = apgd.make_apgd(network, norm=norm, loss=losses.cross_entropy)
    for seed in range(5):
        given = classifiers.images(network.with_weights(seed), 60)
        points = pgd(
            view,
            given.x,
            given.labels,
            norm=norm,
            eps=radius / attack_gradients.UNITS[norm],
            steps=20,
            restarts=1,
            batch_size=60,
            stop_margin=0.0,
            seed=seed,
        )
        how = {"radius": radius, "steps": 20, "seed": [seed], "batch_size": 60}
        found = attack(given, given.labels, **how)
        by_pgd = classifiers.wrong(network, points, given.labels)
        assert 5 < found.broken.sum() < 60
        assert found.broken.sum() >= by_pgd.sum()


def test_neither_the_batches_nor_other_images_change_what_it_finds():
    classify = classifiers.Network().with_weights(1)
    given = classifiers.images(classify, 11)
    attack = apgd.make_apgd(classify, norm="l2", loss=losses.targeted_dlr)
    how = {"radius": 0.05, "steps": 20, "seed": [3, 1]}
    whole = attack(given, given.others[:, 0], batch_size=11, **how)
    rows = np.array([7, 2, 9])
    few = attack(given.take(rows), given.others[rows, 0], batch_size=2, **how)
    np.testing.assert_array_equal(few.broken, whole.broken[rows])
    np.testing.assert_allclose(few.points, whole.points[rows], atol=1e-5)
    other = attack(given, given.others[:, 0], batch_size=11, **how | {"seed": [3, 2]})
    assert np.abs(other.points - whole.points).max() > 1e-4


def test_the_checkpoints_of_100_steps_are_the_papers():
    windows = apgd.checkpoint_windows(100)
    at = [22, 41, 57, 70, 80, 87, 93, 99]
    np.testing.assert_array_equal(np.flatnonzero(windows), at)
    np.testing.assert_array_equal(windows[at], np.diff([0, *at]))
    assert apgd.checkpoint_windows(1).tolist() == [0, 1]


def test_a_step_is_halved_by_the_papers_two_conditions():
    # Few rises; many rises; no better than at the last checkpoint without a halving
    # there, and with one; and no checkpoint at all.
    state = {
        "rises": tf.constant([6, 7, 8, 8]),
        "best_loss": tf.constant([2.0, 2.0, 1.0, 1.0]),
        "checked_loss": tf.constant([1.0, 1.0, 1.0, 1.0]),
        "halved": tf.constant([False, False, False, True]),
        "length": tf.constant([8.0, 8.0, 8.0, 8.0]),
        "point": tf.fill([4, 1, 1, 1], 1.0),
        "best": tf.fill([4, 1, 1, 1], 2.0),
        "gradient": tf.fill([4, 1, 1, 1], 3.0),
        "best_gradient": tf.fill([4, 1, 1, 1], 4.0),
    }
    after = apgd._check(state, tf.constant(8))
    np.testing.assert_array_equal(after["length"], [4, 8, 4, 8])
    np.testing.assert_array_equal(after["point"][:, 0, 0, 0], [2, 1, 2, 1])
    np.testing.assert_array_equal(after["gradient"][:, 0, 0, 0], [4, 3, 4, 3])
    np.testing.assert_array_equal(after["halved"], [True, False, True, False])
    np.testing.assert_array_equal(after["checked_loss"], state["best_loss"])
    assert not after["rises"].numpy().any()
    none = apgd._check(state, tf.constant(0))
    assert all(np.array_equal(none[name], state[name]) for name in none)
