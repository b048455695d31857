"""Crops are windows of the reflected picture, cutouts are squares; both by the seed."""

import numpy as np
import pytest
import tensorflow as tf

from jem_tf.datasets import augmentation, batches
from tests.datasets.test_batches import dataset, noisy


def windows(image):
    """The 9 crops of a reflect-padded 8-pixel-high image, by a slow twin."""
    height, width, _ = image.shape
    padded = np.pad(image, [(1, 1), (1, 1), (0, 0)], "reflect")
    return {
        padded[i : i + height, j : j + width].tobytes()
        for i in range(3)
        for j in range(3)
    }


def mirrored(image):
    return image[:, ::-1]


@pytest.mark.parametrize("shape", [(8, 8, 3), (8, 40, 1)])
@pytest.mark.parametrize("flip", [False, True])
def test_every_crop_is_a_window_of_the_reflected_picture(shape, flip):
    image = np.random.default_rng(1).integers(0, 256, shape, dtype="uint8")
    cropped = augmentation.crop_and_flip(
        tf.constant(np.stack([image] * 400)), tf.constant([1, 2]), flip
    ).numpy()
    straight = windows(image)
    turned = {
        mirrored(np.frombuffer(window, "uint8").reshape(shape)).tobytes()
        for window in straight
    }
    crops = [crop.tobytes() for crop in cropped]
    assert len(straight | turned) == 18
    assert set(crops) == (straight | turned if flip else straight)
    # Of 400 fair coins, 140 to 260 are heads but for six standard deviations.
    count = sum(crop in turned for crop in crops)
    assert 140 < count < 260 if flip else count == 0


def test_a_picture_of_32_pixels_moves_by_up_to_4():
    image = np.zeros([1, 32, 32, 1], "uint8")
    image[0, 16, 16] = 255
    cropped = augmentation.crop_and_flip(
        tf.constant(image.repeat(2000, 0)), tf.constant([0, 1]), False
    )
    _, row, column, _ = np.nonzero(cropped.numpy())
    assert set(row) == set(column) == set(range(12, 21))
    assert len(set(zip(row, column, strict=True))) == 81


def test_pictures_of_a_few_pixels_are_not_moved():
    image = np.arange(48, dtype="uint8").reshape(1, 4, 4, 3)
    cropped = augmentation.crop_and_flip(tf.constant(image), tf.constant([0, 1]), False)
    np.testing.assert_array_equal(cropped, image)


def test_training_mirrors_only_where_the_set_allows_it():
    images = np.random.default_rng(1).integers(0, 256, [1, 8, 8, 1]).repeat(60, 0)
    turned = windows(mirrored(images[0].astype("uint8")))
    for flip in (True, False):
        feed = batches.training_batches(
            dataset(images, flip=flip), steps=1, batch_size=60, seed=0
        )
        x, _ = next(iter(feed))
        crops = np.round((x.numpy() + 1) * 127.5).astype("uint8")
        assert any(crop.tobytes() in turned for crop in crops) == flip


@pytest.mark.parametrize(("height", "width", "side"), [(8, 8, 3), (8, 8, 4), (5, 9, 4)])
def test_a_cutout_is_a_square_around_any_pixel_clipped_by_the_edges(
    height, width, side
):
    """The slow twin: all squares that there can be."""
    images = tf.ones([900, height, width, 2])
    cut = augmentation.cut_out(images, side, tf.constant([0, 1])).numpy()
    squares = set()
    for row in range(height):
        for column in range(width):
            image = np.ones([height, width, 2], "float32")
            top, left = row - side // 2, column - side // 2
            image[max(top, 0) : top + side, max(left, 0) : left + side] = 0.0
            squares.add(image.tobytes())
    assert {image.tobytes() for image in cut} == squares


def test_xla_compiles_the_augmentation():
    @tf.function(jit_compile=True)
    def augment(images, step):
        seed = batches.fold_in([0, batches.CROP], step)
        x = augmentation.crop_and_flip(images, seed, True)
        return augmentation.cut_out(tf.cast(x, tf.float32) + 1, 3, seed)

    images = noisy(20).train.images
    augmented = augment(images, tf.constant(3)).numpy()
    assert 0 < (augmented == 0).mean() < 9 / 64
    assert (augmented - 1 != images.numpy()).any()
