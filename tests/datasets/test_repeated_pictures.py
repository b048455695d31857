import pathlib

import numpy as np

from jem_tf.datasets import repeated_pictures

ONE, TWO = (np.full([2, 2, 3], value, "uint8") for value in (1, 2))


def described(*pictures):
    """Of (split, label, file, image)."""
    return repeated_pictures.describe(
        (repeated_pictures.Place(split, label, pathlib.Path(file)), image)
        for split, label, file, image in pictures
    )


def test_pictures_that_are_there_once_are_passed_in_silence():
    assert described(("train", 0, "a", ONE), ("train", 1, "b", TWO)) == []


def test_a_picture_of_two_classes_is_told():
    (line,) = described(
        ("train", 0, "a", ONE), ("train", 0, "b", ONE), ("test", 1, "c", ONE)
    )
    assert line == "1 pictures are in more than one class, as a and c"


def test_pictures_that_are_trained_and_tested_on_are_told():
    (line,) = described(
        *(("train", i, f"{i}", image) for i, image in enumerate((ONE, TWO))),
        *(("test", i, f"{i}'", image) for i, image in enumerate((ONE, TWO))),
    )
    assert line.startswith("2 pictures are in test and train alike")
    assert line.endswith("as 0 and 0'")


def test_a_picture_that_is_there_twice_is_told():
    (line,) = described(("train", 0, "a", ONE), ("train", 0, "b", ONE))
    assert line == "1 pictures are more than once in train, as a and b"
