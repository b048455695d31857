"""The program, end to end: `flags/smoke.flags`, on real digits."""

import functools
import json
import os
import pathlib
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from absl import flags
from PIL import Image
from tensorboard.backend.event_processing import event_accumulator

import jem_tf
from jem_tf import datasets, networks, train
from jem_tf.errors import InputError
from jem_tf.evaluation import inference
from jem_tf.runs import checkpoint_files, flagfiles, loading, run_folder
from jem_tf.serving import exporting
from jem_tf.training import guard
from tests import processes

pytestmark = pytest.mark.slow

ROOT = pathlib.Path(__file__).resolve().parent.parent
SMOKE = f"--flagfile={ROOT / 'flags' / 'smoke.flags'}"
KEYS = {
    "accuracy",
    "nll",
    "ece",
    "auroc_noise",
    "log_px_test",
    "log_px_noise",
    "seconds",
    "steps",
}


def options(*argv):
    values = flags.FlagValues()
    flagfiles.define(values)
    flagfiles.parse(["train", *argv], values)
    return flagfiles.from_flags(values)


def run(workdir, *more, flagfile=SMOKE):
    return train.run(options(flagfile, f"--workdir={workdir}", *more))


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("run") / "smoke"
    return workdir, run(workdir)


def test_a_run_leaves_what_the_readme_lists(smoke):
    workdir, results = smoke
    assert json.loads((workdir / "results" / "train.json").read_text()) == results
    assert set(results) == KEYS
    assert results["steps"] == 12
    assert all(0 <= results[key] <= 1 for key in ("accuracy", "ece", "auroc_noise"))
    picture = Image.open(workdir / "figures" / "samples.png")
    assert min(picture.size) >= 640
    assert len(set(picture.getdata())) > 50
    assert {place.name for place in workdir.iterdir()} == {
        "run.flags",
        "data.json",
        "checkpoints",
        "tensorboard",
        "results",
        "figures",
    }


def test_run_flags_replay_the_run_exactly(smoke, tmp_path):
    workdir, results = smoke
    again = run(tmp_path / "again", flagfile=f"--flagfile={workdir / 'run.flags'}")
    assert again | {"seconds": 0} == results | {"seconds": 0}
    places = workdir, tmp_path / "again"
    first, second = (jem_tf.load(place).model for place in places)
    np.testing.assert_array_equal(first.buffer.shard_0, second.buffer.shard_0)
    for one, two in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def check_initial_score(folder, initial):
    """`is_ood` may go by log p(x) of the classifier, in the run and in its export."""
    model = jem_tf.load(folder)
    network = keras.models.clone_model(model.model.network)
    network.set_weights(initial)
    images = np.random.default_rng(0).integers(0, 256, [3, 8, 8, 1], "uint8")
    expected = tf.reduce_logsumexp(network(images / np.float32(127.5) - 1), axis=1)
    scores = model.ood_score(images, ["initial_log_px", "log_px"])
    np.testing.assert_allclose(scores["initial_log_px"], expected, atol=1e-4)
    assert np.abs(scores["log_px"] - expected).max() > 1e-3
    data = loading.read_data(model.run)  # so little trained, auto may pass it over
    exported = exporting.export_run(model.run, data, ood_score="initial_log_px")
    served = tf.saved_model.load(str(exported)).signatures["classify"]
    answer = served(tf.constant(images))
    np.testing.assert_allclose(answer["ood_score"], expected, atol=1e-4)
    np.testing.assert_allclose(answer["log_density"], scores["log_px"], atol=1e-4)
    assert "`initial_log_px`" in (exported / "README.md").read_text()


