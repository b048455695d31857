import os
import re

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from sklearn.datasets import load_digits

from jem_tf import datasets
from jem_tf.errors import InputError
from tests.datasets.test_tfds_sets import pictures, store


@pytest.fixture(scope="module")
def digits():
    return datasets.load("digits")


def rows(images):
    """Images as a sorted list of bytes: equal lists are equal multisets."""
    return sorted(image.tobytes() for image in np.asarray(images))


def folder_of(path, pictures_a_class, classes=("cat", "dog")):
    """A folder whose every picture is of another colour; its name as a data set."""
    for label, name in enumerate(classes):
        (path / name).mkdir()
        for i in range(pictures_a_class):
            Image.new("RGB", (8, 8), (label, i, 7)).save(path / name / f"{i:03}.png")
    return f"folder:{path}"


def test_every_digit_is_in_exactly_one_split(digits):
    original = np.round(load_digits().images[..., None] * 255 / 16).astype("uint8")
    splits = [digits.train, digits.validation, digits.test]
    images = np.concatenate([split.images for split in splits])
    assert rows(images) == rows(original)


def test_labels_stay_with_their_images(digits):
    data = load_digits()
    original = np.round(data.images[..., None] * 255 / 16).astype("uint8")
    named = {image.tobytes(): y for image, y in zip(original, data.target, strict=True)}
    for split in (digits.train, digits.validation, digits.test):
        images, labels = split.images.numpy(), split.labels.numpy()
        assert [named[image.tobytes()] for image in images] == labels.tolist()


