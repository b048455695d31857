import socket
import time

import numpy as np
import pytest
import tensorflow_datasets as tfds

from jem_tf import datasets
from jem_tf.datasets import tfds_sets
from jem_tf.datasets.splits import HELD_OUT, VALIDATION_STANDS_IN
from jem_tf.errors import InputError

CIFAR10 = "airplane automobile bird cat deer dog frog horse ship truck".split()


def pictures(n, shape=(32, 32, 3), seed=0):
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, [n, *shape], dtype="uint8")


def store(
    place,
    name,
    version,
    splits,
    *,
    shape=(32, 32, 3),
    names=("ant", "bee"),
    labels=(),
    dtype=np.uint8,
):
    """Writes {split: images} as a prepared TFDS set with labels 0, 1, ..., 0, 1, ...

    `labels` are {split: labels} of the splits that have others.
    """
    text = tfds.features.Text()
    image = tfds.features.Image(shape=shape, dtype=dtype)
    features = {"id": text, "image": image}
    if names:
        features["label"] = tfds.features.ClassLabel(names=list(names))

    def examples(split, images):
        own = dict(labels).get(split) or [i % len(names or "a") for i in range(99)]
        for i, image in enumerate(images):
            label = {"label": own[i]} if names else {}
            yield i, {"id": f"{i:05}", "image": image} | label

    tfds.disable_progress_bar()
    tfds.dataset_builders.store_as_tfds_dataset(
        name=name,
        version=version,
        features=tfds.features.FeaturesDict(features),
        split_datasets={split: examples(split, splits[split]) for split in splits},
        data_dir=str(place),
        disable_shuffling=True,
        description="Made by a test.",
    )
    return str(place)


@pytest.fixture(scope="module")
def cifar(tmp_path_factory):
    splits = {"train": pictures(40), "test": pictures(12, seed=1)}
    place = tmp_path_factory.mktemp("tfds")
    return store(place, "cifar10", "3.0.2", splits, names=CIFAR10), splits


def test_a_prepared_set_is_read_as_it_was_written(cifar):
    place, written = cifar
    splits, names = tfds_sets.read_tfds("cifar10", place)
    assert names == CIFAR10
    for split, images in written.items():
        np.testing.assert_array_equal(splits[split][0], images)
        np.testing.assert_array_equal(splits[split][1], np.arange(len(images)) % 10)


def test_load_holds_validation_out_of_train_and_leaves_test_alone(cifar):
    place, written = cifar
    data = datasets.load("cifar10", data_dir=place)
    np.testing.assert_array_equal(data.test.images, written["test"])
    kept = np.concatenate([data.train.images, data.validation.images])
    assert [len(data.train.labels), len(data.validation.labels)] == [36, 4]
    assert sorted(image.tobytes() for image in kept) == sorted(
        image.tobytes() for image in written["train"]
    )
    assert data.flip


def test_nothing_is_asked_of_the_network_for_a_set_on_disk(cifar, monkeypatch):
    asked = []

    def connect(_, address):
        asked.append(address)
        raise OSError("no network in this test")

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: connect(None, a))
    datasets.load("cifar10", data_dir=cifar[0])
    assert asked == []


def test_svhn_is_tfds_svhn_cropped_and_is_never_mirrored(tmp_path):
    written = {"train": pictures(20), "test": pictures(5, seed=1)}
    place = store(tmp_path, "svhn_cropped", "3.1.0", written, names="0123456789")
    data = datasets.load("svhn", data_dir=place)
    np.testing.assert_array_equal(data.test.images, written["test"])
    assert not data.flip


@pytest.mark.parametrize("image_size", [16, 32, 48])
def test_images_come_in_the_size_asked_for(cifar, image_size):
    place, written = cifar
    images, _ = tfds_sets.read_tfds("cifar10", place, image_size=image_size)[0]["train"]
    assert images.shape == (40, image_size, image_size, 3)
    assert images.dtype == np.uint8
    if image_size == 32:
        np.testing.assert_array_equal(images, written["train"])


@pytest.mark.parametrize("image_size", [16, 24])
def test_oblong_images_become_square(tmp_path, image_size):
    shape = (24, 16, 3)
    place = store(
        tmp_path, "oblong", "1.0.0", {"train": pictures(3, shape)}, shape=shape
    )
    images, _ = tfds_sets.read_tfds("oblong", place, image_size=image_size)[0]["train"]
    assert images.shape == (3, image_size, image_size, 3)


