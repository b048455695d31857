import dataclasses
import json
import re

import numpy as np
import pytest
import tensorflow as tf

from jem_tf.errors import InputError
from jem_tf.options import Objective
from jem_tf.runs import loading
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


def test_load_takes_the_newest_or_the_best_on_validation(tmp_path):
    root, model = kept(tmp_path, SMALL)
    for step, accuracy in ((6, 0.9), (7, 0.8), (8, None)):
        model.network.set_weights([w * 0 + step for w in model.network.get_weights()])
        save(root, model, step, accuracy)
    for best, step in ((True, 6), (False, 8)):
        for weight in loading.read_run(root, best=best).model.network.get_weights():
            np.testing.assert_array_equal(weight, np.full_like(weight, step))


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
