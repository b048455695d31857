import numpy as np
import pytest
import tensorflow as tf

from jem_tf import starts
from jem_tf.errors import InputError
from jem_tf.starts import class_gaussians

SHAPE = (4, 4, 3)


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


def test_the_gaussian_start_is_built_of_the_first_images(monkeypatch, dataset):
    monkeypatch.setattr(class_gaussians, "GAUSSIAN_IMAGES", 1000)
    images, labels = dataset
    some = images[:1000].astype("float32") / 127.5 - 1
    expected = starts.gaussian(some, labels[:1000], 2)(64, [0, 1])
    built = starts.build("gaussian", SHAPE, images, labels, 2)
    np.testing.assert_array_equal(built(64, [0, 1]), expected)


def test_a_class_that_the_first_images_lack_gives_its_own(monkeypatch, dataset):
    monkeypatch.setattr(class_gaussians, "GAUSSIAN_IMAGES", 1000)
    images, labels = dataset[0], np.array(dataset[1])
    labels[:2000] = 0
    labels[[3000, 3500]] = 2  # a class of two
    built = starts.build("gaussian", SHAPE, images, labels, 3)
    kept = class_gaussians.gaussian_images(labels, 3)
    assert kept[:1000].tolist() == list(range(1000))
    assert np.bincount(labels[kept]).tolist() == [1000, 1000 // 3, 2]
    rare = built(500, [0, 1], tf.fill([500], 2)).numpy()
    expected = images[[3000, 3500]].astype("float32").mean(0) / 127.5 - 1
    np.testing.assert_allclose(rare.mean(0), expected, atol=0.05)


def test_where_the_first_images_have_all_classes_no_other_is_taken(monkeypatch):
    monkeypatch.setattr(class_gaussians, "GAUSSIAN_IMAGES", 1000)
    chosen = class_gaussians.gaussian_images(np.arange(4000) % 7, 7)
    np.testing.assert_array_equal(chosen, np.arange(1000))


def test_a_label_that_is_no_class_is_refused(pictures):
    labels = np.where(np.arange(4000) == 7, -1, pictures[1])
    with pytest.raises(InputError, match="labels hold -1; give those of classes, 0 to"):
        starts.gaussian(pictures[0], labels, 2)


def test_floats_and_columns_of_labels_start_chains_where_bytes_do(dataset):
    images, labels = dataset
    expected = class_gaussians.from_dataset(images, labels, 2)(8, [0, 1])
    floats = (images / 127.5 - 1).astype("float32")
    start = class_gaussians.from_dataset(floats, labels[:, None], 2)
    np.testing.assert_allclose(start(8, [0, 1]), expected, atol=1e-3)


def test_what_are_no_images_or_class_numbers_is_refused(dataset):
    images, labels = dataset
    with pytest.raises(InputError, match="scale them to"):
        class_gaussians.from_dataset(images.astype("float32"), labels, 2)
    for wrong in (np.eye(2, dtype=int)[labels], labels + 0.5):
        with pytest.raises(InputError, match=r"give class numbers, int \[N\]"):
            class_gaussians.from_dataset(images, wrong, 2)


def test_the_gaussian_of_bytes_is_that_of_their_floats(dataset):
    images, labels = dataset
    floats = (images / 127.5 - 1).astype("float32")
    means = [starts.gaussian(x, labels, 2).means for x in (images, floats)]
    np.testing.assert_allclose(*means, atol=1e-6)
    assert np.abs(means[0]).max() <= 1


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda x, y: (x.astype("float32"), y), "scale them to"),
        (lambda x, y: (x / np.nan, y), "NaN or infinite pixels"),
        (lambda x, y: (x, y[:-1]), "give each image one"),
    ],
)
def test_a_gaussian_of_what_are_no_labelled_images_is_refused(dataset, spoil, says):
    images, labels = spoil(*dataset)
    with pytest.raises(InputError, match=says):
        starts.gaussian(images, labels, 2)