def test_a_run_starts_from_a_classifier_and_then_needs_it_no_more(tmp_path):
    start, own = tmp_path / "classifier", tmp_path / "run"
    run(start, "--steps=4", "--norm=batch", "--p_x_weight=0", "--schedule=one_cycle")
    folded = networks.fold_batch_norm(jem_tf.load(start).model.network).get_weights()
    fast = ("--steps=2", "--learning_rate=0.01", "--warmup_steps=0")
    begun = (*fast, f"--init={start}")
    results = run(own, *begun)
    with np.load(own / "initial_weights.npz") as file:
        initial = [file[name] for name in file.files]
    for ours, theirs in zip(initial[:-1], folded[:-1], strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)
    assert np.ptp(initial[-1] - folded[-1]) < 1e-5 < abs(initial[-1] - folded[-1]).min()
    end = jem_tf.load(own).model.get_weights()
    check_initial_score(own, initial)
    run(tmp_path / "heir", *fast, f"--init={own}")
    check_initial_score(tmp_path / "heir", initial)

    shutil.rmtree(start)
    assert run(own, *begun) | {"seconds": 0} == results | {"seconds": 0}
    shutil.rmtree(own / "checkpoints")  # as if killed before the first one
    assert run(own, *begun) | {"seconds": 0} == results | {"seconds": 0}
    for old, new in zip(end, jem_tf.load(own).model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    with pytest.raises(InputError, match=f"holds another run .init={start}"):
        run(own, "--steps=2")


def test_a_run_that_diverged_unguarded_says_so_and_is_not_used(tmp_path):
    with pytest.raises(InputError, match="logits are not finite: training diverged"):
        run(tmp_path / "run", "--noguard", "--learning_rate=1e30", "--gradient_clip=0")
    with pytest.raises(
        InputError, match=r"diverged: at step 12 a weight is not finite"
    ):
        jem_tf.load(tmp_path / "run")


def test_a_start_that_does_not_fit_leaves_no_folder(tmp_path, smoke):
    with pytest.raises(InputError, match=r"has conv_0 .* where network=convnet-16"):
        run(tmp_path / "run", f"--init={smoke[0]}", "--network=convnet-16")
    assert not (tmp_path / "run").exists()


def test_another_seed_is_another_run(smoke, trained, tmp_path):
    other = processes.results(trained(tmp_path / "other", "--seed=1"))
    assert other["log_px_test"] != smoke[1]["log_px_test"]


def test_load_brings_the_trained_model_back(smoke):
    workdir, results = smoke
    model = jem_tf.load(workdir).model
    test = jem_tf.datasets.load("digits").test
    logits = inference.logits(model, test.images)
    assert np.mean(logits.argmax(1) == test.labels) == results["accuracy"]
    assert model.sample(5).shape == (5, 8, 8, 1)


def test_tensorboard_has_the_scalars_of_every_epoch(smoke):
    tags = set()
    for path in (smoke[0] / "tensorboard").glob("events*"):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            tags |= {value.tag for value in event.summary.value}
    assert tags >= {
        "training/loss",
        "training/cross_entropy",
        "training/accuracy",
        "training/learning_rate",
        "training/images_per_second",
        "every_step/gradient_norm",
        "validation/val_accuracy",
        "energies/energy_real",
        "energies/energy_drawn",
        "energies/energy_gap",
        "chains/chain_age_mean",
        "chains/chain_age_max",
        "chains/reinitialised",
        "chains/saturation",
        "chains/classes",
        "samples",
    }


@pytest.mark.parametrize(
    "more",
    [
        ["--p_x_weight=0"],
        ["--p_x_weight=0", "--p_x_y_weight=1", "--p_y_given_x_weight=0"],
        ["--conditional", "--start=uniform"],
        ["--labels_per_class=5", "--p_x_batch_size=16", "--optimizer=sgd"],
        ["--p_x_images=same", "--precision=mixed_bfloat16", "--schedule=constant"],
    ],
    ids=lambda more: more[0],
)
def test_every_kind_of_run_trains_and_comes_back(more, tmp_path):
    results = run(tmp_path / "run", "--steps=3", *more)
    model = jem_tf.load(tmp_path / "run").model
    assert np.isfinite(list(results.values())).all()
    assert (model.buffer is None) == (more == ["--p_x_weight=0"])


class Poison(keras.callbacks.Callback):
    """Notes the weights after each step; makes the first attempt's NaN."""

    def __init__(self, weights, step):
        super().__init__()
        self.weights, self.step = weights, step

    def on_train_batch_end(self, batch, logs=None):
        values = [weight.numpy() for weight in self.model.trainable_weights]
        self.weights[batch] = values  # of the attempt that counts, at last
        if not self.model.seed and batch + 1 == self.step:
            for weight in self.model.trainable_weights:
                weight.assign(weight * float("nan"))


def test_all_that_comes_after_training_has_the_average_of_the_steps_that_count(
    tmp_path, monkeypatch
):
    """After a way back to step 4, with sharpness-aware steps."""
    shown, weights = train._callbacks, {}
    poison = functools.partial(Poison, weights, 6)
    monkeypatch.setattr(train, "_callbacks", lambda *args: [*shown(*args), poison()])
    flags = "--ema=0.7 --sam_rho=0.5 --learning_rate=0.01 --steps=8 --export".split()
    flags.append("--checkpoint_every=4")
    results = run(tmp_path / "run", *flags)
    [event] = json.loads((tmp_path / "run/results/guard.json").read_text())["events"]
    assert (event["step"], event["back_to"]) == (7, 4)
    expected = weights[0]
    for t in range(1, 8):
        m = min(0.7, (1 + t) / (10 + t))
        pairs = zip(expected, weights[t], strict=True)
        expected = [m * average + (1 - m) * weight for average, weight in pairs]

    loaded = jem_tf.load(tmp_path / "run")
    for weight, average in zip(loaded.model.trainable_weights, expected, strict=True):
        np.testing.assert_allclose(weight, average, rtol=1e-4, atol=1e-6)
    distance = [
        np.abs(weight - last).max()
        for weight, last in zip(loaded.model.trainable_weights, weights[7], strict=True)
    ]
    assert max(distance) > 1e-3
    data = datasets.load("digits")
    logits = inference.logits(loaded.model, data.test.images)
    accuracy = np.mean(logits.argmax(1) == data.test.labels)
    assert results["accuracy"] == pytest.approx(accuracy)
    place = checkpoint_files.find_whole(tmp_path / "run" / "checkpoints")
    logits = inference.logits(loaded.model, data.validation.images)
    accuracy = np.mean(logits.argmax(1) == data.validation.labels)
    assert checkpoint_files.read_state(place).val_accuracy == pytest.approx(accuracy)
    served = tf.saved_model.load(tmp_path / "run" / "export" / "1").signatures
    images = tf.constant(data.test.images[:3])
    np.testing.assert_allclose(
        served["classify"](images=images)["logits"],
        loaded.model.logits(images),
        atol=1e-4,
    )
    again = run(tmp_path / "run", *flags)  # nothing is left to do
    assert again | {"seconds": 0} == results | {"seconds": 0}


def test_the_program_trains_on_two_replicas_and_says_only_its_own_lines(tmp_path):
    command = [
        sys.executable, "-m", "jem_tf.train", SMOKE, f"--workdir={tmp_path / 'run'}",
        "--strategy=mirrored", "--logical_cpus=2", "--gradient_clip=1",
    ]  # fmt: skip
    user = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=user)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("digits: 1295 images to train on")
    assert lines[4].startswith("epoch 1/1  acc")
    assert any(line.strip().startswith("AUROC of log p(x)") for line in lines)
    place = checkpoint_files.find_whole(tmp_path / "run" / "checkpoints")
    shards = tf.train.list_variables(str(place / "shards-0"))
    assert sum("buffer/shard_" in name for name, _ in shards) == 2
    assert jem_tf.load(tmp_path / "run").model.buffer.num_shards == 2


