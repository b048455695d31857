import hashlib
import json

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from jem_tf import networks
from jem_tf.errors import InputError
from jem_tf.evaluation import findings
from jem_tf.figures import plots
from jem_tf.runs.run_folder import RunFolder

METRICS = {
    "ece": np.float32(0.5),
    "ece_ci": [0.25, np.inf],
    "nan": float("nan"),
    "n": 3,
}


def example():
    chart = plots.lines(np.zeros([4, 2]), "step", "E(x), nats", "a chain")
    images = np.zeros([4, 8, 8, 1], "float32")
    return findings.Findings(METRICS, {"seed": 1}, {"chart": chart, "grid": images})


@pytest.fixture
def kept(tmp_path):
    folder = RunFolder(tmp_path)
    return folder, findings.write_findings(folder, "ood", example(), 7)


def test_what_is_kept_is_read_back_and_json_knows_no_nan(kept):
    folder, (path, *_) = kept
    assert path == folder.root / "results" / "ood.json"
    expected = {"ece": 0.5, "ece_ci": [0.25, None], "nan": None, "n": 3}
    content = {"metrics": expected, "protocol": {"seed": 1}}
    assert findings.read_findings(folder, "ood") == content
    assert json.loads(path.read_text(), parse_constant=pytest.fail)


def test_results_name_their_figures_by_their_sha256(kept):
    _, (path, *pictures) = kept
    named = json.loads(path.read_text())["figures"]
    assert named == {
        picture.stem.removeprefix("ood_"): findings.file_sha256(picture)
        for picture in pictures
    }
    digest = hashlib.sha256(pictures[0].read_bytes()).hexdigest()
    assert named["chart"] == digest


def test_every_figure_is_a_picture_in_its_place(kept):
    folder, (_, *pictures) = kept
    root = folder.root
    assert pictures == [root / "figures" / f"ood_{n}.png" for n in ("chart", "grid")]
    for path in pictures:
        with Image.open(path) as picture:
            picture.load()
            assert max(picture.size) >= 640


def test_tensorboard_has_numbers_pictures_and_protocol(kept):
    folder, _ = kept
    (path,) = (folder.root / "tensorboard" / "evaluation").glob("events*")
    tags = {
        (value.tag, event.step)
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
    }
    names = ("ece", "n", "chart", "grid", "protocol")
    assert {(f"ood/{name}", 7) for name in names} <= tags


def test_numbers_are_kept_where_tensorboard_cannot_be_written(tmp_path, capsys):
    folder = RunFolder(tmp_path)
    folder.tensorboard.write_text("in the way")
    findings.write_findings(folder, "ood", example(), 7)
    assert findings.read_findings(folder, "ood")["metrics"]["n"] == METRICS["n"]
    said = "".join(capsys.readouterr())
    assert f"{folder.tensorboard} lacks what cannot be written" in said


def test_a_run_that_cannot_be_written_is_refused_and_left_as_it_was(
    tmp_path, full_disk
):
    findings.check_writable(RunFolder(tmp_path))
    with full_disk(0), pytest.raises(OSError, match="File too large"):
        findings.check_writable(RunFolder(tmp_path))
    assert not list(tmp_path.iterdir())


def test_no_json_is_left_where_a_figure_fails(tmp_path):
    broken = example()._replace(figures={"chart": None})
    with pytest.raises(AttributeError):
        findings.write_findings(RunFolder(tmp_path), "ood", broken, 7)
    assert findings.read_findings(RunFolder(tmp_path), "ood") is None
    assert not list((tmp_path / "results").iterdir())


COMMANDS = {"ood": "jem-tf evaluate ood", "chains": "jem-tf diagnose"}


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize(
    "text", ["{", "[]", "3", "null", '{"metrics": {}}', '{"metrics": 1}', '{"ess": 1}']
)
def test_a_file_that_write_findings_did_not_write_is_refused(tmp_path, text, name):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / f"{name}.json").write_text(text)
    says = rf"{name}\.json cannot be read; run `{COMMANDS[name]}` again\.$"
    with pytest.raises(InputError, match=says):
        findings.read_findings(RunFolder(tmp_path), name)


FLAT_METRICS = {  # as jem_tf wrote them before chains.json had two parts
    "ess": 4.076656341552734,
    "ess_share": 0.09265128048983487,
    "rhat": None,
    "energy_mean": -2.3661751747131348,
    "energy_std": 0.0013443392235785723,
    "energy_first": -2.366046905517578,
}
FLAT_PROTOCOL = {
    "chains": 4,
    "steps": 20,
    "start": "buffer",
    "seed": 0,
    "checkpoint_step": 24,
}


def test_the_flat_chains_of_earlier_versions_are_read_in_two_parts(tmp_path):
    (tmp_path / "results").mkdir()
    text = json.dumps(FLAT_METRICS | FLAT_PROTOCOL)
    (tmp_path / "results" / "chains.json").write_text(text)
    assert findings.read_findings(RunFolder(tmp_path), "chains") == {
        "metrics": FLAT_METRICS,
        "protocol": FLAT_PROTOCOL,
    }


def test_tensorboard_leaves_out_only_what_stands_beside_a_number(tmp_path):
    metrics = {"fid": 1.0, "fid_std": 0.5, "energy_mean": 2.0, "energy_std": 0.25}
    measured = findings.Findings(metrics, {}, {})
    findings.write_findings(RunFolder(tmp_path), "chains", measured, 7)
    (path,) = (tmp_path / "tensorboard" / "evaluation").glob("events*")
    tags = {
        value.tag.removeprefix("chains/")
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
    }
    assert tags & set(metrics) == {"fid", "energy_mean", "energy_std"}


def test_the_sha256_changes_with_any_weight():
    network = networks.build("convnet-8", (8, 8, 1), 3)
    before = findings.weights_sha256(network)
    assert before == findings.weights_sha256(networks.build("convnet-8", (8, 8, 1), 3))
    weights = network.get_weights()
    weights[-1][0] += 1e-6
    network.set_weights(weights)
    assert findings.weights_sha256(network) != before
