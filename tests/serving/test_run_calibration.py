"""The calibration of a run: the score it goes by, and the file that keeps it."""

import json
import math
import shutil

import keras
import numpy as np
import pytest

from jem_tf import ood_scores
from jem_tf.energy_model import EnergyModel
from jem_tf.errors import InputError
from jem_tf.evaluation import served_score
from jem_tf.evaluation.scorer import Scorer
from jem_tf.runs import pretrained_models
from jem_tf.runs.run_folder import RunFolder
from jem_tf.serving import predictor, run_calibration
from jem_tf.serving.served_calibration import Calibration

GREY = np.full([4, 8, 8, 1], 128, "uint8")
REST = {
    "precision": "float32",
    "network_sha256": "0" * 64,
    "class_names": ["a", "b"],
    "image_shape": [8, 8, 1],
}
FITTED = Calibration(1.2, False, -3.4, 0.95, 0.951, 0.9, 100, "initial_log_px")


def test_a_network_without_features_is_served_by_the_default_and_has_no_knn():
    image = keras.Input((8, 8, 1))
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(3, 1)(image))
    scorer = Scorer(EnergyModel(keras.Model(image, pooled)))
    chosen, _ = served_score.choose(scorer, GREY, lambda names: None)
    assert chosen == ood_scores.DEFAULTS[-1]
    with pytest.raises(InputError, match="does not end in a Dense layer"):
        run_calibration._check_score(scorer, "knn")


@pytest.mark.parametrize(("threshold", "share"), [(-1e9, 0), (1e9, 1)])
def test_a_score_by_which_noise_passes_is_told_of(threshold, share, capsys):
    network = keras.Sequential(
        [keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(3)]
    )
    own = FITTED._replace(ood_score="log_px", threshold=threshold)
    found = run_calibration._check_noise(Scorer(EnergyModel(network)), own, GREY)
    assert found == share
    said = capsys.readouterr().out
    if share:
        assert said == ""
    else:
        assert "mind: is_ood goes by log_px, which takes 100% of uniform noise" in said


def test_what_is_written_is_read(tmp_path):
    folder = RunFolder(tmp_path)
    facts = FITTED._asdict() | REST
    run_calibration.write_calibration(folder, facts)
    assert run_calibration.read_calibration(folder) == (FITTED, facts)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"temperature": 0}, "its temperature is 0"),
        ({"temperature": "hot"}, ""),
        ({"threshold": None}, ""),
        ({"threshold": math.nan}, "its threshold is nan"),
        ({"ood_score": "new"}, "it has new, which this version does not know"),
        ({"precision": "fp8"}, "it has fp8, which this version does not know"),
    ],
)
def test_what_cannot_be_served_is_refused(tmp_path, changed, says):
    folder = RunFolder(tmp_path)
    folder.calibration.write_text(json.dumps(FITTED._asdict() | REST | changed))
    with pytest.raises(InputError, match=f"cannot be read as a calibration: .*{says}"):
        run_calibration.read_calibration(folder)


def test_a_calibration_of_other_weights_is_refused(tmp_path):
    shutil.copytree(pretrained_models.find_preset("digits"), tmp_path / "run")
    image, path = np.zeros([8, 8, 1], "uint8"), tmp_path / "run" / "calibration.json"
    predictor.load(tmp_path / "run").classify(image)
    facts = json.loads(path.read_text())
    path.write_text(json.dumps(facts | {"network_sha256": "0" * 64}))
    with pytest.raises(InputError, match="is of other weights than the newest"):
        predictor.load(tmp_path / "run").classify(image)


def test_a_threshold_is_of_the_classifier_that_the_run_began_with(tmp_path):
    folder = RunFolder(tmp_path / "run")
    shutil.copytree(pretrained_models.find_preset("svhn"), folder.root)
    image = np.zeros([32, 32, 3], "uint8")
    predictor.load(folder.root).classify(image)
    says = "initial_classifier.npz is missing or of other weights than calibration.json"
    other = pretrained_models.find_preset("cifar10") / "initial_classifier.npz"
    for content in (other.read_bytes(), None):
        folder.initial_classifier.unlink()
        if content:
            folder.initial_classifier.write_bytes(content)
        with pytest.raises(InputError, match=says):
            predictor.load(folder.root).classify(image)


def test_an_empty_checkpoint_is_not_whole(tmp_path):
    shutil.copytree(pretrained_models.find_preset("digits"), tmp_path / "run")
    (packed,) = (tmp_path / "run").rglob("packed.npz")
    packed.write_bytes(b"")
    says = "has no whole checkpoint; take the whole folder from where it was packed"
    with pytest.raises(InputError, match=says):
        predictor.load(tmp_path / "run")


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", json.dumps(FITTED._asdict() | {"threshold": None})[:40]]
)
def test_what_is_no_calibration_is_refused_by_its_path(tmp_path, text):
    folder = RunFolder(tmp_path)
    folder.calibration.write_text(text)
    with pytest.raises(InputError, match=f"{folder.calibration} cannot be read as a"):
        run_calibration.read_calibration(folder)


def test_a_run_without_one_is_not_calibrated(tmp_path):
    with pytest.raises(InputError, match="is not calibrated; pack it by jem-tf pack"):
        run_calibration.read_calibration(RunFolder(tmp_path))
