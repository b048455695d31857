"""The labels that a semi-supervised run may use."""

import numpy as np
import pytest

from jem_tf.datasets import Dataset, Split, few_labels
from jem_tf.errors import InputError

LABELS = np.array([2, 0, 0, 1, 2, 1, 0, 2, 1, 2])


def dataset():
    split = Split(np.zeros([10, 2, 2, 1], "uint8"), LABELS)
    return Dataset(split, split, split, ("a", "b", "c"), flip=False)


@pytest.mark.parametrize(
    ("few", "rows"), [(0, range(10)), (1, [0, 1, 3]), (2, [0, 1, 2, 3, 4, 5])]
)
def test_they_are_those_of_the_first_images_of_each_class(few, rows):
    assert few_labels.find_labelled(dataset(), few).numpy().tolist() == list(rows)


def test_more_than_a_class_has_are_refused_by_its_name():
    says = "labels_per_class=4 is more than the 3 training images of class 'a'"
    with pytest.raises(InputError, match=says):
        few_labels.find_labelled(dataset(), 4)