def test_a_run_ends_with_an_export_unless_it_has_one(smoke, tmp_path):
    shutil.copytree(smoke[0], tmp_path, dirs_exist_ok=True)  # trained with --noexport
    assert not [*tmp_path.glob("export/*")]
    for _ in range(2):
        run(tmp_path, "--export")
        assert [path.name for path in tmp_path.glob("export/*")] == ["1"]
    signatures = tf.saved_model.load(tmp_path / "export" / "1").signatures
    assert "serving_default" in signatures


def test_a_drift_is_said_in_the_log_in_guard_json_and_in_tensorboard(tmp_path, capsys):
    folder = run_folder.RunFolder(tmp_path / "run")
    folder.guard_file.parent.mkdir(parents=True)
    watch = guard.Guard(options(SMOKE).fault_tolerance, folder.guard_file, images=32)
    watch.on_drift = functools.partial(train._warn, folder, watch)
    for step in range(1, 400):
        watch.watch(step, {"energy_gap": 6.0, "energy_real": 0.0})
    (line,) = capsys.readouterr().out.splitlines()
    assert "warning: at step 300 the sampler falls behind" in line
    (noted,) = json.loads(folder.guard_file.read_text())["warnings"]
    assert noted["step"] == 300
    assert noted["seen"] in line
    events = event_accumulator.EventAccumulator(str(folder.tensorboard), {"tensors": 0})
    assert [event.step for event in events.Reload().Tensors("guard/drift")] == [300]


def test_a_warning_that_cannot_be_noted_ends_no_run(tmp_path, capsys):
    folder = run_folder.RunFolder(tmp_path / "run")
    folder.guard_file.mkdir(parents=True)  # in the way
    watch = guard.Guard(options(SMOKE).fault_tolerance, tmp_path / "none.json")
    watch.path = folder.guard_file
    train._warn(folder, watch, {"step": 7, "seen": "a gap", "retries": 0})
    assert "the warning is in no file" in capsys.readouterr().out
