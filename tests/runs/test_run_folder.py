import dataclasses
import json
import re

import numpy as np
import pytest
import tensorflow as tf

from jem_tf import datasets
from jem_tf.errors import InputError
from jem_tf.options import GROUPS, Data, Network, Options, Sampling, Training
from jem_tf.runs import build, checkpoints, flagfiles, loading, run_folder
from jem_tf.system import files
from jem_tf.training import cluster

SMALL = Options(network=Network(network="convnet-8"), sampling=Sampling(buffer_size=20))
SHAPE, CLASSES = (8, 8, 1), 10
FIELDS = {  # flag: its subject and its field
    field.name: (subject, field)
    for subject, group in GROUPS.items()
    for field in dataclasses.fields(group)
}
FREE = [name for name, (_, field) in FIELDS.items() if field.metadata["free"]]


def with_training(**changes):
    return dataclasses.replace(SMALL, training=Training(**changes))


def with_another(name):
    """SMALL, but for a lawful value of this flag that is not SMALL's."""
    subject, field = FIELDS[name]
    group = getattr(SMALL, subject)
    old, choices = getattr(group, name), field.metadata["choices"] or ()
    new = {bool: not old, int: 7, float: 0.77, str: "another"}[field.type]
    new = next((choice for choice in choices if choice != old), new)
    changed = dataclasses.replace(group, **{name: new})
    return dataclasses.replace(SMALL, **{subject: changed})


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
    with run_folder.claim(place, options) as root:
        return root


def save(root, model, step, accuracy=None):
    team = cluster.Cluster(tf.distribute.get_strategy())
    keeper = checkpoints.Checkpoints(root / "checkpoints", team, keep=3, about={})
    assert keeper.save(model, {"step": step, "good": True, "val_accuracy": accuracy})


def kept(place, options):
    """A run that has saved a checkpoint, as `train` leaves it; and its model."""
    root = claimed(place, options)
    run_folder.describe(root, datasets.load("digits"))
    model = made(options)
    save(root, model, 5)
    return root, model


def refused(function, *arguments):
    with pytest.raises(InputError) as raised:
        function(*arguments)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_a_fresh_run_gets_its_folders_and_its_flags(tmp_path):
    root = claimed(tmp_path / "deep" / "run", SMALL)
    assert root == tmp_path / "deep" / "run"
    assert sorted(path.name for path in root.iterdir()) == sorted(
        [*run_folder.PARTS, "run.flags"]
    )
    assert flagfiles.from_flagfile(root / "run.flags") == SMALL


def test_an_empty_folder_is_as_good_as_none(tmp_path):
    assert claimed(str(tmp_path), SMALL) == tmp_path
    assert (tmp_path / "run.flags").is_file()


def test_a_run_of_the_same_flags_goes_on_and_loses_nothing(tmp_path):
    root, model = kept(tmp_path / "run", SMALL)
    (root / "results" / "train.json").write_text("{}")
    assert claimed(tmp_path / "run", SMALL) == root
    assert (root / "results" / "train.json").read_text() == "{}"
    loaded = loading.load(root)
    np.testing.assert_array_equal(loaded.buffer.shard, model.buffer.shard)


def test_a_run_that_ended_while_it_made_its_folder_goes_on(tmp_path):
    root = claimed(tmp_path / "run", SMALL)
    (root / "run.flags").unlink()  # the last that is written
    assert claimed(root, SMALL) == root


def test_a_folder_is_one_processs_at_a_time(tmp_path):
    with run_folder.claim(tmp_path, SMALL):
        with (
            pytest.raises(InputError, match="is in use by another process"),
            run_folder.claim(tmp_path, SMALL),
        ):
            pass
        run_folder.check(tmp_path, SMALL)  # looks, and does not take
    claimed(tmp_path, SMALL)


def test_a_folder_is_given_back_by_a_run_that_fails(tmp_path):
    with pytest.raises(ZeroDivisionError), run_folder.claim(tmp_path, SMALL):
        1 / 0  # noqa: B018
    claimed(tmp_path, SMALL)


def test_check_touches_nothing(tmp_path):
    run_folder.check(tmp_path / "run", SMALL)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", FREE)
def test_a_free_option_may_be_another_when_a_run_goes_on(tmp_path, name):
    claimed(tmp_path, SMALL)
    other = with_another(name)
    assert other != SMALL
    assert run_folder.default(other) == run_folder.default(SMALL)
    claimed(tmp_path, other)
    found = flagfiles.from_flagfile(tmp_path / "run.flags")
    if name != "workdir":  # the place of a run is not written down
        assert found == other


