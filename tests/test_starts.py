import numpy as np
import pytest
import tensorflow as tf

from jem_tf import pixels, starts
from jem_tf.errors import InputError

SHAPE = (4, 4, 3)


@pytest.fixture(scope="module")
def pictures():
    """Two classes whose pixels share a covariance round means of -0.4 and 0.3."""
    rng = np.random.default_rng(0)
    labels = np.arange(4000) % 2
    mixing = rng.normal(0, 0.02, [48, 48])
    means = np.where(labels == 0, -0.4, 0.3)[:, None]
    flat = means + rng.normal(size=[4000, 48]) @ mixing
    return flat.reshape(-1, *SHAPE).astype("float32"), labels


@pytest.fixture(scope="module")
def dataset(pictures):
    """The same as a data set has them: uint8 images, and labels."""
    images, labels = pictures
    return pixels.to_uint8(images).numpy(), labels


@pytest.fixture(params=starts.STARTS)
def start(request, dataset):
    return starts.build(request.param, SHAPE, *dataset, 2)


def test_a_start_is_images_in_range_that_its_seed_determines(start):
    first, again, other = (start(64, seed) for seed in ([0, 1], [0, 1], [0, 2]))
    assert first.shape == (64, *SHAPE)
    assert first.dtype == tf.float32
    assert np.abs(first).max() <= 1
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0


def test_a_start_takes_labels(start):
    assert start(6, [0, 1], tf.constant([0, 1, 0, 1, 0, 1])).shape == (6, *SHAPE)


def test_uniform_fills_the_range_evenly():
    drawn = np.ravel(starts.uniform(SHAPE)(2000, [0, 0]))
    shares = np.histogram(drawn, bins=8, range=(-1, 1))[0] / drawn.size
    np.testing.assert_allclose(shares, 1 / 8, atol=0.005)


def test_gaussian_has_the_means_and_the_covariance_of_its_classes(pictures):
    images, labels = pictures
    start = starts.gaussian(images, labels, 2)
    drawn = start(4000, [0, 0], tf.constant(labels, tf.int32)).numpy()
    for y in (0, 1):
        np.testing.assert_allclose(
            drawn[labels == y].mean(0), images[labels == y].mean(0), atol=0.02
        )
    covariance, expected = (
        np.cov(
            (x - np.where(labels == 0, -0.4, 0.3)[:, None, None, None])
            .reshape(-1, 48)
            .T
        )
        for x in (drawn, images)
    )
    error = np.linalg.norm(covariance - expected)
    assert error < 0.15 * np.linalg.norm(expected)


def test_gaussian_without_labels_draws_the_classes_evenly(pictures):
    drawn = starts.gaussian(*pictures, 2)(2000, [0, 0]).numpy()
    assert np.mean(drawn.mean((1, 2, 3)) < -0.05) == pytest.approx(0.5, abs=0.05)


def test_a_mixture_starts_as_its_first_in_its_share():
    def constant(value):
        return lambda n, seed, labels=None: tf.fill([n, *SHAPE], value)

    drawn = starts.mixture(constant(1.0), constant(-1.0), 0.1)(10_000, [0, 3]).numpy()
    assert np.mean(drawn[:, 0, 0, 0] == 1.0) == pytest.approx(0.1, abs=0.01)
    assert (drawn == drawn[:, :1, :1, :1]).all()  # images are of one kind whole


def test_the_gaussian_start_is_built_of_the_first_images(monkeypatch, dataset):
    monkeypatch.setattr(starts, "GAUSSIAN_IMAGES", 1000)
    images, labels = dataset
    some = images[:1000].astype("float32") / 127.5 - 1
    expected = starts.gaussian(some, labels[:1000], 2)(64, [0, 1])
    built = starts.build("gaussian", SHAPE, images, labels, 2)
    np.testing.assert_array_equal(built(64, [0, 1]), expected)


def test_a_class_that_the_first_images_lack_gives_its_own(monkeypatch, dataset):
    monkeypatch.setattr(starts, "GAUSSIAN_IMAGES", 1000)
    images, labels = dataset[0], np.array(dataset[1])
    labels[:2000] = 0
    labels[[3000, 3500]] = 2  # a class of two
    built = starts.build("gaussian", SHAPE, images, labels, 3)
    kept = starts.gaussian_images(labels, 3)
    assert kept[:1000].tolist() == list(range(1000))
    assert np.bincount(labels[kept]).tolist() == [1000, 1000 // 3, 2]
    rare = built(500, [0, 1], tf.fill([500], 2)).numpy()
    expected = images[[3000, 3500]].astype("float32").mean(0) / 127.5 - 1
    np.testing.assert_allclose(rare.mean(0), expected, atol=0.05)


def test_where_the_first_images_have_all_classes_no_other_is_taken(monkeypatch):
    monkeypatch.setattr(starts, "GAUSSIAN_IMAGES", 1000)
    chosen = starts.gaussian_images(np.arange(4000) % 7, 7)
    np.testing.assert_array_equal(chosen, np.arange(1000))


@pytest.mark.parametrize("name", ["gaussian", "mixed"])
def test_a_class_without_any_image_is_refused_by_its_number(dataset, name):
    says = "of class 2, 4 there is no image; add some, or choose start=uniform"
    labels = np.where(np.arange(4000) == 7, 3, dataset[1])
    with pytest.raises(InputError, match=says):
        starts.build(name, SHAPE, dataset[0], labels, 5)


def test_a_label_that_is_no_class_is_refused(pictures):
    labels = np.where(np.arange(4000) == 7, -1, pictures[1])
    with pytest.raises(InputError, match="labels hold -1; give those of classes, 0 to"):
        starts.gaussian(pictures[0], labels, 2)


def test_the_mixed_start_is_a_tenth_uniform_and_else_gaussian(dataset):
    uniform, gaussian, mixed = (
        starts.build(name, SHAPE, *dataset, 2)
        for name in ("uniform", "gaussian", "mixed")
    )
    expected = starts.mixture(uniform, gaussian, 0.1)(64, [0, 1])
    np.testing.assert_array_equal(mixed(64, [0, 1]), expected)


def test_the_uniform_start_reads_no_images():
    built = starts.build("uniform", SHAPE, None, None, 2)
    np.testing.assert_array_equal(built(8, [0, 1]), starts.uniform(SHAPE)(8, [0, 1]))


def test_a_start_that_does_not_exist_is_refused():
    says = "^start=normal is not known; choose one of uniform, gaussian, mixed"
    with pytest.raises(InputError, match=says):
        starts.build("normal", SHAPE, None, None, 2)
