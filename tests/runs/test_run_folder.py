import dataclasses
import json
import re

import pytest
import tensorflow as tf

from jem_tf import datasets
from jem_tf.errors import InputError
from jem_tf.options import Data, Network, Options, Sampling
from jem_tf.runs import build, checkpoint_manager, loading, run_folder, run_lock
from jem_tf.runs.run_folder import RunFolder
from jem_tf.runs.training_state import TrainingState
from jem_tf.system import files
from jem_tf.training import cluster

SMALL = Options(network=Network(network="convnet-8"), sampling=Sampling(buffer_size=20))
SHAPE, CLASSES = (8, 8, 1), 10


def made(options):
    """The model of a run, with numbers in its buffer that no start would put there."""
    buffer = build.make_buffer(options, SHAPE, CLASSES)
    model = build.make_model(options, SHAPE, CLASSES, buffer)
    if buffer is not None:
        buffer.shard.assign(tf.random.stateless_normal([20, *SHAPE], [1, 2]))
        buffer.ages.assign(tf.range(20))
    return model


def claimed(place, options):
    """The folder of a run that was begun and is over."""
    with run_lock.claim(place, options) as folder:
        return folder.root


def describe(root, data=None):
    """Writes down what data a run is trained on: digits if not told."""
    data = data or datasets.load("digits")
    RunFolder(root).describe_data(run_folder.describe(data))


def save(root, model, step, accuracy=None):
    team = cluster.Cluster(tf.distribute.get_strategy())
    saved = checkpoint_manager.Checkpoints(root / "checkpoints", team, keep=3, facts={})
    assert saved.save(model, TrainingState(step=step, val_accuracy=accuracy))


def kept(place, options):
    """A run that has saved a checkpoint, as `train` leaves it; and its model."""
    root = claimed(place, options)
    describe(root)
    model = made(options)
    save(root, model, 5)
    return root, model


def refused(function, *arguments):
    with pytest.raises(InputError) as raised:
        function(*arguments)
    assert "\n" not in str(raised.value)
    assert "--" not in str(raised.value)  # a program alone knows flags
    return str(raised.value)


@pytest.mark.parametrize(
    ("dataset", "name"),
    [("digits", "digits"), ("folder:/data/birds", "birds"), ("folder:a/b/", "b")],
)
def test_the_place_of_a_run_is_named_for_its_data(dataset, name):
    options = dataclasses.replace(SMALL, data=Data(dataset=dataset))
    assert re.fullmatch(rf"runs/{name}-[0-9a-f]{{8}}", run_folder.default_path(options))


def test_the_place_of_a_run_fits_on_the_disk(tmp_path):
    """A folder's name may take all the bytes that the disk has for one."""
    (tmp_path / ("鳥" * 85)).mkdir()
    options = dataclasses.replace(SMALL, data=Data(dataset=f"folder:x/{'鳥' * 85}"))
    (tmp_path / run_folder.default_path(options)).mkdir(parents=True)


def test_a_run_describes_its_data(tmp_path):
    data = datasets.load("digits")
    for _ in range(2):  # again when it goes on
        describe(tmp_path, data)
    assert json.loads((tmp_path / "data.json").read_text()) == {
        "format": run_folder.FORMAT,
        "image_shape": [8, 8, 1],
        "class_names": list("0123456789"),
        "sizes": {"train": 1295, "validation": 143, "test": 359},
        "digests": run_folder.describe(data).digests,
        "place": "",
        "flip": False,
    }


def test_a_run_on_other_data_is_refused(tmp_path):
    data = datasets.load("digits")
    describe(tmp_path, data)
    before = (tmp_path / "data.json").read_text()
    fewer = data._replace(test=datasets.Split(*(part[:9] for part in data.test)))
    renamed = data._replace(class_names=("nought", *data.class_names[1:]))
    for other, name in ((fewer, "sizes"), (renamed, "class_names")):
        message = refused(describe, tmp_path, other)
        assert f"{tmp_path} holds a run on other data ({name} " in message
    assert (tmp_path / "data.json").read_text() == before


def swapped(split):
    """The same split with its first two images changed about."""
    order = [1, 0, *range(2, len(split.labels))]
    return datasets.Split(
        tf.gather(split.images, order), tf.gather(split.labels, order)
    )


def test_as_many_other_images_or_labels_are_other_data(tmp_path):
    data = datasets.load("digits")
    describe(tmp_path, data)
    before = (tmp_path / "data.json").read_text()
    relabelled = datasets.Split(data.train.images, data.train.labels[::-1])
    for changes, named in (
        ({"test": swapped(data.test)}, "test"),
        ({"train": relabelled}, "train"),
        (
            {"train": swapped(data.train), "validation": swapped(data.validation)},
            "train, validation",
        ),
    ):
        message = refused(describe, tmp_path, data._replace(**changes))
        assert f"other images or labels to {named})" in message
        assert "data_dir=PLACE" in message
    assert (tmp_path / "data.json").read_text() == before


def test_a_run_of_before_has_no_digests_until_it_goes_on(tmp_path):
    data = datasets.load("digits")
    describe(tmp_path, data)
    now = json.loads((tmp_path / "data.json").read_text())
    old = {
        name: now[name] for name in ("format", "image_shape", "class_names", "sizes")
    }
    (tmp_path / "data.json").write_text(json.dumps(old))
    other = data._replace(test=swapped(data.test))
    RunFolder(tmp_path).check_data(run_folder.describe(other))
    assert RunFolder(tmp_path).read_description().digests is None
    describe(tmp_path, data)
    assert json.loads((tmp_path / "data.json").read_text()) == now


def test_a_digest_tells_shapes_apart():
    """Bytes that are equal, cut up otherwise."""
    split = datasets.load("digits").test
    flat = split._replace(images=tf.reshape(split.images, [-1, 4, 16, 1]))
    data = datasets.load("digits")
    digests = [
        run_folder.describe(data._replace(test=part)).digests for part in (split, flat)
    ]
    assert digests[0]["test"] != digests[1]["test"]
    assert digests[0]["train"] == digests[1]["train"]


def test_a_place_at_home_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert RunFolder("~/run").root == tmp_path / "run"
    assert str(RunFolder("~/run")) == f"{tmp_path}/run"


def test_options_that_came_later_leave_the_default_folder_as_it_was():
    usual = run_folder.default_path(Options())
    assert usual == "runs/digits-2f3b0d64"
    flipped = dataclasses.replace(Options(), data=Data(flip="false"))
    assert run_folder.default_path(flipped) != usual


def test_a_run_of_a_newer_format_is_refused(tmp_path):
    root, _ = kept(tmp_path, SMALL)
    about = json.loads((root / "data.json").read_text())
    files.write_json(root / "data.json", about | {"format": run_folder.FORMAT + 1})
    for function, *arguments in (
        (loading.read_run, root),
        (run_lock.check, root, SMALL),
        (claimed, root, SMALL),
        (describe, root, datasets.load("digits")),
    ):
        message = refused(function, *arguments)
        assert f"{root} holds a run of format {run_folder.FORMAT + 1}" in message
        assert "upgrade jem_tf" in message
