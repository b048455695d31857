import dataclasses
import json
import os
import re
import stat

import numpy as np
import pytest
import tensorflow as tf

from jem_tf import datasets, flagfiles, recipe, workdir
from jem_tf.errors import InputError
from jem_tf.options import Network, Objective, Options, Sampling, Training

SMALL = Options(network=Network(network="convnet-8"), sampling=Sampling(buffer_size=20))
SHAPE, CLASSES = (8, 8, 1), 10


def with_training(**changes):
    return dataclasses.replace(SMALL, training=Training(**changes))


def made(options):
    """The model of a run, with numbers in its buffer that no start would put there."""
    buffer = recipe.buffer(options, SHAPE, CLASSES)
    model = recipe.build(options, SHAPE, CLASSES, buffer)
    if buffer is not None:
        buffer.shard.assign(tf.random.stateless_normal([20, *SHAPE], [1, 2]))
    return model


def kept(place, options):
    """A run that has saved a checkpoint, as `train` leaves it; and its model."""
    root = workdir.claim(place, options)
    workdir.describe(root, datasets.load("digits"))
    model = made(options)
    workdir.checkpoint(model).save(str(root / "checkpoints" / "ckpt"))
    return root, model


def refused(function, *arguments):
    with pytest.raises(InputError) as raised:
        function(*arguments)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_a_fresh_run_gets_its_folders_and_its_flags(tmp_path):
    root = workdir.claim(tmp_path / "deep" / "run", SMALL)
    assert root == tmp_path / "deep" / "run"
    assert sorted(path.name for path in root.iterdir()) == sorted(
        [*workdir.PARTS, "run.flags"]
    )
    assert flagfiles.from_flagfile(root / "run.flags") == SMALL


def test_an_empty_folder_is_as_good_as_none(tmp_path):
    assert workdir.claim(str(tmp_path), SMALL) == tmp_path
    assert (tmp_path / "run.flags").is_file()


def test_a_run_of_the_same_flags_is_claimed_again_and_stays(tmp_path):
    root = workdir.claim(tmp_path / "run", SMALL)
    (root / "results" / "train.json").write_text("{}")
    assert workdir.claim(tmp_path / "run", SMALL) == root
    assert (root / "results" / "train.json").read_text() == "{}"


def test_a_run_that_has_a_checkpoint_is_not_run_over(tmp_path):
    root = workdir.claim(tmp_path / "run", SMALL)
    tf.train.Checkpoint().save(root / "checkpoints" / "ckpt")
    message = refused(workdir.claim, root, SMALL)
    assert f"--workdir={root} holds this very run" in message


def test_check_touches_nothing(tmp_path):
    workdir.check(tmp_path / "run", SMALL)
    assert not list(tmp_path.iterdir())


def test_the_place_of_a_run_is_none_of_its_flags(tmp_path):
    workdir.claim(tmp_path, with_training(workdir="here"))
    workdir.claim(tmp_path, with_training(workdir="there"))


def test_another_runs_flags_are_refused_by_what_they_differ_in(tmp_path):
    workdir.claim(tmp_path, with_training(seed=3))
    before = (tmp_path / "run.flags").read_text()
    message = refused(workdir.claim, tmp_path, with_training(seed=4))
    assert f"--workdir={tmp_path} holds another run (--seed=3);" in message
    assert (tmp_path / "run.flags").read_text() == before


def test_a_run_of_fewer_flags_is_another_run(tmp_path):
    workdir.claim(tmp_path, SMALL)
    lines = (tmp_path / "run.flags").read_text().splitlines(keepends=True)
    (tmp_path / "run.flags").write_text("".join(lines[:-1]))
    assert "fewer flags" in refused(workdir.claim, tmp_path, SMALL)


