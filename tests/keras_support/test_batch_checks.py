"""Images and labels are cast to what models take, or refused in a sentence."""

import numpy as np
import pytest
import tensorflow as tf

from jem_tf import pixels
from jem_tf.errors import InputError
from jem_tf.keras_support import batch_checks

SHAPE = (4, 5, 3)
EXPECTED = batch_checks.Expected(SHAPE, num_classes=3)
IMAGES = np.random.default_rng(0).integers(0, 256, [6, *SHAPE], "uint8")
LABELS = np.array([0, 1, 2, 0, 1, 2])
FLOATS = pixels.from_uint8(IMAGES).numpy()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_floats_of_any_width_are_cast_to_float32(dtype):
    images = tf.cast(FLOATS, dtype)
    cast = tf.function(lambda x: batch_checks.cast_images(x, SHAPE))(images)
    assert cast.dtype == tf.float32
    np.testing.assert_array_equal(cast, tf.cast(images, tf.float32))
    EXPECTED.check(images.numpy())


def test_uint8_images_are_converted_to_their_pixels_in_a_graph_too():
    cast = tf.function(lambda x: batch_checks.cast_images(x, SHAPE))
    np.testing.assert_allclose(cast(IMAGES), FLOATS, atol=1e-7)
    EXPECTED.check(IMAGES)


def test_a_float32_tensor_passes_as_it_is():
    images = tf.constant(FLOATS)
    assert batch_checks.cast_images(images, SHAPE) is images


def test_a_dict_of_images_is_cast_by_name():
    cast = batch_checks.cast_images({"labelled": IMAGES, "real": FLOATS}, SHAPE)
    np.testing.assert_array_equal(cast["labelled"], cast["real"])


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint16", "bool", "complex64"])
def test_other_dtypes_are_refused_before_and_within_a_graph(dtype):
    images = IMAGES.astype(dtype)
    for refuse in (EXPECTED.check, lambda x: batch_checks.cast_images(x, SHAPE)):
        with pytest.raises(InputError, match=f"images are {dtype}; give uint8 in 0"):
            refuse(images)


@pytest.mark.parametrize("shape", [(6, 4, 5), (6, 5, 4, 3), (4, 5, 3), (6, 4, 5, 1)])
def test_images_of_another_shape_are_refused(shape):
    images = np.zeros(shape, "float32")
    for refuse in (EXPECTED.check, lambda x: batch_checks.cast_images(x, SHAPE)):
        with pytest.raises(InputError, match=r"network takes \[B, 4, 5, 3\]\."):
            refuse(images)


@pytest.mark.parametrize(
    ("images", "says"),
    [
        ([FLOATS, FLOATS], "a list of 2, which Keras reads as so many inputs"),
        ({"image": FLOATS}, "a dict of 'image'; give 'labelled'"),
        (FLOATS * 255, r"reach from -255 to 255; scale them to \[-1, 1\]"),
        (np.full([1, *SHAPE], np.nan, "float32"), "NaN or infinite"),
    ],
    ids=["list", "dict", "0..255", "nan"],
)
def test_images_that_mean_something_else_are_refused(images, says):
    with pytest.raises(InputError, match=says):
        EXPECTED.check(images)


@pytest.mark.parametrize(
    ("x", "y", "says"),
    [
        (["labelled", "real"], ["labelled"], "a dict of 'labelled' beside"),
        (["labelled"], ["labelled", "real"], "beside images of 'labelled';"),
        (["labelled", "real"], ["class"], "a dict of 'class' beside"),
    ],
)
def test_a_dict_of_labels_goes_with_one_of_images(x, y, says):
    x, y = dict.fromkeys(x, FLOATS), dict.fromkeys(y, LABELS)
    with pytest.raises(InputError, match=says):
        batch_checks.check_pairs(x, y)


def test_labels_of_the_labelled_images_alone_go_with_any_images():
    batch_checks.check_pairs({"labelled": FLOATS, "real": FLOATS}, LABELS)
    both = {"labelled": LABELS, "real": LABELS}
    batch_checks.check_pairs({"labelled": FLOATS, "real": FLOATS}, both)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int32", "int64", "bool"])
@pytest.mark.parametrize("shape", [[-1], [-1, 1]])
def test_class_numbers_of_any_width_are_taken(dtype, shape):
    labels = (LABELS % 2).astype(dtype).reshape(shape)
    EXPECTED.check(IMAGES, labels)
    cast = batch_checks.cast_labels(labels, 3)
    assert cast.dtype == ("int64" if dtype == "int64" else "int32")
    np.testing.assert_array_equal(cast, labels.astype(int))


def test_whole_floats_are_class_numbers():
    EXPECTED.check(IMAGES, LABELS.astype("float32"))
    cast = batch_checks.cast_labels(LABELS.astype("float32"), 3)
    np.testing.assert_array_equal(cast, LABELS)


@pytest.mark.parametrize("labels", [np.eye(3)[LABELS], tf.one_hot(LABELS, 3)])
def test_one_hot_labels_are_refused_in_words(labels):
    for refuse in (
        lambda y: EXPECTED.check(IMAGES, y),
        lambda y: batch_checks.cast_labels(y, 3),
    ):
        with pytest.raises(InputError, match=r"one-hot; give class numbers, as by"):
            refuse(labels)


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (LABELS + 1, "reach from 1 to 3; those of this network's 3 classes are 0 to 2"),
        (LABELS - 1, "reach from -1 to 1"),
        (LABELS + 0.5, "labels have 0.5 among them"),
        (np.array(["a", "b"]), "labels are <U1; give class numbers"),
        (LABELS.reshape(3, 2), r"of shape \[3, 2\]; give class numbers"),
    ],
)
def test_labels_that_are_no_class_numbers_are_refused(labels, says):
    with pytest.raises(InputError, match=says):
        EXPECTED.check(IMAGES, labels)


def test_missing_labels_are_refused():
    with pytest.raises(InputError, match="labels are missing"):
        batch_checks.cast_labels(None, 3)


def test_labels_of_a_loss_of_ones_own_are_not_looked_at():
    EXPECTED._replace(by_number=False).check(IMAGES, np.eye(3)[LABELS])


@pytest.mark.parametrize(
    "labels", [np.eye(3, dtype="float32"), np.eye(3, dtype="int32"), np.ones(3)]
)
def test_labels_that_are_no_class_numbers_cannot_teach_the_joint_density(labels):
    with pytest.raises(
        InputError, match=r"log p\(x, y\) needs class numbers.*weight=0"
    ):
        batch_checks.check_class_numbers(tf.constant(labels))


@pytest.mark.parametrize("labels", [[0, 1], [[0], [1]]])
def test_class_numbers_can(labels):
    batch_checks.check_class_numbers(tf.constant(labels))


@pytest.mark.parametrize(
    ("count", "batch_size", "replicas"), [(8, 8, 2), (10, 8, 2), (9, 8, 1), (3, 8, 3)]
)
def test_a_last_batch_that_every_replica_has_a_share_of_is_taken(
    count, batch_size, replicas
):
    batch_checks.check_last_batch(count, batch_size, replicas)


@pytest.mark.parametrize(("count", "last"), [(9, 1), (18, 2), (1, 1)])
def test_a_last_batch_smaller_than_the_replicas_is_refused(count, last):
    with pytest.raises(InputError, match=f"batch_size=8 leaves {last} of {count} im"):
        batch_checks.check_last_batch(count, 8, 3)
