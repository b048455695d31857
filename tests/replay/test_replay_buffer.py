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
    assert buffer.image_shape == SHAPE
    assert len(np.unique(np.concatenate([first, second])[:, 0, 0, 0])) > 3990
    assert [shard.device[-5:] for shard in (buffer.shard_0, buffer.shard_1)] == [
        "CPU:0",
        "CPU:1",
    ]


def test_draw_gives_the_images_at_the_slots_it_names():
    buffer = replay.ReplayBuffer(50, uniform, reinit_prob=0.0)
    chains = buffer.draw(32, [0, 1])
    np.testing.assert_array_equal(chains.images, buffer.shard_0.numpy()[chains.slots])
    assert not np.any(chains.fresh)
    np.testing.assert_array_equal(chains.slots, buffer.draw(32, [0, 1]).slots)


def test_draw_reaches_every_slot_evenly():
    buffer = replay.ReplayBuffer(20, uniform)
    slots = buffer.draw(20_000, [0, 3]).slots
    np.testing.assert_allclose(np.bincount(slots, minlength=20) / 1000, 1, atol=0.15)


def test_put_stores_what_draw_then_finds():
    buffer = replay.ReplayBuffer(50, uniform, reinit_prob=0.0)
    before = buffer.shard_0.numpy()
    slots = buffer.draw(8, [0, 1]).slots
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


def test_a_chains_age_counts_its_visits_and_begins_anew_with_it():
    buffer = replay.ReplayBuffer(4, constant(0.0))
    assert buffer.ages.dtype == tf.int32
    np.testing.assert_array_equal(buffer.ages, [0, 0, 0, 0])
    for fresh in ([False, False], [False, True], [False, False]):
        buffer.put(tf.constant([1, 3]), tf.zeros([2, *SHAPE]), tf.constant(fresh))
    np.testing.assert_array_equal(buffer.ages, [0, 3, 0, 2])
    buffer.put(tf.constant([0, 1]), tf.zeros([2, *SHAPE]))  # `fresh` left out: neither
    np.testing.assert_array_equal(buffer.ages, [1, 4, 0, 2])


def test_what_draw_starts_afresh_is_of_age_1_when_put_back():
    buffer = replay.ReplayBuffer(200, uniform, reinit_prob=0.5)
    buffer.ages.assign(tf.fill([200], 9))
    slots, images, fresh, _ = buffer.draw(40, [0, 1])
    buffer.put(slots, images, fresh)
    last = dict(zip(slots.numpy(), np.ravel(fresh), strict=True))
    assert {slot: buffer.ages[slot] for slot in last} == {
        slot: 1 if anew else 10 for slot, anew in last.items()
    }
    assert {*last.values()} == {True, False}


def test_of_two_chains_in_one_slot_the_last_ones_age_stays():
    buffer = replay.ReplayBuffer(2, constant(0.0))
    buffer.ages.assign([5, 7])
    fresh = tf.reshape(tf.constant([True, False, False, True]), [4, 1, 1, 1])
    tf.function(buffer.put)(tf.constant([0, 1, 0, 1]), tf.zeros([4, *SHAPE]), fresh)
    np.testing.assert_array_equal(buffer.ages, [6, 1])


@pytest.mark.parametrize("probability", [0.0, 0.05, 1.0])
def test_chains_start_afresh_at_the_rate_asked_for(probability):
    buffer = replay.ReplayBuffer(10, constant(0.0), reinit_prob=probability)
    buffer.start = constant(7.0)
    _, images, fresh, _ = buffer.draw(20_000, [0, 5])
    assert fresh.shape == (20_000, 1, 1, 1)
    assert np.mean(fresh) == pytest.approx(probability, abs=0.005)  # 3 standard errors
    expected = np.broadcast_to(np.where(fresh, 7.0, 0.0), images.shape)
    np.testing.assert_array_equal(images, expected)  # images start afresh whole