def test_a_folder_of_something_else_is_refused_and_left_alone(tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    message = refused(workdir.claim, tmp_path, SMALL)
    assert f"--workdir={tmp_path} holds something that is no run" in message
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


@pytest.mark.parametrize("below", ["", "run", "deep/run"])
def test_a_place_that_cannot_be_written_is_refused(tmp_path, below):
    (tmp_path / "file").write_text("")
    place = tmp_path / "file" / below
    assert f"--workdir={place} cannot be written" in refused(
        workdir.claim, place, SMALL
    )


def test_a_text_is_written_over_another(tmp_path):
    for text in ("first, longer\n", "é\n"):
        workdir.write(tmp_path / "file", text)
        assert (tmp_path / "file").read_text(encoding="utf-8") == text
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_text_that_breaks_off_leaves_the_old_one_whole(tmp_path):
    workdir.write(tmp_path / "file", "old")
    with pytest.raises(UnicodeEncodeError):
        workdir.write(tmp_path / "file", "x" * 100_000 + "\ud800")
    assert (tmp_path / "file").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_text_that_finds_no_place_leaves_nothing(tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="taken"):
        workdir.write(tmp_path / "taken", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_what_is_written_is_readable_as_any_other_file(tmp_path):
    (tmp_path / "other").write_text("")
    workdir.write(tmp_path / "file", "")
    modes = {stat.S_IMODE(os.stat(path).st_mode) for path in tmp_path.iterdir()}
    assert len(modes) == 1


def test_json_comes_back(tmp_path):
    values = {"accuracy": 0.1 + 0.2, "steps": 3, "names": ["é"]}
    workdir.write_json(tmp_path / "file.json", values)
    assert json.loads((tmp_path / "file.json").read_text()) == values


def test_a_run_describes_its_data(tmp_path):
    data = datasets.load("digits")
    workdir.describe(tmp_path, data)
    assert json.loads((tmp_path / "data.json").read_text()) == {
        "image_shape": [8, 8, 1],
        "class_names": list("0123456789"),
        "sizes": {"train": 1295, "validation": 143, "test": 359},
    }


@pytest.mark.parametrize("weight", [1.0, 0.0])
def test_a_loaded_model_answers_and_dreams_as_the_saved_one(tmp_path, weight):
    options = dataclasses.replace(SMALL, objective=Objective(p_x_weight=weight))
    root, model = kept(tmp_path, options)
    model.network.set_weights([w * 1.5 for w in model.network.get_weights()])
    workdir.checkpoint(model).save(str(root / "checkpoints" / "ckpt"))
    loaded = workdir.load(root)
    images = tf.random.stateless_uniform([5, *SHAPE], [0, 0], -1.0, 1.0)
    np.testing.assert_array_equal(loaded.logits(images), model.logits(images))
    if weight:
        np.testing.assert_array_equal(loaded.buffer.shard, model.buffer.shard)
        np.testing.assert_array_equal(loaded.sample(4, seed=1), model.sample(4, seed=1))
    else:
        assert loaded.buffer is None


def test_a_run_may_be_moved(tmp_path):
    root, model = kept(tmp_path / "old", SMALL)
    root.rename(tmp_path / "new")
    loaded = workdir.load(tmp_path / "new")
    for ours, theirs in zip(
        loaded.network.get_weights(), model.network.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("there", ["nothing", "empty", "broken"])
def test_a_place_that_holds_no_run_cannot_be_loaded(tmp_path, there):
    root = tmp_path / "run"
    if there != "nothing":
        root.mkdir()
    if there == "broken":
        (root / "data.json").write_text("{")
    assert f"{root} holds no run of jem_tf" in refused(workdir.load, root)


def test_a_run_without_checkpoint_cannot_be_loaded(tmp_path):
    root = workdir.claim(tmp_path, SMALL)
    workdir.describe(root, datasets.load("digits"))
    assert f"{root} has no checkpoint yet" in refused(workdir.load, root)


def test_a_run_without_flags_cannot_be_loaded(tmp_path):
    root, _ = kept(tmp_path, SMALL)
    (root / "run.flags").unlink()
    message = refused(workdir.load, root)
    assert re.search(r"run\.flags cannot be read", message)
