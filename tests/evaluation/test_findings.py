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


def test_no_json_is_left_where_a_figure_fails(tmp_path):
    broken = example()._replace(figures={"chart": None})
    with pytest.raises(AttributeError):
        findings.write_findings(RunFolder(tmp_path), "ood", broken, 7)
    assert findings.read_findings(RunFolder(tmp_path), "ood") is None
    assert not list((tmp_path / "results").iterdir())


@pytest.mark.parametrize("text", ["{", "[]", '{"metrics": {}}', '{"metrics": 1}'])
def test_a_file_that_write_findings_did_not_write_is_refused(tmp_path, text):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "ood.json").write_text(text)
    with pytest.raises(InputError, match=r"ood\.json cannot be read; evaluate the run"):
        findings.read_findings(RunFolder(tmp_path), "ood")


def test_the_sha256_changes_with_any_weight():
    network = networks.build("convnet-8", (8, 8, 1), 3)
    before = findings.weights_sha256(network)
    assert before == findings.weights_sha256(networks.build("convnet-8", (8, 8, 1), 3))
    weights = network.get_weights()
    weights[-1][0] += 1e-6
    network.set_weights(weights)
    assert findings.weights_sha256(network) != before