@pytest.mark.parametrize("name", [name for name in FIELDS if name not in FREE])
def test_any_other_option_makes_another_run(tmp_path, name):
    claimed(tmp_path, with_another(name))
    before = (tmp_path / "run.flags").read_text()
    value = flagfiles.flat(with_another(name))[name]
    message = refused(claimed, tmp_path, SMALL)
    assert f"--workdir={tmp_path} holds another run (--{name}={value});" in message
    assert (tmp_path / "run.flags").read_text() == before
    assert run_folder.default(with_another(name)) != run_folder.default(SMALL)


def test_another_run_is_refused_by_all_it_differs_in(tmp_path):
    claimed(tmp_path, with_training(seed=3, epochs=7))
    message = refused(claimed, tmp_path, with_training(seed=4))
    assert "(--seed=3, --epochs=7)" in message


def test_a_flag_that_a_run_does_not_name_has_its_default(tmp_path):
    claimed(tmp_path, SMALL)
    lines = (tmp_path / "run.flags").read_text().splitlines(keepends=True)
    short = [line for line in lines if not line.startswith(("--seed=", "--epochs="))]
    (tmp_path / "run.flags").write_text("".join(short))
    claimed(tmp_path, SMALL)
    assert (tmp_path / "run.flags").read_text() == "".join(lines)


@pytest.mark.parametrize(
    ("dataset", "name"),
    [("digits", "digits"), ("folder:/data/birds", "birds"), ("folder:a/b/", "b")],
)
def test_the_place_of_a_run_is_named_for_its_data(dataset, name):
    options = dataclasses.replace(SMALL, data=Data(dataset=dataset))
    assert re.fullmatch(rf"runs/{name}-[0-9a-f]{{8}}", run_folder.default(options))


def test_a_worker_joins_the_folder_that_the_chief_claimed(tmp_path):
    with run_folder.claim(tmp_path / "run", SMALL) as root:
        token = run_folder.token(root)
        assert run_folder.join(str(root), SMALL, token) == root
        for place, other in ((root, token + 1), (tmp_path / "none", token)):
            message = refused(run_folder.join, place, SMALL, other)
            assert "shares with the chief" in message
        message = refused(run_folder.join, root, with_training(seed=1), token)
        assert "--seed=1 is --seed=0 in the chief" in message


def test_a_folder_of_something_else_is_refused_and_left_alone(tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    message = refused(claimed, tmp_path, SMALL)
    assert f"--workdir={tmp_path} holds something that is no run" in message
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


@pytest.mark.parametrize("below", ["", "run", "deep/run"])
def test_a_place_that_cannot_be_written_is_refused(tmp_path, below):
    (tmp_path / "file").write_text("")
    place = tmp_path / "file" / below
    assert f"--workdir={place} cannot be written" in refused(claimed, place, SMALL)


def test_a_run_describes_its_data(tmp_path):
    data = datasets.load("digits")
    for _ in range(2):  # again when it goes on
        run_folder.describe(tmp_path, data)
    assert json.loads((tmp_path / "data.json").read_text()) == {
        "format": run_folder.FORMAT,
        "image_shape": [8, 8, 1],
        "class_names": list("0123456789"),
        "sizes": {"train": 1295, "validation": 143, "test": 359},
    }


def test_a_run_on_other_data_is_refused(tmp_path):
    data = datasets.load("digits")
    run_folder.describe(tmp_path, data)
    before = (tmp_path / "data.json").read_text()
    fewer = data._replace(test=datasets.Split(*(part[:9] for part in data.test)))
    renamed = data._replace(class_names=("nought", *data.class_names[1:]))
    for other, name in ((fewer, "sizes"), (renamed, "class_names")):
        message = refused(run_folder.describe, tmp_path, other)
        assert f"--workdir={tmp_path} holds a run on other data ({name} " in message
    assert (tmp_path / "data.json").read_text() == before


def test_a_run_of_a_newer_format_is_refused(tmp_path):
    root, _ = kept(tmp_path, SMALL)
    about = json.loads((root / "data.json").read_text())
    files.write_json(root / "data.json", about | {"format": run_folder.FORMAT + 1})
    for function, *arguments in (
        (loading.load, root),
        (run_folder.check, root, SMALL),
        (claimed, root, SMALL),
        (run_folder.describe, root, datasets.load("digits")),
    ):
        message = refused(function, *arguments)
        assert f"{root} holds a run of format {run_folder.FORMAT + 1}" in message
        assert "upgrade jem_tf" in message
