import numpy as np
import pytest
import tensorflow_datasets as tfds

from jem_tf.datasets import image_conversion, tfds_images, tfds_sets
from jem_tf.errors import InputError
from tests.datasets import odd_pictures
from tests.datasets.test_tfds_sets import pictures, store


def in_depth(images, dtype):
    """The same images of 8 bits, as a set of another depth has them."""
    if dtype == np.float32:
        return images.astype("float32") / 255
    return images.astype("uint16") * 257 if dtype == np.uint16 else images


@pytest.mark.parametrize(
    ("dtype", "channels"),
    [
        *((np.uint16, 1), (np.uint16, 3), (np.uint16, 4)),
        *((np.uint8, 2), (np.uint16, 2), (np.uint8, 4), (np.float32, 1)),
    ],
)
def test_sets_of_every_depth_and_with_alpha_come_as_grey_or_rgb(
    tmp_path, dtype, channels
):
    written, shape = pictures(3, (9, 8, channels)), (9, 8, channels)
    right = written
    if channels in (2, 4):
        colours, alpha = written[..., :-1], written[..., -1:]
        right = odd_pictures.over_white(colours, alpha)
    deep = {"train": in_depth(written, dtype)}
    place = store(tmp_path, "deep", "1.0.0", deep, shape=shape, dtype=dtype)
    images, _ = tfds_sets.read_tfds("deep", place)[0]["train"]
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images, right)
    outliers, _ = tfds_sets.read_tfds_images("deep", place)
    np.testing.assert_array_equal([*outliers], right)
    small, _ = tfds_sets.read_tfds("deep", place, image_size=4)[0]["train"]
    np.testing.assert_array_equal(small, image_conversion.resize(right, (4, 4)))


def test_floats_that_are_not_from_0_to_1_are_refused_with_their_range(tmp_path):
    written, shape = {"train": pictures(3, (9, 8, 1)).astype("float32")}, (9, 8, 1)
    place = store(tmp_path, "floats", "1.0.0", written, shape=shape, dtype=np.float32)
    says = "name=floats has images of floats from .* to 2.*, and only 0 to 1 are read"
    with pytest.raises(InputError, match=says):
        tfds_sets.read_tfds("floats", place)
    with pytest.raises(InputError, match=says):
        list(tfds_sets.read_tfds_images("floats", place)[0])


def test_grey_images_among_coloured_ones_are_repeated_to_rgb(tmp_path):
    written = [pictures(1, (9, 8, channels))[0] for channels in (3, 1, 4)]
    place = store(
        tmp_path, "mixed", "1.0.0", {"train": written}, shape=(None, None, None)
    )
    images, _ = tfds_sets.read_tfds("mixed", place, image_size=8)[0]["train"]
    grey = image_conversion.resize(written[1], (8, 8))
    np.testing.assert_array_equal(images[1], grey.repeat(3, -1))
    assert images.shape == (3, 8, 8, 3)


def test_rows_keep_their_other_features_and_the_range_of_their_split(tmp_path):
    place = store(tmp_path, "rows", "1.0.0", {"train": pictures(5)})
    builder = tfds.builder("rows", data_dir=place)
    rows = list(tfds_images.read_rows(builder, "train[2:4]", "image", "rows"))
    assert [row["id"] for row in rows] == [b"00002", b"00003"]
    assert [row["label"] for row in rows] == [0, 1]
    np.testing.assert_array_equal([row["image"] for row in rows], pictures(5)[2:4])


def test_a_coloured_image_in_one_split_makes_all_splits_rgb(tmp_path):
    grey = [pictures(1, (8, 8, 1), seed)[0] for seed in range(4)]
    splits = {"train": grey, "test": [grey[0], pictures(1, (8, 8, 3))[0]]}
    place = store(tmp_path, "some", "1.0.0", splits, shape=(8, 8, None))
    read, _ = tfds_sets.read_tfds("some", place)
    assert [images.shape for images, _ in read.values()] == [(4, 8, 8, 3), (2, 8, 8, 3)]
    for image, right in zip(read["train"][0], grey, strict=True):
        np.testing.assert_array_equal(image, np.repeat(right, 3, axis=-1))
