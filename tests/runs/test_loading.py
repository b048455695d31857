import dataclasses
import json
import re
import shutil

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from jem_tf import datasets
from jem_tf.errors import InputError
from jem_tf.options import Data, Objective
from jem_tf.runs import loading, run_folder
from jem_tf.runs.run_folder import DataDescription, RunFolder
from tests import processes
from tests.datasets.test_tfds_sets import pictures, store
from tests.runs.test_run_folder import (
    SHAPE,
    SMALL,
    claimed,
    describe,
    kept,
    made,
    refused,
    save,
)


@pytest.mark.parametrize("weight", [1.0, 0.0])
def test_a_loaded_model_answers_and_dreams_as_the_saved_one(tmp_path, weight):
    options = dataclasses.replace(SMALL, objective=Objective(p_x_weight=weight))
    root, model = kept(tmp_path, options)
    model.network.set_weights([w * 1.5 for w in model.network.get_weights()])
    save(root, model, 6)
    loaded = loading.read_run(root).model
    images = tf.random.stateless_uniform([5, *SHAPE], [0, 0], -1.0, 1.0)
    np.testing.assert_array_equal(loaded.logits(images), model.logits(images))
    if weight:
        np.testing.assert_array_equal(loaded.buffer.shard, model.buffer.shard)
        np.testing.assert_array_equal(loaded.buffer.ages, model.buffer.ages)
        np.testing.assert_array_equal(loaded.sample(4, seed=1), model.sample(4, seed=1))
    else:
        assert loaded.buffer is None


def test_a_precision_that_is_none_is_refused(tmp_path):
    root, _ = kept(tmp_path, SMALL)
    with pytest.raises(InputError, match=r"^precision=bf16 is not known"):
        loading.read_run(root, precision="bf16")


def test_load_takes_the_newest_or_the_best_on_validation(tmp_path):
    root, model = kept(tmp_path, SMALL)
    for step, accuracy in ((6, 0.9), (7, 0.8), (8, None)):
        model.network.set_weights([w * 0 + step for w in model.network.get_weights()])
        save(root, model, step, accuracy)
    for best, step in ((True, 6), (False, 8)):
        for weight in loading.read_run(root, best=best).model.network.get_weights():
            np.testing.assert_array_equal(weight, np.full_like(weight, step))


def test_a_run_that_diverged_is_refused_and_best_is_told_to_who_did_not_ask(tmp_path):
    root, model = kept(tmp_path, SMALL)
    model.network.set_weights([w * np.nan for w in model.network.get_weights()])
    save(root, model, 6, 0.9)
    says = f"{root} diverged: at step 6 a weight is not finite; "
    for best, remedy in (
        (False, "give an earlier checkpoint by best=True, or train it anew."),
        (True, "train it anew."),
    ):
        with pytest.raises(InputError, match=f"{re.escape(says + remedy)}$"):
            loading.read_run(root, best=best)


def test_load_passes_over_a_damaged_checkpoint_and_leaves_it(tmp_path):
    root, model = kept(tmp_path, SMALL)
    save(root, made(SMALL), 6)
    (damaged,) = (root / "checkpoints" / "step-0000006").glob("model.data*")
    damaged.write_bytes(damaged.read_bytes()[:-1])
    for best in (False, True):
        loaded = loading.read_run(root, best=best).model
        for weight, expected in zip(
            loaded.network.get_weights(), model.network.get_weights(), strict=True
        ):
            np.testing.assert_array_equal(weight, expected)
    assert damaged.exists()