def test_nothing_starts_afresh_when_asked_not_to():
    buffer = replay.ReplayBuffer(10, constant(0.0), reinit_prob=1.0)
    buffer.start = constant(7.0)
    chains = buffer.draw(100, [0, 5], reinit=False)
    assert not np.any(chains.images)
    assert not np.any(chains.fresh)


def test_a_class_has_its_own_slots_from_the_start():
    buffer = replay.ReplayBuffer(
        60, by_label, num_classes=3, reinit_prob=0.5, devices=[None, None]
    )
    np.testing.assert_array_equal(buffer.shard_1[:, 0, 0, 0], np.repeat([0, 1, 2], 10))
    labels = tf.constant([2, 0, 1, 1, 2, 0] * 20)
    slots, images, *_ = buffer.draw(120, [0, 9], labels)
    np.testing.assert_array_equal(slots // 10, labels)
    np.testing.assert_array_equal(images[:, 0, 0, 0], labels)
    assert len(np.unique(slots)) == 30  # and all of them get used


def test_a_buffer_without_classes_draws_regardless_of_labels():
    buffer = replay.ReplayBuffer(100, by_label, reinit_prob=0.0)
    slots, images, *_ = buffer.draw(200, [0, 9], tf.zeros([200], tf.int32))
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
    first.ages_1.assign(tf.range(10))
    first.origins_0.assign(tf.range(10) % 3)
    first.energies_1.assign(tf.range(10.0))
    path = tf.train.Checkpoint(buffer=first).save(tmp_path / "ckpt")
    tf.train.Checkpoint(buffer=second).restore(path).assert_consumed()
    for name in sorted(name for i in (0, 1) for name in first.state_of(i)):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


def numbered(size, replicas, num_classes=None):
    """A buffer whose i-th chain is of grey level i and age 1000 + i."""
    buffer = replay.ReplayBuffer(
        size, constant(0.0), devices=[None] * replicas, num_classes=num_classes
    )
    for replica, each in enumerate(np.arange(size).reshape(replicas, -1)):
        images = np.broadcast_to(each[:, None, None, None], [len(each), *SHAPE])
        getattr(buffer, f"shard_{replica}").assign(images.astype("float32"))
        getattr(buffer, f"ages_{replica}").assign(1000 + each)
        getattr(buffer, f"origins_{replica}").assign(each % 3)
        getattr(buffer, f"energies_{replica}").assign(each.astype("float32") / 2)
    return buffer


def shards(buffer):
    return [
        [getattr(buffer, f"{name}_{i}").numpy() for i in buffer.own]
        for name in ("shard", "ages", "origins", "energies")
    ]


@pytest.mark.parametrize("num_classes", [None, 3])
@pytest.mark.parametrize("before", [1, 2, 4])
@pytest.mark.parametrize("now", [1, 2, 4])
def test_a_buffer_dealt_out_to_other_replicas_keeps_each_chain_once(
    before, now, num_classes
):
    old = numbered(24, before, num_classes)
    new = replay.ReplayBuffer(
        24, uniform, devices=[None] * now, num_classes=num_classes
    )
    new.restore(*shards(old))
    images, ages = new.all_images(), new.all_ages()
    assert images.shape == (24, *SHAPE)
    assert sorted(images[:, 0, 0, 0]) == list(range(24))
    np.testing.assert_array_equal(ages, 1000 + images[:, 0, 0, 0])
    np.testing.assert_array_equal(new.all_origins(), images[:, 0, 0, 0] % 3)
    np.testing.assert_array_equal(new.all_energies(), images[:, 0, 0, 0] / 2)
    assert (images == images[:, :1, :1]).all()


def test_a_buffer_dealt_out_again_keeps_its_classes_in_their_slots():
    old = replay.ReplayBuffer(24, by_label, num_classes=3, devices=[None] * 4)
    for replicas in (1, 2, 4):
        new = replay.ReplayBuffer(24, uniform, num_classes=3, devices=[None] * replicas)
        new.restore(*shards(old))
        labels = tf.constant([2, 0, 1, 1])
        np.testing.assert_array_equal(
            new.draw(4, [0, 1], labels, reinit=False).images[:, 0, 0, 0], labels
        )
        for shard in shards(new)[0]:
            expected = np.repeat([0, 1, 2], 8 // replicas)
            np.testing.assert_array_equal(shard[:, 0, 0, 0], expected)


@pytest.mark.parametrize("num_classes", [None, 3])
@pytest.mark.parametrize("replicas", [1, 2, 4])
def test_a_buffer_given_back_to_as_many_replicas_is_the_same_bit_for_bit(
    replicas, num_classes
):
    kw = {"num_classes": num_classes, "devices": [None] * replicas}
    old, new = (replay.ReplayBuffer(24, uniform, seed=(0, i), **kw) for i in (1, 2))
    assert np.abs(old.shard_0 - new.shard_0).max() > 0
    new.restore(*shards(old))
    for before, after in zip(shards(old), shards(new), strict=True):
        np.testing.assert_array_equal(before, after)


def test_the_processes_of_a_cluster_have_the_shards_that_one_would():
    whole = replay.ReplayBuffer(40, uniform, devices=[None] * 4)
    for first in (0, 2):
        part = replay.ReplayBuffer(
            40, uniform, devices=[None] * 2, replicas=4, first_replica=first
        )
        assert (part.num_shards, part.slots) == (4, 10)
        assert [*part.own] == [first, first + 1]
        assert part.shard is getattr(part, f"shard_{first}")
        for i in part.own:
            np.testing.assert_array_equal(
                getattr(part, f"shard_{i}"), getattr(whole, f"shard_{i}")
            )
        assert len(part.variables) == 8  # no shard, and no ages, of another's


def test_all_images_and_ages_are_those_of_this_processs_shards_in_order():
    whole = numbered(24, 4)
    np.testing.assert_array_equal(whole.all_images()[:, 0, 0, 0], np.arange(24))
    np.testing.assert_array_equal(whole.all_ages(), 1000 + np.arange(24))
    np.testing.assert_array_equal(whole.all_origins(), np.arange(24) % 3)
    np.testing.assert_array_equal(whole.all_energies(), np.arange(24) / 2)
    part = replay.ReplayBuffer(
        24, uniform, devices=[None] * 2, replicas=4, first_replica=2
    )
    expected = np.concatenate([part.shard_2, part.shard_3])
    np.testing.assert_array_equal(part.all_images(), expected)
    np.testing.assert_array_equal(part.all_ages(), np.zeros(12))


def test_each_process_takes_over_its_own_shards():
    old = numbered(24, 2)
    pooled = np.concatenate(shards(old)[0])
    for first in (0, 2):
        part = replay.ReplayBuffer(
            24, uniform, devices=[None] * 2, replicas=4, first_replica=first
        )
        part.restore(*shards(old))
        images, ages = part.all_images(), part.all_ages()
        np.testing.assert_array_equal(images, pooled[6 * first : 6 * first + 12])
        np.testing.assert_array_equal(ages, 1000 + images[:, 0, 0, 0])


@pytest.mark.parametrize(
    ("size", "more", "says"),
    [
        (15, {"num_classes": 10}, "buffer_size=15 does not divide into 1 shard"),
        (15, {"devices": [None] * 2}, "15 does not divide into 2 shard"),
        (10, {"replicas": 4}, "10 does not divide into 4 shard"),
        (0, {}, "0 does not divide"),
        (10, {"reinit_prob": 1.5}, "reinit_prob=1.5 must lie in"),
        (10, {"reinit_prob": float("nan")}, "reinit_prob=nan must lie in"),
        (10, {"restart_stuck": -1.0}, "restart_stuck=-1.0 must not be negative"),
        (10, {"restart_stuck": float("nan")}, "restart_stuck=nan must not be negative"),
        (10, {"restart_age": 0}, "restart_age=0 must be at least 1"),
        (10.0, {}, "buffer_size is 10.0; give a whole number"),
        (10, {"num_classes": -2}, "num_classes is -2; it must be from 0"),
        (10, {"seed": 1}, "seed is 1; give two whole numbers"),
    ],
)
def test_sizes_that_cannot_be_are_refused(size, more, says):
    with pytest.raises(InputError, match=says):
        replay.ReplayBuffer(size, uniform, **more)


def test_a_shape_in_place_of_a_start_is_refused():
    with pytest.raises(InputError, match=r"start is \(8, 8, 1\); give a function"):
        replay.ReplayBuffer(8, (8, 8, 1))


@pytest.mark.parametrize(
    ("start", "says"),
    [
        (lambda n, seed, labels: tf.zeros([n + 1, 2, 2, 1]), r"\[11, 2, 2, 1\]"),
        (lambda n, seed, labels: tf.zeros([n, 2, 2, 1], tf.float64), "gives float64"),
    ],
)
def test_a_start_that_gives_other_images_than_asked_for_is_refused(start, says):
    with pytest.raises(InputError, match=says):
        replay.ReplayBuffer(10, start)


def test_a_buffer_made_in_a_strategys_scope_is_refused(two_replicas):
    with two_replicas.scope(), pytest.raises(InputError, match="outside"):
        replay.ReplayBuffer(20, uniform)


class Told:
    """A start whose images are 0 and of origin 0, or -1 and of origin 2, in turn."""

    def __call__(self, n, seed, labels=None):
        return self.with_origins(n, seed, labels)[0]

    def with_origins(self, n, seed, labels=None):
        odd = tf.range(n) % 2
        pixels = -tf.cast(odd, tf.float32)[:, None, None, None]
        return tf.zeros([n, *SHAPE]) + pixels, 2 * odd


def test_a_buffer_knows_how_each_chain_began_and_goes_on_knowing():
    buffer = replay.ReplayBuffer(40, Told(), reinit_prob=0.5)
    np.testing.assert_array_equal(buffer.all_origins(), np.arange(40) % 2 * 2)
    for step in range(5):
        chains = buffer.draw(16, [0, step])
        expected = np.where(chains.images[:, 0, 0, 0] == -1, 2, 0)
        np.testing.assert_array_equal(chains.origins, expected)
        tf.function(buffer.put)(*chains)
        shown = np.where(buffer.all_images()[:, 0, 0, 0] == -1, 2, 0)
        np.testing.assert_array_equal(buffer.all_origins(), shown)


def test_a_start_that_does_not_tell_leaves_origins_unknown():
    buffer = replay.ReplayBuffer(10, constant(0.0), reinit_prob=1.0)
    assert (buffer.all_origins() == starts.UNKNOWN_ORIGIN).all()
    assert (buffer.draw(5, [0, 1]).origins.numpy() == starts.UNKNOWN_ORIGIN).all()


@pytest.mark.parametrize("num_classes", [None, 2])
def test_samples_are_chains_of_the_labels_classes_but_for_negatives(num_classes):
    labels = None if num_classes is None else tf.constant([0, 1] * 20)
    buffer = replay.ReplayBuffer(40, uniform, num_classes=num_classes)
    negative = np.arange(40) % 5 == 0
    buffer.origins.assign(np.where(negative, starts.ALTERED, 0))
    drawn = buffer.draw_samples(40, [0, 1], labels).numpy()
    held = buffer.all_images().reshape(40, -1)
    which = (drawn.reshape(40, 1, -1) == held).all(-1).argmax(1)
    assert set(which[:32]) == set(np.flatnonzero(~negative))  # each once
    if labels is not None:
        np.testing.assert_array_equal(which // 20, labels)


def test_energies_are_kept_at_the_slots_until_a_chain_starts_afresh():
    buffer = replay.ReplayBuffer(4, constant(0.0))
    assert np.isnan(buffer.all_energies()).all()
    slots, images = tf.constant([2, 1, 2]), tf.zeros([3, *SHAPE])
    for _ in range(10):
        tf.function(buffer.put_energies)(slots, tf.constant([1.0, 2.0, 3.0]))
        np.testing.assert_array_equal(buffer.energies, [np.nan, 2, 3, np.nan])
    buffer.put(slots, images, tf.constant([True, False, False]))
    np.testing.assert_array_equal(buffer.energies, [np.nan, 2, 3, np.nan])
    buffer.put(slots, images, tf.constant([False, False, True]))
    np.testing.assert_array_equal(buffer.energies, [np.nan, 2, np.nan, np.nan])


def test_stuck_chains_start_afresh_and_no_others():
    buffer = replay.ReplayBuffer(
        100, constant(7.0), reinit_prob=0.0, restart_stuck=4.0, restart_age=10
    )
    buffer.energies.assign(tf.range(100.0) / 100)
    buffer.ages.assign(tf.fill([100], 10))
    draw = tf.function(buffer.draw, jit_compile=True)
    assert not np.any(draw(300, tf.constant([0, 1])).fresh)
    stuck = np.arange(100) % 10 == 3
    buffer.energies.assign(np.where(stuck, 30, buffer.energies))
    slots, _, fresh, _ = draw(300, tf.constant([0, 1]))
    np.testing.assert_array_equal(np.ravel(fresh), stuck[slots])
    buffer.ages.assign(tf.fill([100], 9))
    assert not np.any(draw(300, tf.constant([0, 1])).fresh)
    assert not np.any(buffer.draw(300, [0, 1], reinit=False).fresh)


def test_a_buffer_of_before_has_chains_of_unknown_origin_and_energy():
    old, new = numbered(24, 2), replay.ReplayBuffer(24, Told())
    state = old.state_of(0) | old.state_of(1)
    before = {
        name: values
        for name, values in state.items()
        if name.startswith(("shard_", "ages_"))
    }
    new.restore_state(before, 2)
    np.testing.assert_array_equal(new.all_ages(), old.all_ages())
    assert (new.all_origins() == starts.UNKNOWN_ORIGIN).all()
    assert np.isnan(new.all_energies()).all()
    assert new.are_samples().all()
    new.restore_state(state, 2)
    np.testing.assert_array_equal(new.all_origins(), old.all_origins())
    np.testing.assert_array_equal(new.all_energies(), old.all_energies())


def test_chains_of_no_asked_class_start_afresh_as_of_their_slots_class():
    def start(n, seed, labels=None):
        return tf.ones([n, *SHAPE]) * tf.cast(labels, tf.float32)[:, None, None, None]

    buffer = replay.ReplayBuffer(30, start, reinit_prob=1.0, num_classes=3, seed=(0, 7))
    chains = buffer.draw(16, [1, 2])
    expected = tf.cast(chains.slots // 10, tf.float32)
    np.testing.assert_array_equal(chains.images[:, 0, 0, 0], expected)


def test_chains_that_diverged_start_afresh_and_no_others():
    buffer = replay.ReplayBuffer(20, constant(0.5), reinit_prob=0.0)
    for slot, pixel in ((3, np.nan), (7, np.inf)):
        buffer.shard[slot, 1, 0, 0].assign(pixel)
    chains = buffer.draw(200, [1, 2])
    broken = np.isin(chains.slots, [3, 7])
    assert broken.any()
    np.testing.assert_array_equal(chains.fresh[:, 0, 0, 0], broken)
    assert np.isfinite(chains.images).all()


def test_an_unknown_age_stays_unknown_until_the_chain_starts_afresh():
    buffer = replay.ReplayBuffer(4, starts.uniform((2, 2, 1)))
    buffer.ages.assign([replay.UNKNOWN_AGE] * 4)
    images = tf.zeros([2, 2, 2, 1])
    buffer.put(tf.constant([0, 1]), images, tf.constant([False, True]))
    np.testing.assert_array_equal(
        buffer.ages, [replay.UNKNOWN_AGE, 1, replay.UNKNOWN_AGE, replay.UNKNOWN_AGE]
    )
