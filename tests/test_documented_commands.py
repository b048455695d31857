"""Every line of the documents that begins with jem-tf names a command and its flags."""

import importlib
import pathlib
import re
import shlex

import pytest
from absl import flags

from jem_tf.commands import main

ROOT = pathlib.Path(__file__).resolve().parent.parent
PLACES = (
    "README.md",
    "docs/*.md",
    "docs/results/*.md",
    "jem_tf/pretrained_runs/*/*.md",
)
LINE = re.compile(r"^(?:\$ |    |.* && )?jem-tf (.*)$", re.M)
OF_A_RUN = "--flagfile=RUN/run.flags"  # which the reader has
LINES = sorted(
    {
        line.strip()
        for place in PLACES
        for path in ROOT.glob(place)
        for line in LINE.findall(path.read_text())
    }
)


def command_of(words):
    """(COMMAND, the words after its name)."""
    name = main.find_command(words)
    assert name, f"{words} begin with no command"
    module = importlib.import_module(main.COMMANDS[name][0])
    return module.COMMAND, words[len(name.split()) :]


def test_there_are_many():
    names = {command_of(shlex.split(line, comments=True))[0].name for line in LINES}
    assert names >= {"train", "evaluate ood", "sample", "classify", "export", "pack"}


@pytest.mark.parametrize("line", LINES)
def test_a_command_knows_its_flags(line, monkeypatch):
    monkeypatch.chdir(ROOT)
    command, words = command_of(shlex.split(line.replace(OF_A_RUN, ""), comments=True))
    values = flags.FlagValues()
    command.define(values)
    _, *others = command.parse(["jem-tf", *words], values)
    assert not others or command.argument
