"""One checkpoint on the disk. What is whole and what is damaged: `test_checkpoints`."""

import pytest
import tensorflow as tf

from jem_tf.runs import checkpoint_files
from jem_tf.runs.training_state import TrainingState
from tests.runs.test_run_folder import SMALL, kept

UNREADABLE = (None, "", "{", "[]", "null", '{"format": 1}')


def write(folder, step, **values):
    """A checkpoint's folder with nothing in it but its state."""
    path = checkpoint_files.path_of(folder, step)
    path.mkdir()
    checkpoint_files.write_state(path, TrainingState(step, **values))
    return path


def write_text(path, text):
    path.mkdir()
    if text is not None:
        (path / "state.json").write_text(text)
    return path


def test_steps_are_listed_ascending_and_nothing_else_is(tmp_path):
    for step in (500, 12_345_678, 3, 1_000_000):
        checkpoint_files.path_of(tmp_path, step).mkdir()
    for name in ("step-7", "step-0000004.part", "step-0000005.gone", "step-000000x"):
        (tmp_path / name).mkdir()
    (tmp_path / "lock").write_text("")
    steps = checkpoint_files.list_steps(tmp_path)
    assert steps == [3, 500, 1_000_000, 12_345_678]


def test_a_folder_that_is_not_there_has_no_steps(tmp_path):
    assert checkpoint_files.list_steps(tmp_path / "none") == []
    assert checkpoint_files.find_whole(tmp_path / "none") is None


def test_a_state_is_read_as_it_was_written(tmp_path):
    path = write(tmp_path, 7, good=False, val_accuracy=0.1 + 0.2, retries=2)
    expected = TrainingState(7, good=False, val_accuracy=0.1 + 0.2, retries=2)
    assert checkpoint_files.read_state(path) == expected


def test_accuracy_goodness_and_retries_are_those_of_the_state(tmp_path):
    path = write(tmp_path, 7, good=True, val_accuracy=0.25, retries=2)
    assert checkpoint_files.accuracy_of(path) == 0.25
    assert checkpoint_files.is_good(path) is True
    assert checkpoint_files.retries_of(path) == 2
    bad = write(tmp_path, 8, good=False)
    assert checkpoint_files.accuracy_of(bad) == -1.0
    assert checkpoint_files.is_good(bad) is False
    assert checkpoint_files.retries_of(bad) == 0


@pytest.mark.parametrize("text", UNREADABLE)
def test_a_state_that_cannot_be_read_counts_as_the_worst(tmp_path, text):
    path = write_text(tmp_path / "step-0000001", text)
    with pytest.raises(checkpoint_files.UNREADABLE):
        checkpoint_files.read_state(path)
    assert checkpoint_files.accuracy_of(path) == -1.0
    assert checkpoint_files.is_good(path) is False
    assert checkpoint_files.retries_of(path) == 0
    assert checkpoint_files.find_damage(path)
    assert checkpoint_files.find_whole(tmp_path) is None


def test_a_whole_checkpoint_has_no_damage(tmp_path):
    root, _ = kept(tmp_path, SMALL)
    path = checkpoint_files.find_whole(root / "checkpoints")
    assert path == checkpoint_files.path_of(root / "checkpoints", 5)
    assert checkpoint_files.find_damage(path) == ""


def test_what_is_set_aside_or_removed_is_no_checkpoint_any_more(tmp_path):
    for step in (1, 2):
        write(tmp_path, step)
    (tmp_path / "step-0000001.damaged").mkdir()  # an older one is in the way
    checkpoint_files.set_aside(checkpoint_files.path_of(tmp_path, 1))
    checkpoint_files.remove(checkpoint_files.path_of(tmp_path, 2))
    assert checkpoint_files.list_steps(tmp_path) == []
    assert [path.name for path in tmp_path.iterdir()] == ["step-0000001.damaged"]
    assert (tmp_path / "step-0000001.damaged" / "state.json").is_file()


def test_the_first_line_of_an_error_has_no_markup():
    error = tf.errors.DataLossError(None, None, "{{node Read}} short read\nat 7")
    assert checkpoint_files.first_line(error) == "short read"
    assert checkpoint_files.first_line(ValueError("plain")) == "plain"


def test_another_training_of_as_many_steps_has_another_digest(tmp_path):
    first = checkpoint_files.digest_state(write(tmp_path, 5, seconds=1.0))
    for seconds, same in ((1.0, True), (2.0, False)):
        place = tmp_path / f"{seconds}"
        place.mkdir()
        again = checkpoint_files.digest_state(write(place, 5, seconds=seconds))
        assert (again == first) == same
