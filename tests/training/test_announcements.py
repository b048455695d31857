from types import SimpleNamespace

import numpy as np
import pytest

from jem_tf.datasets import Dataset, Split
from jem_tf.datasets.splits import VALIDATION_STANDS_IN
from jem_tf.options import Data, Options
from jem_tf.runs.run_folder import RunFolder
from jem_tf.runs.training_state import TrainingState
from jem_tf.system import hardware
from jem_tf.training import loop
from jem_tf.training.announcements import (
    announce_results,
    announce_start,
    describe_augmentation,
)


def split(count):
    return Split(np.zeros([count, 8, 8, 1], "uint8"), np.zeros(count, "int32"))


@pytest.fixture
def start(monkeypatch):
    """What is printed at the start of a run from `state`, but for the folder's line."""

    def lines(capsys, state, retries=0, **changes):
        policy = lambda option: ("float32", "CPU is old")  # noqa: E731
        monkeypatch.setattr(hardware, "choose_precision", policy)
        data = Dataset(split(900), split(100), split(50), ("a", "b"), flip=False)
        data = data._replace(**changes)
        model = SimpleNamespace(network=SimpleNamespace(count_params=lambda: 12345))
        plan = loop.Plan(steps=700, steps_per_epoch=70)
        announce_start(
            RunFolder("runs/x"), Options(), data, model, plan, state, retries
        )
        return capsys.readouterr().out.splitlines()

    return lines


def test_a_start_says_what_is_trained_on_what_and_where(start, capsys):
    options = Options()
    data, mirrored, network, folder = start(capsys, None)
    assert data == (
        f"{options.data.dataset}: 900 images to train on, 100 to validate, 50 to test; "
        "2 classes"
    )
    assert mirrored == (
        "training images are padded and cropped, none mirrored (flip=auto)"
    )
    assert network == (
        f"{options.network.network}: 12,345 parameters, float32 (CPU is old); 700 steps"
    )
    assert folder == "runs/x: watch it with  tensorboard --logdir runs/x"


def test_a_start_says_from_which_step_and_retry_a_run_goes_on(start, capsys):
    begun = start(capsys, None)
    assert start(capsys, TrainingState(step=40))[4:] == ["going on from step 40"]
    assert start(capsys, TrainingState(step=40), retries=2) == [
        *begun,
        "going on from step 40",
        "as retry 2 after divergence, see results/guard.json",
    ]


def test_a_start_says_that_validation_stands_in_for_test(start, capsys):
    assert start(capsys, None)[1].startswith("training images are")
    line = start(capsys, None, test_source=VALIDATION_STANDS_IN)[1]
    assert line == (
        "to test: the validation split, as there is no test split with labels"
    )


@pytest.mark.parametrize(
    ("options", "flip", "line"),
    [
        (
            {},
            True,
            "training images are padded and cropped, half of them mirrored (flip=auto; "
            "give flip=false if left and right differ)",
        ),
        (
            {"flip": "false"},
            False,
            "training images are padded and cropped, none mirrored (flip=false)",
        ),
        (
            {"augment": False},
            True,
            "training images are neither cropped nor mirrored (augment=false)",
        ),
    ],
)
def test_a_start_says_whether_images_are_mirrored_and_why(options, flip, line):
    assert describe_augmentation(Data(**options), flip) == line


def test_results_end_with_the_files_that_hold_them(tmp_path, capsys):
    results = {
        "accuracy": 0.98765,
        "ece": 0.0361,
        "log_px_test": -1.5,
        "log_px_noise": -20.25,
        "auroc_noise": 1.0,
        "seconds": 140.4,
    }
    announce_results(RunFolder(tmp_path), results)
    lines = capsys.readouterr().out.split("\n")
    numbers = [line.split()[-1] for line in lines[1:7]]
    assert numbers == ["0.9877", "0.0361", "-1.50", "-20.25", "1.0000", "140"]
    assert lines[7:] == ["", str(tmp_path / "results" / "train.json"), ""]
    (tmp_path / "figures").mkdir()
    picture = tmp_path / "figures" / "samples.png"
    picture.write_text("")
    announce_results(RunFolder(tmp_path), results)
    assert capsys.readouterr().out.endswith(f"\n{picture}\n")