def test_a_run_may_be_moved(tmp_path):
    root, model = kept(tmp_path / "old", SMALL)
    root.rename(tmp_path / "new")
    loaded = loading.read_run(tmp_path / "new").model
    for weight, expected in zip(
        loaded.network.get_weights(), model.network.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(weight, expected)


@pytest.mark.parametrize("there", ["nothing", "empty", "{", "[]", "{}", '{"sizes":{}}'])
def test_a_place_that_holds_no_run_cannot_be_loaded(tmp_path, there):
    root = tmp_path / "run"
    if there != "nothing":
        root.mkdir()
    if there not in ("nothing", "empty"):
        (root / "data.json").write_text(there)
    assert f"{root} holds no run of jem_tf" in refused(loading.read_run, root)


def test_a_run_without_checkpoint_cannot_be_loaded(tmp_path):
    root = claimed(tmp_path, SMALL)
    describe(root)
    assert f"{root} has no checkpoint yet" in refused(loading.read_run, root)


def test_a_run_without_flags_cannot_be_loaded(tmp_path):
    root, _ = kept(tmp_path, SMALL)
    (root / "run.flags").unlink()
    message = refused(loading.read_run, root)
    assert re.search(r"run\.flags cannot be read", message)


def test_what_is_read_is_the_run_with_its_options_names_and_step(tmp_path):
    root, _ = kept(tmp_path, SMALL)
    run = loading.read_run(str(root))
    assert (run.folder.root, run.step) == (root, 5)
    assert run.options == SMALL
    assert run.class_names == tuple("0123456789")


def test_another_precision_computes_with_the_same_weights(tmp_path):
    root, model = kept(tmp_path, SMALL)
    images = tf.random.stateless_uniform([5, *SHAPE], [0, 0], -1.0, 1.0)
    logits = []
    for precision in ("mixed_bfloat16", "float32"):
        run = loading.read_run(root, precision=precision)
        assert run.options.training.precision == precision
        for weight, expected in zip(
            run.model.network.get_weights(), model.network.get_weights(), strict=True
        ):
            np.testing.assert_array_equal(weight, expected)
        logits.append(run.model.logits(images))
    rounded, exact = logits
    assert 0 < np.abs(rounded - exact).max() < 0.05


def test_other_images_than_a_run_was_trained_on_are_refused(trained, tmp_path):
    """Or images that it has learnt pass for those it was kept from."""
    trained(tmp_path)
    run = loading.read_run(tmp_path)
    assert loading.read_data(run).class_names == run.class_names
    description = json.loads((tmp_path / "data.json").read_text())
    for sizes in ({"train": 1296}, {"validation": 142}, {"test": 0}):
        changed = description | {"sizes": description["sizes"] | sizes}
        (tmp_path / "data.json").write_text(json.dumps(changed))
        with pytest.raises(InputError, match=r"was trained on other images .*data_dir"):
            loading.read_data(run)
    (tmp_path / "results" / "import.json").write_text("{}")  # nothing is known of it
    loading.read_data(run)


@pytest.fixture(scope="module")
def birds(tmp_path_factory):
    """(run, folder of its pictures), both below one place; the run took 3 steps."""
    place = tmp_path_factory.mktemp("birds")
    for label, name in enumerate(("finch", "robin")):
        (place / "pictures" / name).mkdir(parents=True)
        for i in range(40):
            picture = Image.new("RGB", (8, 8), (label, i, 7))
            picture.save(place / "pictures" / name / f"{i:02}.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        processes.run_here("run", *BIRDS)
    return place / "run", place / "pictures"


BIRDS = ("--dataset=folder:pictures", "--image_size=8", "--steps=3", "--noexport")


@pytest.fixture
def copied(birds, tmp_path, monkeypatch):
    """The same in a place of the test's own, which is the working folder."""
    for folder in birds:
        shutil.copytree(folder, tmp_path / folder.name)
    description = json.loads((tmp_path / "run" / "data.json").read_text())
    description["place"] = str(tmp_path / "pictures")
    (tmp_path / "run" / "data.json").write_text(json.dumps(description))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "run", tmp_path / "pictures"


def test_a_run_remembers_where_its_pictures_lay_and_what_they_were(birds):
    run, folder = birds
    description = RunFolder(run).read_description()
    assert description.place == str(folder)
    assert description == run_folder.describe(
        datasets.load(f"folder:{folder}", image_size=8), str(folder)
    )
    assert "--dataset=folder:pictures\n" in (run / "run.flags").read_text()


def test_pictures_that_changed_behind_a_run_are_told(copied):
    """Renamed, so that as many are there, and test images would be trained on."""
    run, folder = copied
    for i in range(20):
        one, other = (folder / "finch" / f"{n:02}.png" for n in (i, 39 - i))
        one.rename(folder / "third")
        other.rename(one)
        (folder / "third").rename(other)
    trained = loading.read_run(run)
    message = refused(loading.read_data, trained)
    assert "other images or labels to train, validation, test" in message
    assert f"which lay in {folder}, by data_dir=PLACE" in message
    flags = (run / "run.flags").read_text()
    with pytest.raises(InputError, match="holds a run on other data"):
        processes.run_here("run", *BIRDS, "--checkpoint_every=7")
    assert (run / "run.flags").read_text() == flags


def test_pictures_of_a_run_of_before_are_not_checked(copied):
    run, folder = copied
    description = json.loads((run / "data.json").read_text())
    for name in ("digests", "place", "flip"):
        del description[name]
    (run / "data.json").write_text(json.dumps(description))
    (folder / "finch" / "00.png").write_bytes(
        (folder / "finch" / "39.png").read_bytes()
    )
    assert loading.read_data(loading.read_run(run)).class_names == ("finch", "robin")
    processes.run_here("run", *BIRDS, "--checkpoint_every=7")  # it goes on


def test_a_run_finds_its_pictures_from_another_folder(copied, tmp_path, monkeypatch):
    run, _ = copied
    expected = loading.read_data(loading.read_run(run))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    data = loading.read_data(loading.read_run(run))
    np.testing.assert_array_equal(data.test.images, expected.test.images)
    processes.run_here(run, *BIRDS, "--checkpoint_every=7")  # it goes on
    assert not list((tmp_path / "elsewhere").iterdir())


def test_data_dir_tells_where_moved_pictures_are(copied, tmp_path, monkeypatch):
    run, folder = copied
    expected = loading.read_data(loading.read_run(run))
    folder.rename(tmp_path / "moved")
    message = refused(loading.read_data, loading.read_run(run))
    assert f"on the data in {folder}, which is not there any more" in message
    assert "by data_dir=PLACE" in message
    with pytest.raises(InputError) as resumed:
        processes.run_here("run", *BIRDS, "--checkpoint_every=7")
    assert str(resumed.value) == message
    assert "by --data_dir=PLACE" in resumed.value.with_flags()
    data = loading.read_data(loading.read_run(run), "moved")
    np.testing.assert_array_equal(data.test.images, expected.test.images)
    shutil.copytree(tmp_path / "moved", tmp_path / "other")
    (tmp_path / "other" / "finch").rename(tmp_path / "other" / "third")
    (tmp_path / "other" / "robin").rename(tmp_path / "other" / "finch")
    (tmp_path / "other" / "third").rename(tmp_path / "other" / "robin")
    message = refused(loading.read_data, loading.read_run(run), "other")
    assert "other images or labels to" in message
    processes.run_here("run", *BIRDS, "--data_dir=moved")
    assert RunFolder(run).read_description().place == str(tmp_path / "moved")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    loading.read_data(loading.read_run(run))


@pytest.mark.parametrize(
    ("dataset", "flip", "mirrored"),
    [
        ("digits", "auto", False),
        ("digits", "true", True),
        ("folder:pictures", "auto", True),
        ("folder:pictures", "false", False),
    ],
)
def test_the_flag_is_above_what_the_name_says(
    birds, monkeypatch, dataset, flip, mirrored
):
    monkeypatch.chdir(birds[1].parent)
    options = Data(dataset=dataset, flip=flip, image_size=8)
    assert loading.load_data(options).flip == mirrored


def test_a_run_that_goes_on_is_mirrored_as_it_was_begun(tmp_path):
    shape = (28, 28, 1)
    written = {"train": pictures(20, shape), "test": pictures(5, shape)}
    place = store(tmp_path, "mnist", "3.0.1", written, shape=shape, names="0123456789")
    options = Data(dataset="mnist:3.0.1")
    before = DataDescription(shape, tuple("0123456789"), {})
    for flip, mirrored in ((None, True), (True, True), (False, False)):
        data = loading.load_data(options, before._replace(flip=flip), place)
        assert data.flip == mirrored  # of before: by the exact spelling
    assert not loading.load_data(options, data_dir=place).flip


def test_a_run_keeps_the_order_of_classes_that_it_was_begun_with(tmp_path):
    """Before, "10" came before "2". A run of then goes on, and others are as now."""
    for y in range(11):
        (tmp_path / "pictures" / str(y)).mkdir(parents=True)
        for i in range(4):
            picture = Image.new("RGB", (8, 8), (y, i, 7))
            picture.save(tmp_path / "pictures" / str(y) / f"{i}.png")
    options = Data(dataset=f"folder:{tmp_path / 'pictures'}", image_size=8)
    as_text = tuple(sorted(map(str, range(11))))
    old = DataDescription((8, 8, 3), as_text, {"train": 33, "validation": 3, "test": 8})
    run = RunFolder(tmp_path / "run")
    run.root.mkdir()
    run.data_file.write_text(json.dumps({"format": 1} | old._asdict()))
    data = loading.load_data(options, run.read_description())
    run.check_data(run_folder.describe(data))  # training goes on
    assert data.class_names == as_text
    for images, labels in (data.train, data.validation, data.test):
        named = [int(as_text[y]) for y in labels]
        assert named == [int(image[0, 0, 0]) for image in images]
    assert loading.load_data(options).class_names == tuple(map(str, range(11)))
