import numpy as np
import pytest
import tensorflow as tf

from jem_tf import replay, starts
from jem_tf.errors import InputError

SHAPE = (2, 2, 1)
uniform = starts.uniform(SHAPE)


def constant(value):
    """A start at one value, which uniform starts never have."""
    return lambda n, seed, labels=None: tf.fill([n, *SHAPE], value)


def by_label(n, seed, labels=None):
    """A start whose pixels are the label, -1 without one."""
    labels = tf.fill([n], -1) if labels is None else labels
    return tf.zeros([n, *SHAPE]) + tf.cast(labels, tf.float32)[:, None, None, None]


def test_a_new_buffer_holds_its_start_in_every_shard():
    buffer = replay.ReplayBuffer(4000, uniform, devices=["CPU:0", "CPU:1"])
    first, second = buffer.shard_0.numpy(), buffer.shard_1.numpy()
    assert first.shape == second.shape == (2000, *SHAPE)
    assert len(np.unique(np.concatenate([first, second])[:, 0, 0, 0])) > 3990
    assert [shard.device[-5:] for shard in (buffer.shard_0, buffer.shard_1)] == [
        "CPU:0",
        "CPU:1",
    ]


def test_draw_gives_the_images_at_the_slots_it_names():
    buffer = replay.ReplayBuffer(50, uniform, reinit_prob=0.0)
    slots, images = buffer.draw(32, [0, 1])
    np.testing.assert_array_equal(images, buffer.shard_0.numpy()[slots])
    again, _ = buffer.draw(32, [0, 1])
    np.testing.assert_array_equal(slots, again)


def test_draw_reaches_every_slot_evenly():
    buffer = replay.ReplayBuffer(20, uniform)
    slots, _ = buffer.draw(20_000, [0, 3])
    np.testing.assert_allclose(np.bincount(slots, minlength=20) / 1000, 1, atol=0.15)


def test_put_stores_what_draw_then_finds():
    buffer = replay.ReplayBuffer(50, uniform, reinit_prob=0.0)
    before = buffer.shard_0.numpy()
    slots, _ = buffer.draw(8, [0, 1])
    buffer.put(slots, tf.fill([8, *SHAPE], 0.25))
    after = buffer.shard_0.numpy()
    touched = np.isin(np.arange(50), slots)
    assert (after[touched] == 0.25).all()
    np.testing.assert_array_equal(after[~touched], before[~touched])


def test_of_two_images_in_one_slot_the_last_stays():
    buffer = replay.ReplayBuffer(4, constant(0.0))
    values = tf.constant([1.0, 2.0, 3.0, 4.0, 5.0])[:, None, None, None]
    put = tf.function(buffer.put)
    for _ in range(20):
        put(tf.constant([2, 1, 2, 0, 1]), tf.zeros([5, *SHAPE]) + values)
        np.testing.assert_array_equal(buffer.shard_0[:, 0, 0, 0], [4.0, 5.0, 3.0, 0.0])


@pytest.mark.parametrize("probability", [0.0, 0.05, 1.0])
def test_chains_start_afresh_at_the_rate_asked_for(probability):
    buffer = replay.ReplayBuffer(10, constant(0.0), reinit_prob=probability)
    buffer.start = constant(7.0)
    _, images = buffer.draw(20_000, [0, 5])
    fresh = np.mean(images[:, 0, 0, 0] == 7.0)
    assert fresh == pytest.approx(probability, abs=0.005)  # 3 standard errors
    assert np.isin(images, [0.0, 7.0]).all()  # images start afresh whole


def test_nothing_starts_afresh_when_asked_not_to():
    buffer = replay.ReplayBuffer(10, constant(0.0), reinit_prob=1.0)
    buffer.start = constant(7.0)
    assert not np.any(buffer.draw(100, [0, 5], reinit=False)[1])


def test_a_class_has_its_own_slots_from_the_start():
    buffer = replay.ReplayBuffer(
        60, by_label, num_classes=3, reinit_prob=0.5, devices=[None, None]
    )
    np.testing.assert_array_equal(buffer.shard_1[:, 0, 0, 0], np.repeat([0, 1, 2], 10))
    labels = tf.constant([2, 0, 1, 1, 2, 0] * 20)
    slots, images = buffer.draw(120, [0, 9], labels)
    np.testing.assert_array_equal(slots // 10, labels)
    np.testing.assert_array_equal(images[:, 0, 0, 0], labels)
    assert len(np.unique(slots)) == 30  # and all of them get used


def test_a_buffer_without_classes_draws_regardless_of_labels():
    buffer = replay.ReplayBuffer(100, by_label, reinit_prob=0.0)
    slots, images = buffer.draw(200, [0, 9], tf.zeros([200], tf.int32))
    assert len(np.unique(slots)) > 50
    assert (images.numpy() == -1).all()


def test_each_replica_has_its_own_shard(two_replicas):
    buffer = replay.ReplayBuffer(
        20, constant(0.0), devices=two_replicas.extended.worker_devices
    )

    @tf.function
    def write():
        def replica():
            which = tf.distribute.get_replica_context().replica_id_in_sync_group
            value = tf.cast(which, tf.float32) + 1.0
            buffer.put(tf.range(10), tf.fill([10, *SHAPE], value))

        two_replicas.run(replica)

    write()
    assert (buffer.shard_0.numpy() == 1).all()
    assert (buffer.shard_1.numpy() == 2).all()


def test_a_checkpoint_brings_every_shard_back(tmp_path):
    seeds = [(0, 1), (0, 2)]
    first, second = (
        replay.ReplayBuffer(20, uniform, devices=[None] * 2, seed=seed)
        for seed in seeds
    )
    assert np.abs(first.shard_1 - second.shard_1).max() > 0
    path = tf.train.Checkpoint(buffer=first).save(tmp_path / "ckpt")
    tf.train.Checkpoint(buffer=second).restore(path).assert_consumed()
    np.testing.assert_array_equal(first.shard_0, second.shard_0)
    np.testing.assert_array_equal(first.shard_1, second.shard_1)


@pytest.mark.parametrize(
    ("size", "more", "says"),
    [
        (15, {"num_classes": 10}, "buffer_size=15 does not divide into 1 shard"),
        (15, {"devices": [None] * 2}, "15 does not divide into 2 shard"),
        (0, {}, "0 does not divide"),
        (10, {"reinit_prob": 1.5}, "reinit_prob is 1.5"),
        (10, {"reinit_prob": float("nan")}, "reinit_prob is nan"),
    ],
)
def test_sizes_that_cannot_be_are_refused(size, more, says):
    with pytest.raises(InputError, match=says):
        replay.ReplayBuffer(size, uniform, **more)


def test_a_buffer_made_in_a_strategys_scope_is_refused(two_replicas):
    with two_replicas.scope(), pytest.raises(InputError, match="outside"):
        replay.ReplayBuffer(20, uniform)
