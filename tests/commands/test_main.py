"""`jem-tf`: the subcommands by name."""

import importlib
import sys

import pytest
from absl import flags

from jem_tf.commands import command, main
from tests.processes import Process

NAMES = [*main.COMMANDS]


def answer(capsys, *words):
    """(exit code or message, standard output) of `jem-tf` with these words."""
    with pytest.raises(SystemExit) as end:
        main.main(words)
    return end.value.code, capsys.readouterr().out


@pytest.mark.parametrize("words", [[], ["--help"], ["help"]])
def test_help_lists_every_command_with_a_line(capsys, words):
    code, out = answer(capsys, *words)
    assert code == 0
    for name, (_, line) in main.COMMANDS.items():
        assert f"  {name:<22}{line}" in out.splitlines()


def test_help_does_without_tensorflow():
    script = (
        "import sys\n"
        "from jem_tf.commands import main\n"
        "try: main.main(['--help'])\n"
        "finally: assert 'tensorflow' not in sys.modules"
    )
    with Process("-c", script) as program:
        assert program.end()[::2] == (0, "")


def test_help_of_a_group_lists_its_commands(capsys):
    code, out = answer(capsys, "evaluate", "--help")
    assert code == 0
    assert "evaluate ood" in out
    assert "import-pytorch" not in out


@pytest.mark.parametrize("words", [["paint"], ["evaluate"], ["evaluate", "paint"]])
def test_a_command_that_there_is_not_is_refused_in_a_sentence(capsys, words):
    code, out = answer(capsys, *words)
    assert code.startswith(f"jem_tf: '{' '.join(words)}' is no command; choose one of ")
    assert out == ""


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_that_of_its_modules_command(name):
    module = importlib.import_module(main.COMMANDS[name][0])
    assert module.COMMAND.name == name


@pytest.mark.parametrize("name", NAMES)
def test_help_of_a_command_shows_each_flag_with_its_default(name):
    own = importlib.import_module(main.COMMANDS[name][0]).COMMAND
    values = flags.FlagValues()
    own.define(values)
    text = command.help_text(own, values)
    assert text.startswith(f"usage: jem-tf {name}")
    shown = dict.fromkeys(values)
    for flag in (values[name] for name in shown if not name.startswith("sgld_")):
        left = f"  --[no]{flag.name}" if flag.boolean else f"  --{flag.name}="
        assert left in text
        if flag.default not in (None, "", False, True) and flag.flag_type() != "list":
            after = " ".join(text[text.index(left) :].split())
            assert "Default: " in after or "Unset: " in after


def test_the_command_line_is_what_is_run_if_no_words_are_given(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["jem-tf", "--help"])
    with pytest.raises(SystemExit):
        main.main()
    assert "usage: jem-tf COMMAND [FLAGS]" in capsys.readouterr().out