def test_a_fifth_is_the_test_and_a_tenth_of_the_rest_the_validation(digits):
    sizes = [len(split.labels) for split in (digits.test, digits.validation)]
    assert sizes == [1797 // 5, (1797 - 1797 // 5) // 10]


def test_every_split_holds_every_class(digits):
    for split in (digits.train, digits.validation, digits.test):
        assert set(split.labels.numpy()) == set(range(10))


def test_images_are_uint8_and_labels_int32(digits):
    for split in (digits.train, digits.validation, digits.test):
        assert split.images.dtype == tf.uint8
        assert split.images.shape[1:] == (8, 8, 1)
        assert split.labels.dtype == tf.int32
        assert split.labels.shape == split.images.shape[:1]


def test_what_is_held_out_depends_on_no_global_seed(digits):
    np.random.seed(123)
    tf.random.set_seed(123)
    again = datasets.load("digits")
    for name in ("train", "validation", "test"):
        np.testing.assert_array_equal(
            getattr(digits, name).images, getattr(again, name).images
        )


def test_what_is_held_out_does_not_depend_on_the_image_size(digits):
    small = datasets.load("digits", image_size=4)
    assert small.train.images.shape[1:] == (4, 4, 1)
    for name in ("train", "validation", "test"):
        np.testing.assert_array_equal(
            getattr(digits, name).labels, getattr(small, name).labels
        )


def test_a_folder_is_dealt_into_the_three_splits(tmp_path):
    data = datasets.load(folder_of(tmp_path, 30))
    splits = (data.train, data.validation, data.test)
    assert [len(split.labels) for split in splits] == [44, 4, 12]
    colours = {tuple(image[0, 0]) for split in splits for image in split.images.numpy()}
    assert colours == {(y, i, 7) for y in (0, 1) for i in range(30)}


def test_mirrored_digits_are_other_digits_and_mirrored_pictures_are_not(
    tmp_path, digits
):
    assert not digits.flip
    assert datasets.load(folder_of(tmp_path, 30)).flip


@pytest.mark.parametrize("name", datasets.NEVER_FLIPPED)
def test_names_that_are_never_flipped_are_base_names(name):
    assert datasets.set_names.base_name(name) == name


def test_data_dir_says_where_a_folder_of_pictures_is_now(tmp_path, monkeypatch):
    (tmp_path / "old").mkdir()
    name = folder_of(tmp_path / "old", 30)
    before = datasets.load(name)
    (tmp_path / "old").rename(tmp_path / "new")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for place in (str(tmp_path / "new"), "new", "~/new"):
        assert datasets.place_of(name, place) == str(tmp_path / "new")
        for split, again in zip(
            before[:3], datasets.load(name, data_dir=place)[:3], strict=True
        ):
            np.testing.assert_array_equal(split.images, again.images)
            np.testing.assert_array_equal(split.labels, again.labels)
    with pytest.raises(InputError, match=f"data_dir=folder:{tmp_path}/none is not a"):
        datasets.load(name, data_dir="none")


def test_a_data_dir_of_tfds_sets_is_no_place_of_pictures(tmp_path):
    (tmp_path / "pictures").mkdir()
    name = folder_of(tmp_path / "pictures", 30)
    place = store(tmp_path / "tfds", "other", "1.0.0", {"train": pictures(3)})
    assert datasets.place_of(name, place) == str(tmp_path / "pictures")
    assert datasets.load(name, data_dir=place).class_names == ("cat", "dog")


def test_digits_lie_nowhere(tmp_path):
    assert datasets.place_of("digits", str(tmp_path)) == ""
    assert datasets.place_of("cifar10") == ""


def test_class_names_are_in_the_order_of_the_labels(tmp_path, digits):
    assert digits.class_names == tuple("0123456789")
    assert datasets.load(folder_of(tmp_path, 30)).class_names == ("cat", "dog")


@pytest.mark.parametrize("pictures_a_class", [1, 2, 5])
def test_too_few_images_for_three_splits_are_refused(tmp_path, pictures_a_class):
    name = folder_of(tmp_path, pictures_a_class)
    with pytest.raises(InputError, match=f"name={name} has too few images"):
        datasets.load(name)


def test_every_class_is_held_out_in_its_share(digits):
    for split in (digits.train, digits.validation, digits.test):
        shares = np.bincount(split.labels) / len(split.labels)
        np.testing.assert_allclose(shares, 0.1, atol=0.015)


def test_no_class_may_be_left_without_training_images(tmp_path):
    for name, count in (("a", 30), ("b", 1)):
        (tmp_path / name).mkdir()
        for i in range(count):
            picture = np.full([8, 8, 3], 8 * i, "uint8")
            Image.fromarray(picture).save(tmp_path / name / f"{i}.png")
    train = datasets.load(f"folder:{tmp_path}").train
    assert set(train.labels.numpy()) == {0, 1}


def test_training_images_come_in_no_order_of_class(tmp_path):
    for y, name in enumerate("ab"):
        (tmp_path / name).mkdir()
        for i in range(40):
            picture = np.full([8, 8, 3], 100 * y + i, "uint8")
            Image.fromarray(picture).save(tmp_path / name / f"{i}.png")
    labels = datasets.load(f"folder:{tmp_path}").train.labels.numpy()
    assert 8 < labels[:28].sum() < 20


def test_a_split_that_comes_class_by_class_is_dealt_out_at_random(monkeypatch):
    """A look at the first images, as of an evaluation's limit, must see all classes."""
    images = np.arange(240, dtype="uint8").reshape(-1, 1, 1, 1).repeat(8, 1)
    labels = np.repeat(np.arange(4), 60)
    splits = {"train": (images, labels), "test": (images, labels)}
    monkeypatch.setattr(
        datasets.digits, "read_digits", lambda size: (splits, list("abcd"))
    )
    test = datasets.load("digits").test
    assert set(test.labels.numpy()[:20]) == {0, 1, 2, 3}
    np.testing.assert_array_equal(test.images[:, 0, 0, 0] // 60, test.labels)
    assert sorted(test.images[:, 0, 0, 0].numpy()) == list(range(240))


@pytest.mark.parametrize("broken", [b"\xff\xfe", b"a\nb"])
def test_a_folder_whose_name_is_no_text_is_refused_by_name(tmp_path, broken):
    name = folder_of(tmp_path, 30)
    (tmp_path / "dog").rename(os.path.join(tmp_path, os.fsdecode(broken)))
    says = re.escape(f"class names that are not text: {os.fsdecode(broken)!r}")
    with pytest.raises(InputError, match=says):
        datasets.load(name)


def test_a_class_of_one_image_is_trained_and_no_other_split_fails(tmp_path):
    name = folder_of(tmp_path, 40, ("cat", "dog", "rare"))
    for picture in sorted((tmp_path / "rare").iterdir())[1:]:
        picture.unlink()
    data = datasets.load(name)
    counts = [np.bincount(split.labels, minlength=3)[2] for split in data[:3]]
    assert counts == [1, 0, 0]


@pytest.mark.parametrize("others", [("val", "test"), ("test",), ("val",), ()])
def test_the_splits_of_a_folder_are_used_and_others_held_out(tmp_path, others):
    for n, split in enumerate(("train", *others)):
        (tmp_path / split).mkdir()
        for y, name in enumerate("ab"):
            (tmp_path / split / name).mkdir()
            for i in range(30):
                image = Image.new("RGB", (8, 8), (n, y, i))
                image.save(tmp_path / split / name / f"{i}.png")
    data = datasets.load(f"folder:{tmp_path}")
    from_split = {
        split: {int(image[0, 0, 0]) for image in getattr(data, split).images}
        for split in ("train", "validation", "test")
    }
    assert from_split["train"] == {0}
    # As in TFDS, a lone validation split is the test: nothing else of it is kept back.
    assert from_split["test"] == {len(others)}
    assert from_split["validation"] == {1 if len(others) == 2 else 0}
    for split in (data.train, data.validation, data.test):
        assert (
            (split.images[:, 0, 0, 1] == tf.cast(split.labels, tf.uint8)).numpy().all()
        )
    labels = data.train.labels.numpy()
    assert 0 < labels[: len(labels) // 2].mean() < 1  # in no order of class
