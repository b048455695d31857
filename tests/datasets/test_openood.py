import re

import pytest

from jem_tf.datasets import openood
from jem_tf.errors import InputError
from tests.datasets.test_tfds_sets import pictures, store


@pytest.fixture
def place(tmp_path):
    """Prepared TFDS data with CIFAR-100, and folders of pictures beside it."""
    data = store(tmp_path / "tfds", "cifar100", "3.0.2", {"test": pictures(2)})
    for name in ("dtd32", "tiny-imagenet-200", "TIN", "birds", "Places365"):
        (tmp_path / name).mkdir()
    return tmp_path, data


def test_members_are_tfds_sets_on_the_disk_and_folders_that_are_called_so(place):
    folder, data = place
    textures, tiny, birds, places = (
        f"folder:{folder / name}"
        for name in ("dtd32", "tiny-imagenet-200", "birds", "Places365")
    )
    given = ["uniform", textures, "openood", birds, tiny, places]
    chosen = openood.expand(given, "cifar10", data)
    assert chosen.groups == {
        "near": {"cifar100": "cifar100", "tinyimagenet": tiny},
        "far": {"textures": textures, "places365": places},
    }
    assert chosen.names == ["cifar100", tiny, textures, places, "uniform", birds]
    assert chosen.absent == ["mnist", "svhn"]


def test_the_other_cifar_is_near_and_the_runs_own_in_no_group(place):
    _, data = place
    textures = f"folder:{place[0] / 'dtd32'}"
    chosen = openood.expand(["openood", textures], "cifar100:3.0.2", data)
    assert chosen.groups == {"near": {}, "far": {"textures": textures}}
    assert chosen.absent == "cifar10 tinyimagenet mnist svhn places365".split()


def test_a_set_that_is_named_beside_it_is_there_once_and_auto_stays(place):
    _, data = place
    chosen = openood.expand(["auto", "cifar100:3.0.2", "openood"], "cifar10", data)
    assert chosen.groups["near"] == {"cifar100": "cifar100:3.0.2"}
    assert chosen.names == ["cifar100:3.0.2", "auto"]


def test_what_has_no_groups_is_refused_in_a_sentence(place, tmp_path):
    folder, data = place
    empty = tmp_path / "empty"
    empty.mkdir()
    two = [f"folder:{folder / name}" for name in ("TIN", "tiny-imagenet-200")]
    for names, dataset, where, says in (
        ([], "digits", data, "cifar10 and cifar100, and the run was trained on digits"),
        ([], "cifar10", str(empty), "has no set on the disk; give data_dir=DIR"),
        (two, "cifar10", data, f"one folder for tinyimagenet, not {' and '.join(two)}"),
    ):
        with pytest.raises(InputError, match=re.escape(says)):
            openood.expand([*names, "openood"], dataset, where)