def test_a_set_without_a_test_split_has_a_fifth_held_out(tmp_path):
    place = store(tmp_path, "trainonly", "1.0.0", {"train": pictures(60)})
    data = datasets.load("trainonly", data_dir=place)
    splits = (data.train, data.validation, data.test)
    assert [len(split.labels) for split in splits] == [44, 4, 12]


def test_a_validation_split_stands_in_for_a_test_split(tmp_path):
    written = {"train": pictures(20), "validation": pictures(7, seed=1)}
    place = store(tmp_path, "validated", "1.0.0", written)
    data = datasets.load("validated", data_dir=place)
    np.testing.assert_array_equal(data.test.images, written["validation"])
    assert data.test_source == VALIDATION_STANDS_IN


def test_a_test_split_is_the_test_beside_a_validation_split(tmp_path):
    written = {name: pictures(12, seed=ord(name[0])) for name in ("train", "test")}
    written["validation"] = pictures(7)
    place = store(tmp_path, "both", "1.0.0", written)
    data = datasets.load("both", data_dir=place)
    np.testing.assert_array_equal(data.test.images, written["test"])


def test_a_test_split_without_labels_is_replaced_by_validation(tmp_path, capsys):
    written = {name: pictures(12, seed=ord(name[0])) for name in ("train", "test")}
    written["validation"] = pictures(7)
    unlabelled = {"test": [-1] * 12, "validation": [0, 1, -1, 1, 0, 1, 0]}
    place = store(tmp_path, "hidden", "1.0.0", written, labels=unlabelled)
    capsys.readouterr()
    data = datasets.load("hidden", data_dir=place)
    labelled = [0, 1, 3, 4, 5, 6]
    np.testing.assert_array_equal(data.test.images, written["validation"][labelled])
    assert data.test.labels.numpy().tolist() == [0, 1, 1, 0, 1, 0]
    assert data.test_source == VALIDATION_STANDS_IN
    assert capsys.readouterr().out == (
        "hidden: left out, without a label: 12 of test, 1 of validation\n"
    )


def test_where_no_split_but_train_has_labels_the_test_is_held_out(tmp_path):
    written = {"train": pictures(60), "test": pictures(9), "validation": pictures(7)}
    unlabelled = {"test": [-1] * 9, "validation": [-1] * 7}
    place = store(tmp_path, "hidden", "1.0.0", written, labels=unlabelled)
    data = datasets.load("hidden", data_dir=place)
    splits = (data.train, data.validation, data.test)
    assert [len(split.labels) for split in splits] == [44, 4, 12]
    assert data.test_source == HELD_OUT


def test_a_set_without_training_labels_is_refused(tmp_path):
    written = {"train": pictures(20), "test": pictures(9)}
    place = store(tmp_path, "hidden", "1.0.0", written, labels={"train": [-1] * 20})
    with pytest.raises(InputError, match="name=hidden has no label in its train split"):
        datasets.load("hidden", data_dir=place)


def test_classes_that_are_declared_and_absent_are_left_out(tmp_path, capsys):
    """As emnist/letters declares 37 and has 26."""
    written = {"train": pictures(40), "test": pictures(6, seed=1)}
    labels = {"train": [1, 3] * 20, "test": [1, 1, 3, 3, 1, 0]}
    names = ("none", "ant", "cow", "bee")
    place = store(tmp_path, "sparse", "1.0.0", written, names=names, labels=labels)
    data = datasets.load("sparse", data_dir=place)
    assert data.class_names == ("ant", "bee")
    assert sorted(data.train.labels.numpy().tolist()) == [0] * 18 + [1] * 18
    assert data.test.labels.numpy().tolist() == [0, 0, 1, 1, 0]
    np.testing.assert_array_equal(data.test.images, written["test"][:5])
    assert "2 of 4 classes have no training image" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["mnist:3.0.1", "mnist:3.*.*", "MNIST"])
def test_how_a_set_of_characters_is_spelt_does_not_make_a_mirror(tmp_path, name):
    shape = (28, 28, 1)
    written = {"train": pictures(20, shape), "test": pictures(5, shape, seed=1)}
    place = store(tmp_path, "mnist", "3.0.1", written, shape=shape, names="0123456789")
    assert not datasets.load(name, data_dir=place).flip


