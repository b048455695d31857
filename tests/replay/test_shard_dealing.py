import numpy as np
import pytest

from jem_tf.replay import shard_dealing


@pytest.mark.parametrize("num_classes", [1, 3])
def test_shards_are_pooled_and_each_class_divided_evenly(num_classes):
    shards = [10 * i + np.arange(6) for i in range(4)]
    classes = [np.arange(6) // (6 // num_classes) for _ in shards]
    dealt = shard_dealing.deal(shards, 2, num_classes)
    assert sorted(np.concatenate(dealt)) == sorted(np.concatenate(shards))
    for part in shard_dealing.deal(classes, 2, num_classes):
        np.testing.assert_array_equal(part, np.arange(12) // (12 // num_classes))


def test_dealing_to_as_many_replicas_changes_nothing():
    shards = [np.arange(6), 6 + np.arange(6)]
    for before, after in zip(shards, shard_dealing.deal(shards, 2, 3), strict=True):
        np.testing.assert_array_equal(before, after)
