import numpy as np
import pytest
import tensorflow as tf

from jem_tf import datasets
from jem_tf.datasets import batches
from jem_tf.errors import InputError

CLASSES = 3


def dataset(images, *, flip=True):
    images = np.asarray(images, "uint8")
    labels = np.arange(len(images)) % CLASSES
    split = datasets.Split(tf.constant(images), tf.constant(labels, tf.int32))
    return datasets.Dataset(split, split, split, ("a", "b", "c"), flip)


def plain(n):
    """A set of n images, the i-th of which is of grey level i all over."""
    return dataset(np.arange(n).reshape(n, 1, 1, 1).repeat(8, 1).repeat(8, 2))


def noisy(n, **options):
    shape = [n, 8, 8, 1]
    return dataset(np.random.default_rng(0).integers(0, 256, shape), **options)


def levels(x):
    """Which images of `plain` these are."""
    return np.round((np.asarray(x)[:, 0, 0, 0] + 1) * 127.5).astype(int)


def ordered(step, batch_size, n, seed=(3, 1)):
    return batches.order_examples(
        tf.constant(step, tf.int64), batch_size, n, seed
    ).numpy()


def collect(feed):
    return [(x, y.numpy()) for x, y in feed]


@pytest.mark.parametrize(("n", "batch_size"), [(60, 10), (64, 64), (7, 1), (1, 1)])
def test_an_epoch_sees_each_image_once(n, batch_size):
    for epoch in range(3):
        steps = range(epoch * (n // batch_size), (epoch + 1) * (n // batch_size))
        seen = np.concatenate([ordered(step, batch_size, n) for step in steps])
        assert sorted(seen) == list(range(n))


def test_an_epoch_drops_a_remainder_that_is_another_each_time():
    dropped = []
    for epoch in range(4):
        steps = range(2 * epoch, 2 * epoch + 2)
        seen = np.concatenate([ordered(step, 10, 29) for step in steps])
        assert len(set(seen)) == 20
        dropped.append(frozenset(range(29)) - frozenset(seen))
    assert len(set(dropped)) == 4


def test_epochs_and_seeds_order_differently():
    orders = [ordered(0, 50, 50), ordered(1, 50, 50), ordered(0, 50, 50, seed=(4, 1))]
    assert len({tuple(order) for order in orders}) == 3
    assert list(range(50)) not in [order.tolist() for order in orders]


def test_labels_follow_their_images():
    for x, y in collect(
        batches.training_batches(plain(50), steps=10, batch_size=8, seed=0)
    ):
        np.testing.assert_array_equal(y, levels(x) % CLASSES)


def test_batches_have_the_documented_types():
    feed = batches.training_batches(
        plain(50), steps=2, batch_size=8, seed=0, p_x_images="plain", p_x_batch_size=5
    )
    x, y = next(iter(feed))
    assert {name: value.shape for name, value in x.items()} == {
        "labelled": (8, 8, 8, 1),
        "real": (5, 8, 8, 1),
    }
    assert {value.dtype for value in x.values()} == {tf.float32}
    assert y.dtype == tf.int32
    assert len(list(feed)) == 2


def test_labels_of_the_images_for_p_of_x_follow_them():
    feed = batches.training_batches(
        plain(50),
        steps=10,
        batch_size=8,
        seed=0,
        p_x_images="plain",
        p_x_batch_size=5,
        p_x_labels=True,
    )
    for x, y in feed:
        for name in ("labelled", "real"):
            np.testing.assert_array_equal(y[name], levels(x[name]) % CLASSES)


def test_no_global_seed_and_no_other_run_changes_the_batches():
    def feed(seed):
        return collect(
            batches.training_batches(
                noisy(40), steps=6, batch_size=8, seed=seed, augment=True
            )
        )

    first = feed(1)
    tf.random.set_seed(99)
    for (x, y), (x_again, y_again) in zip(first, feed(1), strict=True):
        np.testing.assert_array_equal(x, x_again)
        np.testing.assert_array_equal(y, y_again)
    assert not np.array_equal(first[0][0], feed(2)[0][0])


WHOLE = {  # what a run may be fed, every part of it
    "steps": 5,
    "batch_size": 8,
    "seed": 1,
    "labels_per_class": 10,
    "p_x_images": "augmented",
    "p_x_batch_size": 12,
    "cutout": 3,
}


def parts(feed):
    """[(labelled images, images for p(x), labels)] of each element."""
    return [(x["labelled"], x["real"], y) for x, y in collect(feed)]


@pytest.mark.parametrize("flip", [True, False])
@pytest.mark.parametrize(("replicas", "processes"), [(1, 1), (2, 1), (2, 2), (4, 2)])
def test_the_shares_of_all_replicas_are_the_batch_of_one(flip, replicas, processes):
    data, each = noisy(40, flip=flip), replicas // processes
    whole = parts(batches.training_batches(data, **WHOLE))
    shares = []  # [process][turn][part]
    for begin in range(0, replicas, each):
        own = range(begin, begin + each)
        feed = batches.training_batches(data, **WHOLE, own=own, replicas=replicas)
        shares.append(parts(feed))
        assert len(shares[-1]) == len(whole) * each
    for step, expected in enumerate(whole):
        turns = [process[step * each + i] for process in shares for i in range(each)]
        for pieces, batch in zip(zip(*turns, strict=True), expected, strict=True):
            assert {len(piece) for piece in pieces} == {len(batch) // replicas}
            np.testing.assert_array_equal(np.concatenate(pieces), batch)


@pytest.mark.parametrize("first", [0, 1, 3, 5])
@pytest.mark.parametrize("share", [{}, {"own": range(2, 4), "replicas": 4}])
def test_a_run_that_goes_on_is_fed_what_it_has_not_seen(first, share):
    whole = parts(batches.training_batches(noisy(40), **WHOLE, **share))
    rest = parts(batches.training_batches(noisy(40), **WHOLE, **share, first=first))
    expected = whole[first * (2 if share else 1) :]
    for resumed, batch in zip(rest, expected, strict=True):
        for resumed_part, part in zip(resumed, batch, strict=True):
            np.testing.assert_array_equal(resumed_part, part)


def test_exactly_so_many_images_a_class_are_labelled():
    feed = batches.training_batches(
        plain(60),
        steps=40,
        batch_size=4,
        seed=0,
        labels_per_class=4,
        p_x_images="plain",
        p_x_batch_size=10,
    )
    elements = collect(feed)
    labelled = {level for x, _ in elements for level in levels(x["labelled"])}
    counts = np.bincount([level % CLASSES for level in labelled])
    assert counts.tolist() == [4, 4, 4]
    assert {level for x, _ in elements for level in levels(x["real"])} == set(range(60))


def test_which_images_are_labelled_does_not_depend_on_the_seed():
    def labelled(seed):
        feed = batches.training_batches(
            plain(60), steps=3, batch_size=4, seed=seed, labels_per_class=4
        )
        return {level for x, _ in feed for level in levels(x)}

    assert labelled(0) == labelled(1)


def test_images_for_p_of_x_come_in_an_order_of_their_own():
    feed = batches.training_batches(
        plain(60), steps=1, batch_size=60, seed=0, p_x_images="plain", p_x_batch_size=60
    )
    x, _ = next(iter(feed))
    first, second = levels(x["labelled"]), levels(x["real"])
    assert sorted(first) == sorted(second)
    assert (first != second).any()


def test_steps_crop_differently():
    images = np.random.default_rng(1).integers(0, 256, [1, 8, 8, 1]).repeat(60, 0)
    feed = batches.training_batches(dataset(images), steps=2, batch_size=60, seed=0)
    (first, _), (second, _) = collect(feed)
    assert not np.array_equal(first, second)


def test_cutouts_are_of_labelled_images_alone_and_of_augmented_ones():
    def zeros(**how):
        data = noisy(40)  # of which no pixel is 0 in [-1, 1]: 127.5 is no byte
        feed = batches.training_batches(data, **WHOLE | how)
        return [
            [float(tf.reduce_mean(tf.cast(x[name] == 0, tf.float32))) for x, _ in feed]
            for name in ("labelled", "real")
        ]

    labelled, real = zeros(cutout=4)
    assert all(4 * 4 / 64 / 4 < share <= 4 * 4 / 64 for share in labelled)
    assert len(set(labelled)) > 1
    assert set(real) == {0.0}
    for how in ({"cutout": 0}, {"cutout": 4, "augment": False}):
        assert all(set(shares) == {0.0} for shares in zeros(**how))


@pytest.mark.parametrize(
    ("augment", "p_x_images", "labelled_changed", "real_changed"),
    [
        (True, "augmented", True, True),
        (True, "plain", True, False),
        (False, "augmented", False, False),
        (False, "plain", False, False),
    ],
)
def test_plain_images_are_training_images_and_augmented_ones_are_not(
    augment, p_x_images, labelled_changed, real_changed
):
    data = noisy(40)
    known = {image.tobytes() for image in data.train.images.numpy()}
    feed = batches.training_batches(
        data,
        steps=1,
        batch_size=20,
        seed=0,
        augment=augment,
        p_x_images=p_x_images,
        p_x_batch_size=20,
    )
    x, _ = next(iter(feed))
    changed = {"labelled": labelled_changed, "real": real_changed}
    for name, images in x.items():
        images = np.round((images.numpy() + 1) * 127.5).astype("uint8")
        strange = sum(image.tobytes() not in known for image in images)
        assert strange > 10 if changed[name] else strange == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"batch_size": 51}, "batch_size=51 is larger than the 50 images"),
        (
            {"batch_size": 13, "labels_per_class": 4},
            "batch_size=13 is larger than the 12 images",
        ),
        (
            {"batch_size": 5, "p_x_images": "plain", "p_x_batch_size": 51},
            "p_x_batch_size=51 is larger than the 50 images",
        ),
        (
            {"batch_size": 5, "cutout": 8},
            "cutout=8 would cover an image of 8x8 pixels",
        ),
        (
            {"batch_size": 5, "labels_per_class": 17},
            "labels_per_class=17 is more than the 16 training images of class 'c'",
        ),
    ],
)
def test_more_images_than_there_are_is_refused(arguments, sentence):
    with pytest.raises(InputError, match=sentence):
        batches.training_batches(plain(50), steps=1, seed=0, **arguments)


def test_as_many_images_as_there_are_is_allowed():
    feed = batches.training_batches(plain(50), steps=1, batch_size=50, seed=0)
    assert len(list(feed)) == 1