def test_data_may_lie_at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    written = {"train": pictures(20), "test": pictures(5, seed=1)}
    store(tmp_path / "data", "homely", "1.0.0", written)
    data = datasets.load("homely", data_dir="~/data")
    np.testing.assert_array_equal(data.test.images, written["test"])
    assert tfds_sets.holds_sets("~/data")
    assert datasets.place_of("homely", "~/data") == str(tmp_path / "data")
    assert not tfds_sets.holds_sets("~/data/homely")


def test_without_network_a_missing_set_is_refused_within_seconds(tmp_path, no_network):
    begin = time.monotonic()
    with pytest.raises(InputError) as raised:
        tfds_sets.read_tfds("cifar100", str(tmp_path))
    assert time.monotonic() - begin < 20
    for part in ("name=cifar100", str(tmp_path), "no network", "data_dir="):
        assert part in str(raised.value)


def test_a_network_that_breaks_off_is_reported_in_one_line(tmp_path, monkeypatch):
    def breaks(*_, **__):
        raise RuntimeError("line one\nline two")

    monkeypatch.setattr(tfds_sets, "PROBE_URL", f"file://{__file__}")  # it answers
    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", breaks)
    with pytest.raises(InputError, match=r"failed \(line one line two\)"):
        tfds_sets.read_tfds("cifar100", str(tmp_path))


@pytest.mark.parametrize(
    "name",
    [
        "no_such_set",
        "cifar10:9.9.9",
        "cifar10/no_such_config",
        "cifar10/split=train",
        "a b",
        "",
    ],
)
def test_an_unknown_set_is_named_with_the_choices(tmp_path, name):
    with pytest.raises(InputError) as raised:
        tfds_sets.read_tfds(name, str(tmp_path))
    assert f"name={name} is no data set" in str(raised.value)
    assert "digits, cifar10, cifar100, svhn, folder:PATH" in str(raised.value)


def test_a_missing_data_dir_is_named(tmp_path):
    missing = tmp_path / "missing"
    with pytest.raises(InputError, match=f"data_dir={missing} is not a folder"):
        tfds_sets.read_tfds("cifar10", str(missing))


def test_a_set_that_classifies_no_images_is_refused(tmp_path):
    place = store(tmp_path, "unlabelled", "1.0.0", {"train": pictures(3)}, names=())
    with pytest.raises(InputError, match="name=unlabelled is no image classif"):
        tfds_sets.read_tfds("unlabelled", place)


def test_images_of_several_sizes_need_an_image_size(tmp_path):
    images = [pictures(1, (20, 30, 3))[0], pictures(1, (9, 8, 3))[0]]
    shape = (None, None, 3)
    place = store(tmp_path, "several", "1.0.0", {"train": images}, shape=shape)
    with pytest.raises(InputError, match=r"name=several .* image_size="):
        tfds_sets.read_tfds("several", place)
    images, _ = tfds_sets.read_tfds("several", place, image_size=8)[0]["train"]
    assert images.shape == (2, 8, 8, 3)


@pytest.mark.parametrize("damage", ["cut", "gone", "strange"])
def test_a_damaged_set_is_refused_with_its_place(tmp_path, damage):
    place = store(tmp_path, "damaged", "1.0.0", {"train": pictures(3)})
    (record,) = tmp_path.rglob("*.tfrecord*")
    if damage == "gone":
        record.unlink()
    else:
        whole = record.read_bytes()
        record.write_bytes(whole[:-9] if damage == "cut" else b"?" * len(whole))
    with pytest.raises(InputError) as raised:
        tfds_sets.read_tfds("damaged", place)
    assert f"name=damaged under {record.parent} cannot be read" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_set_without_a_train_split_is_refused_with_those_it_has(tmp_path):
    written = {"test": pictures(3), "extra": pictures(3)}
    place = store(tmp_path, "tested", "1.0.0", written)
    with pytest.raises(InputError, match=r"^name=tested .* only extra, test; choose"):
        tfds_sets.read_tfds("tested", place)


@pytest.mark.parametrize("name", ["{}", "{}/", "Folder:{}"])
def test_a_folder_without_its_prefix_is_recognised(tmp_path, name):
    given = name.format(tmp_path)
    path = given.removeprefix("Folder:")
    with pytest.raises(InputError) as refused:
        tfds_sets.read_tfds(given, "")
    assert f"name={given} is no data set" in str(refused.value)
    assert f"(did you mean folder:{path}?)" in str(refused.value)
