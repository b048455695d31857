import pytest
import tensorflow_datasets as tfds

from jem_tf import datasets
from jem_tf.datasets import paper_set_info
from jem_tf.errors import InputError
from tests.datasets.test_tfds_sets import pictures, store


@pytest.mark.parametrize(
    ("name", "classes", "sizes"),
    [
        ("cifar10", 10, {"train": 45_000, "validation": 5000, "test": 10_000}),
        ("cifar100", 100, {"train": 45_000, "validation": 5000, "test": 10_000}),
        ("svhn", 10, {"train": 68_257, "validation": 5000, "test": 26_032}),
        ("svhn_cropped", 10, {"train": 68_257, "validation": 5000, "test": 26_032}),
        ("cifar10:3.0.2", 10, {"train": 45_000, "validation": 5000, "test": 10_000}),
    ],
)
def test_a_set_of_the_paper_is_described_without_being_loaded(
    name, classes, sizes, monkeypatch
):
    monkeypatch.delattr(datasets, "load")
    description = paper_set_info.describe(name, data_dir="/nowhere")
    assert description.image_shape == (32, 32, 3)
    assert len(set(description.class_names)) == len(description.class_names) == classes
    assert description.sizes == sizes


@pytest.mark.parametrize("name", paper_set_info.SETS)
def test_class_names_are_in_alphabetic_order_as_the_labels_are(name):
    names = paper_set_info.describe(name).class_names
    assert list(names) == sorted(names)


@pytest.mark.parametrize("name", paper_set_info.SETS)
def test_shapes_and_numbers_of_classes_are_those_that_tfds_declares(name, tmp_path):
    tfds_name = {"svhn": "svhn_cropped"}.get(name, name)
    features = tfds.builder(tfds_name, data_dir=str(tmp_path)).info.features
    description = paper_set_info.describe(name)
    assert description.image_shape == features["image"].shape
    assert len(description.class_names) == features["label"].num_classes


@pytest.mark.parametrize(("image_size", "side"), [(0, 8), (4, 4)])
def test_another_set_is_described_as_it_is_loaded(image_size, side):
    data = datasets.load("digits", image_size=image_size)
    description = paper_set_info.describe("digits", image_size=image_size)
    assert description.image_shape == (side, side, 1)
    assert description.class_names == data.class_names
    assert description.sizes == {
        "train": len(data.train.labels),
        "validation": len(data.validation.labels),
        "test": len(data.test.labels),
    }


def test_a_description_without_images_has_the_sizes_that_loading_gives(tmp_path):
    names, learning, test = paper_set_info.SETS["cifar10"]
    splits = {"train": pictures(learning // 1000), "test": pictures(test // 1000)}
    place = store(tmp_path, "cifar10", "3.0.2", splits, names=names.split())
    data = datasets.load("cifar10", data_dir=place)
    sizes = paper_set_info.describe("cifar10").sizes
    for split, count in sizes.items():
        assert len(getattr(data, split).labels) == count // 1000


def test_an_unknown_set_is_refused():
    with pytest.raises(InputError, match="name=folder:/nowhere is not a folder"):
        paper_set_info.describe("folder:/nowhere")
