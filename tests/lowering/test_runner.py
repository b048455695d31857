"""Steps of the runner in JAX against those of TensorFlow."""

import ast
import inspect
import shutil
import subprocess
import sys

import numpy as np
import pytest

from tests.lowering import lowered

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A lowered run with every feature, and the checkpoint of its 8 steps."""
    place = tmp_path_factory.mktemp("lowered")
    lowered.lower(place)
    return place, lowered.run(place)


def assert_same_training(checkpoint, readings, values, manifest):
    np.testing.assert_allclose(checkpoint["readings"], readings, rtol=1e-4, atol=1e-5)
    updated = {a["name"] for a in manifest["arguments"] if a["result"] is not None}
    assert updated == set(checkpoint) - {"readings", "seconds", "manifest"}
    for name in updated - {"step"}:
        np.testing.assert_allclose(
            checkpoint[name], values[name], rtol=1e-3, atol=1e-5, err_msg=name
        )


def test_jax_learns_what_tensorflows_graph_learns(trained):
    place, checkpoint = trained
    readings, values = lowered.steps_in_tensorflow(lowered.opts(place / "run"))
    assert_same_training(checkpoint, readings, values, lowered.manifest(place))
    assert checkpoint["step"] == 8


def test_graph_xla_and_jax_learn_a_classifiers_moving_statistics_alike(tmp_path):
    lowered.lower(tmp_path, lowered.CLASSIFIER)
    opts = lowered.opts(tmp_path / "run", lowered.CLASSIFIER)
    readings, values = lowered.steps_in_tensorflow(opts)
    compiled, _ = lowered.steps_in_tensorflow(opts, jit_compile=True)
    np.testing.assert_allclose(compiled, readings, rtol=1e-4, atol=1e-5)
    checkpoint = lowered.run(tmp_path)
    assert_same_training(checkpoint, readings, values, lowered.manifest(tmp_path))


def test_a_run_that_was_stopped_goes_on_bit_for_bit(trained, tmp_path):
    place, whole = trained
    shutil.copytree(place / "lowered", tmp_path / "lowered")
    (tmp_path / "lowered" / "ckpt.npz").unlink()
    first = lowered.run(tmp_path, "--steps=4", "--checkpoint_every=2")
    assert len(first["readings"]) == 4
    resumed = lowered.run(tmp_path)
    for name in set(whole) - {"seconds", "manifest"}:
        np.testing.assert_array_equal(resumed[name], whole[name], err_msg=name)
    table = np.loadtxt(tmp_path / "lowered" / "ckpt.csv", delimiter=",", skiprows=1)
    np.testing.assert_allclose(table, whole["readings"], rtol=1e-6)


def test_a_reading_that_is_no_number_stops_it_in_a_sentence(trained, tmp_path):
    place, _ = trained
    shutil.copytree(place / "lowered", tmp_path / "lowered")
    (tmp_path / "lowered" / "ckpt.npz").unlink()
    with np.load(place / "lowered" / "state.npz") as file:
        state = dict(file)
    state["network/000"] = np.full_like(state["network/000"], np.nan)
    np.savez(tmp_path / "lowered" / "state.npz", **state)
    with pytest.raises(SystemExit, match="is nan at step 1; training diverged"):
        lowered.run(tmp_path)
    assert not (tmp_path / "lowered" / "ckpt.npz").exists()


def test_other_data_and_another_runs_checkpoint_are_refused(trained, tmp_path):
    place, whole = trained
    shutil.copytree(place / "lowered", tmp_path / "lowered")
    np.savez(tmp_path / "lowered" / "ckpt.npz", **(whole | {"manifest": "{}"}))
    with pytest.raises(SystemExit, match="is of another lowered run"):
        lowered.run(tmp_path)
    with np.load(place / "lowered" / "data.npz") as file:
        np.savez(tmp_path / "d.npz", images=file["images"], labels=file["labels"][::-1])
    with pytest.raises(SystemExit, match="has other images or labels"):
        lowered.run(tmp_path, f"--data={tmp_path / 'd.npz'}")


@pytest.mark.parametrize("flag", ["--steps=1000", "--checkpoint_every=0"])
def test_steps_beyond_the_run_and_no_steps_are_refused(trained, flag):
    place, _ = trained
    with pytest.raises(SystemExit, match=r"run\.py: --checkpoint_every < 1, or"):
        lowered.run(place, flag)


def test_the_state_is_updated_in_place(trained):
    place, checkpoint = trained
    runner = lowered.jax_runner()
    text = (place / "lowered" / "step.stablehlo").read_text()
    program = runner.compile_program(text, runner.jax.devices()[0])
    memory = program.get_compiled_memory_stats()
    names = set(checkpoint) - {"readings", "seconds", "manifest"}
    assert memory.alias_size_in_bytes == sum(checkpoint[n].nbytes for n in names)
    readings = 3 * checkpoint["readings"].shape[1] * 4
    assert memory.output_size_in_bytes - memory.alias_size_in_bytes < readings + 1000


def test_the_copy_runs_as_a_program_without_jem_tf(trained, tmp_path):
    place, _ = trained
    command = [sys.executable, "-I", str(place / "lowered" / "run.py")]
    done = subprocess.run(
        [*command, str(place / "lowered"), "--benchmark=4"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=True,
    )
    assert "4 steps taken" in done.stdout


def test_it_imports_numpy_and_jax_alone_and_is_short():
    source = inspect.getsource(lowered.jax_runner())
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module.split(".")[0])
    assert names - set(sys.stdlib_module_names) == {"jax", "jaxlib", "numpy"}
    assert len(source.splitlines()) <= 150
