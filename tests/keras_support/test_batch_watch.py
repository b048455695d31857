"""Of arrays all is checked, of a stream every batch, and an error is said as it is."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from jem_tf.errors import InputError
from jem_tf.keras_support import batch_checks, batch_watch
from tests import tiny_models

IMAGES, LABELS = tiny_models.floats(12)


class Batches(keras.utils.PyDataset):
    def __init__(self, images, labels):
        super().__init__(workers=2)
        self.images, self.labels, self.epochs = images, labels, 0

    def __len__(self):
        return 3

    def __getitem__(self, i):
        return self.images[4 * i : 4 * i + 4], self.labels[4 * i : 4 * i + 4]

    def on_epoch_end(self):
        self.epochs += 1


def loader(x, y, workers=0):
    data = pytest.importorskip("torch.utils.data")
    pairs = list(zip(x, y, strict=True))
    return data.DataLoader(pairs, batch_size=4, num_workers=workers)


LOADED = pytest.param("DataLoader", marks=pytest.mark.slow)  # it imports torch
STREAMS = {
    "tf.data": lambda x, y: tf.data.Dataset.from_tensor_slices((x, y)).batch(4),
    "generator": lambda x, y: ((x[i : i + 4], y[i : i + 4]) for i in (0, 4, 8)),
    "PyDataset": Batches,
    "DataLoader": loader,
}
KINDS = ["tf.data", "generator", "PyDataset", LOADED]


@pytest.fixture
def watch():
    expected = batch_checks.Expected(tiny_models.SHAPE, tiny_models.CLASSES)
    return batch_watch.Watch(expected)


def batches_of(stream):
    if isinstance(stream, keras.utils.PyDataset):
        return [stream[i] for i in range(stream.num_batches)]
    return list(stream)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_right_passes_a_watched_stream_unchanged(watch, kind):
    watched = batches_of(watch.over(STREAMS[kind](IMAGES, LABELS)))
    assert len(watched) == 3
    for i, (x, y) in enumerate(watched):
        np.testing.assert_array_equal(x, IMAGES[4 * i : 4 * i + 4])
        np.testing.assert_array_equal(y, LABELS[4 * i : 4 * i + 4])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wrong", ["images", "labels"])
def test_the_last_batch_is_checked_and_the_error_is_the_sentence(watch, kind, wrong):
    images, labels = IMAGES.copy(), LABELS.copy()
    if wrong == "images":
        images[9:] *= 100
    else:
        labels[9:] += 3
    says = "scale them to" if wrong == "images" else "3 classes are 0 to 2"
    watched = watch.over(STREAMS[kind](images, labels))
    with pytest.raises(InputError, match=says), watch.in_words():
        batches_of(watched)


def test_a_watched_data_set_keeps_its_shapes_names_and_length(watch):
    images = {"labelled": IMAGES, "real": IMAGES}
    data = tf.data.Dataset.from_tensor_slices((images, LABELS)).batch(4)
    watched = watch.over(data)
    assert watched.element_spec == data.element_spec
    assert watched.cardinality() == data.cardinality()
    weighted = tf.data.Dataset.from_tensors((IMAGES, LABELS, np.ones(12)))
    assert len(next(iter(watch.over(weighted)))) == 3
    watch = batch_watch.Watch(watch._expected, labelled=False)
    alone = tf.data.Dataset.from_tensors(IMAGES)
    np.testing.assert_array_equal(next(iter(watch.over(alone))), IMAGES)


def test_a_py_data_set_is_told_of_its_epochs(watch):
    inner = Batches(IMAGES, LABELS)
    watched = watch.over(inner)
    watched.on_epoch_begin()
    watched.on_epoch_end()
    assert (inner.epochs, watched.workers) == (1, 2)


@pytest.mark.parametrize("convert", [np.asarray, tf.constant])
def test_arrays_are_checked_at_once(watch, convert):
    assert watch.over(convert(IMAGES), LABELS) is not None
    with pytest.raises(InputError, match="scale them to"):
        watch.over(convert(IMAGES * 100), LABELS)


def test_validation_data_are_checked_as_a_pair_or_a_stream(watch):
    pair = watch.over_pair((IMAGES, LABELS, np.ones(12)))
    assert len(pair) == 3
    with pytest.raises(InputError, match="0 to 2"):
        watch.over_pair((IMAGES, LABELS + 3))
    assert isinstance(
        watch.over_pair(STREAMS["tf.data"](IMAGES, LABELS)), tf.data.Dataset
    )


def test_labels_do_not_matter_where_nothing_is_learnt():
    expected = batch_checks.Expected(tiny_models.SHAPE, tiny_models.CLASSES)
    watch = batch_watch.Watch(expected, labelled=False)
    list(watch.over(STREAMS["tf.data"](IMAGES, LABELS + 7)))


def test_missing_labels_are_refused_before_a_step(watch):
    with pytest.raises(InputError, match="labels are missing"):
        watch.over(IMAGES)


def test_a_list_of_labels_is_refused_before_a_step(watch):
    with pytest.raises(InputError, match=r"labels are a list of 12, .* np\.array\("):
        watch.over(IMAGES, LABELS.tolist())


def test_other_errors_pass_as_they_are(watch):
    with pytest.raises(ZeroDivisionError), watch.in_words():
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("elements", "says"),
    [
        ({"image": IMAGES, "label": LABELS}, r"are \{'image', 'label'\}; give pairs"),
        (((IMAGES, IMAGES), LABELS), r"are \(\(\., \.\), \.\); give pairs"),
        ((IMAGES, {"label": LABELS}), r"are \(\., \{'label'\}\); give pairs"),
        ((IMAGES, LABELS, LABELS, LABELS), r"as_supervised=True"),
    ],
)
def test_data_of_other_elements_than_pairs_are_refused(watch, elements, says):
    stream = tf.data.Dataset.from_tensor_slices(elements).batch(4)
    with pytest.raises(InputError, match=says):
        watch.over(stream)
    with pytest.raises(InputError, match=says):
        next(watch.over(elements for _ in range(1)))


@pytest.mark.slow
def test_a_watched_loader_is_a_loader_as_before(watch):
    data = pytest.importorskip("torch.utils.data")
    given = loader(IMAGES, LABELS)
    watched = watch.over(given)
    assert isinstance(watched, data.DataLoader)
    assert len(watched) == len(given) == 3
    assert watched.dataset is given.dataset
    assert type(given) is data.DataLoader


def test_a_data_set_of_named_images_is_taken(watch):
    images = {"labelled": IMAGES, "real": IMAGES}
    stream = tf.data.Dataset.from_tensor_slices((images, LABELS)).batch(4)
    assert len(list(watch.over(stream))) == 3


@pytest.mark.parametrize("name", ["labelled", None])
def test_no_images_at_all_are_refused(watch, name):
    says = r"^There are no images: their shape is \[0, 4, 4, 1\]; give at least one"
    x = {name: IMAGES[:0]} if name else IMAGES[:0]
    with pytest.raises(InputError, match=says):
        watch.over(x, LABELS[:0])
    watch.check_batch((x, LABELS[:0]))  # a stream may end so


@pytest.mark.parametrize("kind", ["tf.data", "generator"])
def test_labels_of_both_kinds_of_images_pass_and_are_checked(watch, kind):
    both = ("labelled", "real")
    for shift in (0, 3):
        batch = (
            dict.fromkeys(both, IMAGES),
            {"labelled": LABELS, "real": LABELS + shift},
        )
        if kind == "tf.data":
            watched = watch.over(tf.data.Dataset.from_tensors(batch))
        else:
            watched = watch.over(x for x in [batch])
        if shift:
            with pytest.raises(InputError, match="0 to 2"), watch.in_words():
                list(watched)
        else:
            ((_, labels),) = list(watched)
            np.testing.assert_array_equal(labels["real"], LABELS)


def test_a_forgotten_batch_is_said_before_a_step(watch):
    images = tf.data.Dataset.from_tensor_slices((IMAGES, LABELS))
    with pytest.raises(InputError, match=r"images are of shape \[4, 4, 1\]; .* \[B, "):
        watch.over(images)
