"""Each claim in a process of its own, as the module acts when it is first imported."""

import pytest

from tests.processes import Process

LOUD = """
import logging, os, types
os.write(2, b"from C++\\n")
config = types.SimpleNamespace(
    list_physical_devices=lambda: os.write(2, b"from the device\\n")
)
get_logger = lambda: logging.getLogger("tensorflow")
"""
PROGRAM = """
import os, sys
import jem_tf.system.tensorflow_setup
import tensorflow as tf

tf.get_logger().warning("a warning")
print("an error", file=sys.stderr)
print(os.environ["TF_CPP_MIN_LOG_LEVEL"])
"""


def level(value):
    return {} if value is None else {"TF_CPP_MIN_LOG_LEVEL": value}


def run(tmp_path, tensorflow, value):
    """Runs PROGRAM with this source as its TensorFlow -> Ended."""
    (tmp_path / "tensorflow.py").write_text(tensorflow)
    with Process("-c", PROGRAM, PYTHONPATH=str(tmp_path), **level(value)) as process:
        return process.end()


@pytest.mark.slow
@pytest.mark.parametrize("value", [None, "3"])
def test_tensorflow_starts_in_silence(value):
    with Process("-c", PROGRAM, **level(value)) as process:
        assert process.end() == (0, "3\n", "an error\n")


@pytest.mark.parametrize("value", [None, "3"])
def test_all_that_tensorflow_writes_at_its_start_is_hidden(tmp_path, value):
    assert run(tmp_path, LOUD, value) == (0, "3\n", "an error\n")


@pytest.mark.parametrize("value", ["0", "1", "2"])
def test_a_lower_level_shows_what_tensorflow_writes(tmp_path, value):
    ended = run(tmp_path, LOUD, value)
    assert ended.out == f"{value}\n"
    assert ended.err == "from C++\na warning\nan error\n"


@pytest.mark.parametrize("value", [None, "3"])
def test_a_tensorflow_that_cannot_be_imported_is_not_hidden(tmp_path, value):
    ended = run(tmp_path, "raise ImportError('broken')", value)
    assert ended.code == 1
    assert ended.err.endswith("ImportError: broken\n")
