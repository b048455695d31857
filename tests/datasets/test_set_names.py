import pathlib

import pytest

from jem_tf.datasets import set_names


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("cifar10", "cifar10"),
        ("cifar10:3.0.2", "cifar10"),
        ("emnist/letters:3.*.*", "emnist"),
        ("mnist[:10%]", "mnist"),
        ("mnist/split=train[:10%]", "mnist"),
        ("MNIST", "mnist"),  # TFDS takes it for mnist
        ("svhn", "svhn_cropped"),
        ("svhn:3.1.0", "svhn_cropped"),
        ("huggingface:mnist/config:1.0.0", "mnist"),
        ("digits", "digits"),
        ("folder:/data/mnist", "folder:/data/mnist"),
        ("", ""),
    ],
)
def test_a_base_name_has_no_configuration_version_or_range(name, base):
    assert set_names.base_name(name) == base


@pytest.mark.parametrize(
    ("name", "in_tfds"),
    [
        ("svhn", "svhn_cropped"),
        ("svhn:3.1.0", "svhn_cropped:3.1.0"),
        ("svhn_cropped", "svhn_cropped"),
        ("emnist/svhn", "emnist/svhn"),
        ("", ""),
    ],
)
def test_an_alias_is_replaced_and_what_belongs_to_it_stays(name, in_tfds):
    assert set_names.in_tfds(name) == in_tfds


def test_a_folder_is_found_at_home(monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    for name, path in (
        ("folder:~/birds", "/home/somebody/birds"),
        ("folder:birds/", "birds"),
    ):
        assert set_names.folder_of(name) == pathlib.Path(path)
    assert set_names.folder_of("cifar10") is None


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("CIFAR10:3.0.2", "cifar10"),
        ("svhn", "svhn_cropped"),
        ("emnist/letters:3.1.0", "emnist/letters"),
        ("emnist/3.1.0", "emnist"),
        ("cifar10_corrupted/fog_1", "cifar10_corrupted/fog_1"),
        ("folder:CIFAR10:3", "folder:CIFAR10:3"),
        ("", ""),
    ],
)
def test_a_name_without_version_keeps_its_configuration(name, plain):
    assert set_names.without_version(name) == plain
