"""What the runner trained goes on in TensorFlow as if it had been trained there."""

import json

import numpy as np
import pytest

from jem_tf import networks, options, train
from jem_tf.errors import InputError
from jem_tf.lowering import checkpoint_import, lowered_run
from jem_tf.options import FaultTolerance
from jem_tf.runs import checkpoint_files, loading
from jem_tf.training import guard, preparation
from jem_tf.training.loop import Plan
from tests.lowering import lowered

pytestmark = pytest.mark.slow
CHANGES = {"steps": 6, "checkpoint_every": 3}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A lowered classifier of which JAX took 4 of 6 steps."""
    place = tmp_path_factory.mktemp("lowered")
    lowered.lower(place, lowered.CLASSIFIER, **CHANGES)
    lowered.run(place, "--steps=4")
    return place


def opts(path, **changes):
    return lowered.opts(path, lowered.CLASSIFIER, **CHANGES | changes)


def rewritten(place, path, change):
    """A copy of the checkpoint with its manifest and its arrays changed."""
    with np.load(place / "lowered" / "ckpt.npz") as file:
        arrays = dict(file)
    manifest = json.loads(str(arrays["manifest"]))
    change(manifest, arrays)
    np.savez(path, **(arrays | {"manifest": json.dumps(manifest)}))
    return path


def refuse(manifest, arrays):
    arrays["network/000"] = arrays["network/000"][..., :1]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m, _: m["options"].update(seed=5), "is of a run with seed=5"),
        (lambda m, _: m.update(steps=7), "is of a run with steps=7"),
        (lambda m, _: m.update(data="0"), "was trained on other images or labels"),
        (lambda m, _: m.update(format=99), "has format 99"),
        (lambda _, a: a.update({"network/99": a["step"]}), "has network/99, which is"),
        (refuse, "has network/000 as float32"),
        (lambda _, a: a["readings"].fill(np.nan), "has a run that diverged"),
        (lambda _, a: a.pop("readings"), "has format 1, and"),
    ],
)
def test_what_is_not_of_the_run_is_refused_and_nothing_saved(
    place, tmp_path, change, words
):
    path = rewritten(place, tmp_path / "other.npz", change)
    with pytest.raises(InputError, match=words):
        checkpoint_import.import_checkpoint(opts(place / "run"), path)
    assert checkpoint_files.list_steps(place / "run" / "checkpoints") == []


def test_the_drift_detector_goes_on_over_lowered_steps(tmp_path):
    rng, plan = np.random.default_rng(0), Plan(900, 100)
    rows = [
        {"energy_gap": float(gap), "energy_real": float(real)}
        for gap, real in rng.normal([3.0, 0.0], 0.3, [900, 2])
    ]

    def after(manifest, rows):
        watch = guard.Guard(FaultTolerance(), tmp_path / "guard.json", images=64)
        state = checkpoint_import._state_after(manifest, rows, plan, watch, "it")
        return state, watch.warnings

    start = {"step": 0, "sums": {}, "count": 0, "streak": 0}  # as before the detector
    whole, warnings = after(start, rows)
    half, early = after(start, rows[:450])
    names = "step", "sums", "count", "streak", "drift"
    manifest = json.loads(json.dumps({name: getattr(half, name) for name in names}))
    again, late = after(manifest, rows[450:])
    assert (again, early + late) == (whole, warnings)
    assert whole.drift["steps"] == 900
    assert [warning["step"] for warning in warnings] == [300]


def test_a_file_that_is_no_checkpoint_is_refused(place):
    with pytest.raises(InputError, match="is no checkpoint of a lowered run"):
        checkpoint_import.import_checkpoint(
            opts(place / "run"), place / "lowered" / "state.npz"
        )


def test_a_damaged_file_is_refused_in_a_sentence(place, tmp_path):
    content = (place / "lowered" / "ckpt.npz").read_bytes()
    for part in (b"", content[: len(content) // 2], b"no archive"):
        (tmp_path / "c.npz").write_bytes(part)
        with pytest.raises(InputError, match="is no checkpoint of a lowered run"):
            checkpoint_import.import_checkpoint(opts(place / "run"), tmp_path / "c.npz")


def test_the_run_goes_on_and_ends_as_one_that_tensorflow_trained(place, tmp_path):
    ckpt = place / "lowered" / "ckpt.npz"
    state = checkpoint_import.import_checkpoint(opts(place / "run"), ckpt)
    assert (state.step, state.count, state.good) == (4, 4, True)
    with np.load(ckpt) as file:
        total = file["readings"][:, 0].sum()
    np.testing.assert_allclose(state.sums["cross_entropy"], total, rtol=1e-5)
    with pytest.raises(InputError, match="is at step 4; lower the run again"):
        checkpoint_import.import_checkpoint(opts(place / "run"), ckpt)
    results = train.run(opts(place / "run"))
    whole = train.run(opts(tmp_path / "run"))
    np.testing.assert_allclose(results["nll"], whole["nll"], rtol=1e-4)
    one, two = (
        loading.read_run(path / "run").model.network.get_weights()
        for path in (place, tmp_path)
    )
    for ours, theirs in zip(one, two, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-5)
    with pytest.raises(InputError, match="has taken all its 6 steps already"):
        lowered_run.lower_run(opts(place / "run"), tmp_path / "lowered")


def test_what_no_step_changes_is_what_init_gave(tmp_path):
    """Statistics of frozen batch normalisation are not in the runner's checkpoint."""
    style = {"norm": "batch", "activation": "leaky_relu", "seed": 3}
    source = networks.build("convnet-8", (8, 8, 1), 10, **style)
    for weight in source.weights:
        weight.assign(weight.numpy() + 0.5 * weight.name.startswith("moving"))
    source.save(tmp_path / "source.keras")
    init = str(tmp_path / "source.keras")
    # Averages would be those of a step that was taken.
    run = opts(tmp_path / "run", norm="frozen_batch", init=init, ema=0.0)
    ckpt = checkpoint_of_one_step(run, tmp_path / "ckpt.npz")
    checkpoint_import.import_checkpoint(run, ckpt)
    network = loading.read_run(tmp_path / "run").model.network
    assert sum(weight.name == "moving_mean" for weight in network.weights) == 6
    for ours, theirs in zip(network.weights, source.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs, err_msg=ours.path)


def checkpoint_of_one_step(run, path):
    """What the runner would write after the first step if it changed no variable."""
    prepared = preparation.prepare(run)
    with preparation.claimed_folder(prepared):
        pass  # the run has begun
    manifest = {
        "format": lowered_run.FORMAT,
        "options": options.defining_options(run),
        "data": prepared.description.digests["train"],
        "steps": prepared.plan.steps,
        "readings": ["loss"],
        **{"step": 0, "sums": {}, "count": 0, "streak": 0, "seconds": 0.0},
    }
    about = {"readings": np.ones([1, 1], "float32"), "seconds": 1.0, "step": 1}
    np.savez(path, manifest=json.dumps(manifest), **about)
    return path
