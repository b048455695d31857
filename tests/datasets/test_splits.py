"""What is trained, validated and tested on."""

import numpy as np
import pytest

from jem_tf.datasets import splits

CLASSES = 4


def part(count, first=0):
    """Images whose one pixel says which they are, of four classes."""
    rows = np.arange(first, first + count)
    return rows.reshape(-1, 1, 1, 1), rows % CLASSES


def rows_of(part):
    images, labels = part
    rows = images[:, 0, 0, 0]
    np.testing.assert_array_equal(rows % CLASSES, labels)
    return set(rows)


@pytest.mark.parametrize(
    ("own", "sizes", "source"),
    [
        (("validation", "test"), (200, 40, 40), "the test split"),
        (("test",), (180, 20, 40), "the test split"),
        (("validation",), (180, 20, 40), splits.VALIDATION_STANDS_IN),
        ((), (144, 16, 40), splits.HELD_OUT),
    ],
)
def test_a_sets_own_splits_are_used_and_the_others_held_out(own, sizes, source):
    given = {"train": part(200)}
    given |= {name: part(40, 1000 * (1 + i)) for i, name in enumerate(own)}
    *parts, said = splits.deal(given)
    assert said == source
    rows = [rows_of(one) for one in parts]
    assert tuple(map(len, rows)) == sizes
    assert len(set.union(*rows)) == sum(sizes)
    stands_in = own[-1] if own else None
    assert stands_in is None or rows[2] == rows_of(given[stands_in])


def test_each_class_has_its_share_of_what_is_held_out():
    images = np.zeros([1000, 1, 1, 1])
    labels = np.repeat([0, 1, 2], [700, 200, 100])
    for _, own in splits.deal({"train": (images, labels)})[:3]:
        shares = np.bincount(own, minlength=3) / len(own)
        np.testing.assert_allclose(shares, [0.7, 0.2, 0.1], atol=0.01)


def test_validation_is_a_tenth_and_at_most_five_thousand():
    assert [splits.validation_size(n) for n in (9, 60, 50_000, 10**6)] == [
        0,
        6,
        5000,
        5000,
    ]
