"""The tool, end to end: from a file of PyTorch's to what other tools say of the run."""

import json

import numpy as np
import pytest

from jem_tf.evaluation import findings
from jem_tf.runs import loading
from tests.processes import ROOT, forked, tool_here
from tests.pytorch import authors, twin

TOOLS = ROOT / "tools"
TOOL = TOOLS / "import_pytorch.py"


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """A run of two classes, and what the tool said."""
    place = tmp_path_factory.mktemp("import")
    authors.pictures(place / "pictures", 50)
    found = twin.checkpoint(authors.state(classes=2), authors.images(100))
    file = twin.save(place / "a.pt", found, zipped=False)
    more = f"--dataset=folder:{place / 'pictures'}"
    return place / "run", tool_here(TOOL, file, f"--workdir={place / 'run'}", more)


def test_it_says_what_it_brought_in(imported):
    root, (code, out, err) = imported
    assert (code, err) == (0, "")
    network, buffer, mind = out.splitlines()
    assert network.startswith(f"{root}: wrn-10-1, 77,186 parameters, 2 classes of ")
    assert buffer == "replay buffer: its 100 images"
    assert mind.startswith("mind: jem_tf holds out other images for validation")


def test_results_say_that_its_validation_images_were_seen(imported):
    protocol = findings.describe_run(loading.read_run(imported[0]))
    assert protocol["validation_images_were"].startswith("trained on, most of them")


def test_the_buffer_is_the_same_images(imported):
    shard = loading.read_run(imported[0]).model.buffer.all_images()
    np.testing.assert_array_equal(shard.transpose(0, 3, 1, 2), authors.images(100))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tool", "few", "results"),
    [
        ("evaluate_calibration", ["--limit=5"], "calibration"),
        ("evaluate_samples", ["--features=network"], "samples"),
        ("diagnose_chains", ["--chains=2", "--steps=8"], "chains"),
    ],
)
def test_other_tools_take_the_run(imported, tool, few, results):
    root, _ = imported
    code, _, err = tool_here(TOOLS / f"{tool}.py", f"--workdir={root}", *few)
    assert code == 0, err
    found = json.loads((root / "results" / f"{results}.json").read_text())
    assert found.get("protocol", found)["checkpoint_step"] == 0


@pytest.mark.slow
def test_a_bare_state_dict_in_a_process_of_its_own(tmp_path):
    file = twin.save(tmp_path / "a.pt", twin.Twin().state_dict())
    with forked(TOOL, file, f"--workdir={tmp_path / 'run'}") as program:
        code, out, err = program.end()
    assert (code, err) == (0, "")
    assert "10 classes of cifar10\nreplay buffer: none in the checkpoint; " in out
    assert loading.read_run(tmp_path / "run").options.network.network == "wrn-10-1"


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        ([], "give one CHECKPOINT.pt: jem-tf import-pytorch CHECKPOINT.pt [FLAGS]"),
        (["a.pt", "b.pt"], "give one CHECKPOINT.pt: jem-tf import-pytorch"),
        (["{}/none.pt"], "{}/none.pt cannot be read (No such file or directory); "),
        ([__file__], f"{__file__} is no file that PyTorch's torch.save wrote; "),
    ],
)
def test_what_is_no_checkpoint_is_refused_in_a_line(tmp_path, argv, says):
    argv = [word.format(tmp_path) for word in argv]
    code, out, err = tool_here(TOOL, *argv, f"--workdir={tmp_path / 'run'}")
    assert (code, out) == (1, "")
    assert err.startswith(f"jem_tf: {says.format(tmp_path)}")
    assert len(err.splitlines()) == 1
    assert not list(tmp_path.iterdir())
