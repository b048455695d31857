import numpy as np
import pytest

from jem_tf.datasets import missing_labels
from jem_tf.errors import InputError


def split(*labels):
    """Images whose every pixel says which they are, and their labels."""
    images = np.broadcast_to(
        np.arange(len(labels), dtype="uint8")[:, None, None, None],
        [len(labels), 2, 2, 1],
    )
    return images, np.array(labels, int)


def shown(splits):
    return {
        name: (images[:, 0, 0, 0].tolist(), labels.tolist())
        for name, (images, labels) in splits.items()
    }


def test_images_without_a_label_are_left_out_and_counted(capsys):
    splits = {"train": split(1, -1, 0), "test": split(-1, -1), "validation": split(1)}
    left = missing_labels.drop_unlabelled("birds", splits)
    assert shown(left) == {"train": ([0, 2], [1, 0]), "validation": ([0], [1])}
    assert capsys.readouterr().out == (
        "birds: left out, without a label: 1 of train, 2 of test\n"
    )


def test_labels_that_are_all_there_stay_as_they_are_and_say_nothing(capsys):
    splits = {"train": split(1, 0), "test": split(1)}
    left = missing_labels.drop_unlabelled("birds", splits)
    left, names = missing_labels.drop_absent_classes("birds", left, ["a", "b"])
    assert names == ["a", "b"]
    for name, (images, labels) in splits.items():
        assert left[name][0] is images
        assert left[name][1] is labels
    assert capsys.readouterr().out == ""


def test_a_train_split_without_labels_is_refused():
    splits = {"train": split(-1, -1), "test": split(0, 1)}
    with pytest.raises(InputError, match="name=birds has no label in its train split"):
        missing_labels.drop_unlabelled("birds", splits)


def test_classes_without_a_training_image_go_and_the_others_close_up(capsys):
    splits = {"train": split(1, 3, 1), "test": split(0, 3, 2), "validation": split(4)}
    left, names = missing_labels.drop_absent_classes("birds", splits, list("vwxyz"))
    assert names == ["w", "y"]
    assert shown(left) == {"train": ([0, 1, 2], [0, 1, 0]), "test": ([1], [1])}
    assert capsys.readouterr().out == (
        "birds: 3 of 5 classes have no training image and are left out (v, x, z), with "
        "2 images of test, 1 images of validation\n"
    )


def test_one_class_is_too_few_and_a_label_of_no_class_is_refused():
    with pytest.raises(InputError, match="name=birds shows images of 1 class"):
        missing_labels.drop_absent_classes("birds", {"train": split(1, 1)}, ["a", "b"])
    with pytest.raises(InputError, match="has the label 2, and names 2 classes"):
        missing_labels.drop_absent_classes("birds", {"train": split(0, 2)}, ["a", "b"])
