"""The nearest images, against all distances."""

import numpy as np

from jem_tf.evaluation import neighbours


def test_the_nearest_are_those_of_all_distances_however_many_chunks(monkeypatch):
    random = np.random.default_rng(0)
    samples, images = (random.integers(0, 256, [n, 4, 4, 3], "uint8") for n in (6, 50))
    monkeypatch.setattr(neighbours, "CHUNK", 16)
    which, distances = neighbours.find_nearest(samples, images, 5)
    pixels = [x.reshape(len(x), -1) / 127.5 - 1 for x in (samples, images)]
    all_ = np.linalg.norm(pixels[0][:, None] - pixels[1], axis=-1)
    order = np.argsort(all_, axis=1)[:, :5]
    np.testing.assert_array_equal(which, order)
    np.testing.assert_allclose(distances, np.take_along_axis(all_, order, 1), rtol=1e-4)


def test_a_training_image_is_its_own_nearest():
    images = np.random.default_rng(0).integers(0, 256, [20, 4, 4, 1], "uint8")
    which, distances = neighbours.find_nearest(images[7:9], images, 2)
    np.testing.assert_array_equal(which[:, 0], [7, 8])
    np.testing.assert_allclose(distances[:, 0], 0, atol=1e-3)
    assert (distances[:, 1] > 1).all()


def test_a_last_chunk_smaller_than_the_count_is_no_matter(monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, [11, 4, 4, 1], "uint8")
    monkeypatch.setattr(neighbours, "CHUNK", 5)
    which, _ = neighbours.find_nearest(images[10:], images, 3)
    assert which.shape == (1, 3)
    assert which[0, 0] == 10


def test_the_nearest_rows_are_those_of_all_distances(monkeypatch):
    random = np.random.default_rng(0)
    samples, rows = (random.normal(size=[n, 7]).astype("float32") for n in (6, 50))
    monkeypatch.setattr(neighbours, "CHUNK", 16)
    which, distances = neighbours.find_nearest_rows(samples, rows)
    all_ = np.linalg.norm(samples[:, None] - rows, axis=-1)
    np.testing.assert_array_equal(which[:, 0], all_.argmin(1))
    np.testing.assert_allclose(distances[:, 0], all_.min(1), rtol=1e-5)
