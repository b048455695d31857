import numpy as np
from sklearn.covariance import EmpiricalCovariance

from jem_tf.ood_scores import mahalanobis
from jem_tf.ood_scores.interface import Known, Labelled, Outputs
from tests.ood_scores import known


def distances(features, means, covariance):
    """The squared distance of each to the nearest mean, by the formula."""
    off = features[:, None] - means
    inverse = np.linalg.inv(covariance)
    return np.einsum("ncd,de,nce->nc", off, inverse, off).min(1)


def test_it_is_the_analytic_distance_of_known_gaussians():
    """The points of a class, +-sqrt(D) times the columns of a root of S, have S."""
    generator, size = np.random.default_rng(5), known.FEATURES
    root = generator.normal(size=[size, size])
    points = np.concatenate([root.T, -root.T]) * np.sqrt(size)
    features = np.concatenate([mean + points for mean in known.MEANS])
    labels = np.repeat(np.arange(known.CLASSES), 2 * size)
    train = Labelled(Outputs(features @ known.KERNEL, features), labels)
    state = mahalanobis.fit(Known(train=train), {})
    tested = known.labelled(20, seed=6).outputs
    expected = distances(tested.features, known.MEANS, root @ root.T)
    score = mahalanobis.compute(tested, state)
    np.testing.assert_allclose(-score, expected, rtol=1e-3)


def test_it_is_that_of_scikit_learns_covariance():
    train, tested = known.known().train, known.labelled(20, seed=6).outputs
    means = np.stack(
        [train.outputs.features[train.labels == y].mean(0) for y in range(3)]
    )
    model = EmpiricalCovariance().fit(train.outputs.features - means[train.labels])
    expected = np.min([model.mahalanobis(tested.features - m) for m in means], axis=0)
    score = mahalanobis.compute(tested, mahalanobis.fit(known.known(), {}))
    np.testing.assert_allclose(-score, expected, rtol=1e-3)


def test_dead_features_and_absent_classes_change_nothing():
    outputs, labels = known.known().train
    tested = known.labelled(20, seed=6).outputs
    before = mahalanobis.compute(tested, mahalanobis.fit(known.known(), {}))

    def wider(some):
        return some._replace(features=np.pad(some.features, [[0, 0], [0, 2]]))

    train = Labelled(wider(outputs), labels * 5)  # classes 0, 5 and 10
    state = mahalanobis.fit(Known(train=train), {})
    after = mahalanobis.compute(wider(tested), state)
    np.testing.assert_allclose(after, before, rtol=1e-3)


def test_one_image_a_class_gives_no_number():
    """Their covariance is 0, and a distance of 0 to all would look like a measure."""
    train = known.known().train
    one = [np.flatnonzero(train.labels == y)[0] for y in range(known.CLASSES)]
    few = Labelled(Outputs(None, train.outputs.features[one]), train.labels[one])
    state = mahalanobis.fit(Known(train=few), {})
    score = mahalanobis.compute(known.labelled(5, seed=6).outputs, state)
    assert np.isnan(score).all()
