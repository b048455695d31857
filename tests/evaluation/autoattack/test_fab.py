import numpy as np
import pytest

from jem_tf.evaluation.autoattack import fab
from tests.evaluation.autoattack import classifiers

each_norm = pytest.mark.parametrize("norm", classifiers.NORMS)


@each_norm
def test_of_a_linear_model_it_finds_the_nearest_point(norm):
    classify = classifiers.linear(2)
    given = classifiers.images(classify)
    attack = fab.make_fab(classify, norm=norm)
    # Within a radius of 0 no image is ever finished.
    found = attack(given, given.others[:, 0], radius=0.0, steps=30, batch_size=16)
    assert not found.broken.any()
    assert classifiers.wrong(classify, found.points, given.labels).all()
    needed = classifiers.distances(given, norm, 2)[:, 0]
    reached = classifiers.lengths(found.points - given.x, norm)
    assert (reached >= needed * (1 - 1e-3)).all()
    np.testing.assert_allclose(reached, needed, rtol=0.01)


@each_norm
def test_of_a_linear_model_it_breaks_what_is_nearer_than_the_radius(norm):
    classify = classifiers.linear()
    given = classifiers.images(classify)
    attack = fab.make_fab(classify, norm=norm)
    needed = classifiers.distances(given, norm)
    nearest, target = needed.min(1), needed.argmin(1)
    targets = given.others[np.arange(len(target)), target]
    for radius in (np.median(nearest), 1.02 * nearest.max(), 0.99 * nearest.min()):
        found = attack(given, targets, radius=radius, steps=30, batch_size=16)
        np.testing.assert_array_equal(
            found.broken[np.abs(nearest / radius - 1) > 0.01],
            (nearest < radius)[np.abs(nearest / radius - 1) > 0.01],
        )
        points, x = found.points[found.broken], given.x[found.broken]
        assert classifiers.wrong(classify, points, given.labels[found.broken]).all()
        if len(points):
            classifiers.assert_within(points, x, radius, norm)


@each_norm
def test_of_a_network_its_points_are_wrong_and_in_the_range(norm):
    classify = classifiers.Network().with_weights(2)
    given = classifiers.images(classify, low=0.0, high=1.0)
    attack = fab.make_fab(classify, norm=norm)
    radius = {"linf": 0.03, "l2": 0.12}[norm]
    found = attack(given, given.others[:, 0], radius=radius, steps=30, batch_size=16)
    assert found.broken.sum() > 3
    points, labels = found.points[found.broken], given.labels[found.broken]
    assert classifiers.wrong(classify, points, labels).all()
    classifiers.assert_within(points, given.x[found.broken], radius, norm)


def test_the_batches_change_nothing():
    classify = classifiers.linear()
    given = classifiers.images(classify, 11)
    attack = fab.make_fab(classify, norm="l2")
    how = {"radius": 0.0, "steps": 12}
    whole = attack(given, given.others[:, 0], batch_size=11, **how)
    few = attack(given.take(np.arange(3)), given.others[:3, 0], batch_size=2, **how)
    np.testing.assert_allclose(few.points, whole.points[:3], atol=1e-4)
