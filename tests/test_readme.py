"""What the README says is run here, or by `.ci/run`."""

import pathlib
import re

import numpy as np
import pytest
from absl import flags

from jem_tf import flagfiles

ROOT = pathlib.Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
COMMANDS = re.findall(r"^(?:\$ )?(python -m jem_tf\.train[^\n#]*)", README, re.M)


def test_the_two_commands_are_those_that_ci_runs():
    assert "pip install -e . && python -m jem_tf.train\n" in README
    tested = "pip install -e '.[test]' && pytest"
    assert tested + "\n" in README
    ours = (ROOT / ".ci" / "run").read_text().replace(" --quiet", "")
    assert tested in ours


@pytest.mark.parametrize("command", COMMANDS)
def test_every_training_command_names_real_flags_and_presets(command, monkeypatch):
    monkeypatch.chdir(ROOT)
    values = flags.FlagValues()
    flagfiles.define(values)
    assert flagfiles.parse(command.split()[2:], values) == ["jem_tf.train"]


def test_the_python_example_runs_as_it_stands():
    (example,) = re.findall(r"```python\n(.+?)```", README, re.S)
    assert len([line for line in example.splitlines() if line]) == 12
    names = {}
    exec(example, names)
    assert names["pictures"].shape == (16, 8, 8, 1)
    assert np.isfinite(names["pictures"]).all()
    assert names["model"].optimizer.iterations > 0


def test_every_picture_the_readme_shows_is_there():
    shown = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README)
    assert shown
    assert len({(ROOT / picture).read_bytes() for picture in shown}) == len(shown)
