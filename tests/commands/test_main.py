"""`jem-tf`: the subcommands by name."""

import importlib
import math
import re
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


@pytest.mark.parametrize("first", ["help", "--help", "-h"])
def test_help_before_a_command_is_that_of_the_command(capsys, first):
    for words in (["train"], ["evaluate", "ood"], ["evaluate"]):
        code, out = answer(capsys, first, *words)
        assert (code, out) == answer(capsys, *words, "--help")
        assert out.startswith("usage: jem-tf")
    code, _ = answer(capsys, first, "paint")
    assert code.startswith("jem_tf: 'paint' is no command")


@pytest.mark.parametrize("words", [["--workdir=x", "train"], ["--workdir", "x"]])
def test_a_flag_before_the_command_is_refused_in_a_sentence(capsys, words):
    code, out = answer(capsys, *words)
    assert code == (
        f"jem_tf: the command comes first, before {words[0]}; write jem-tf COMMAND "
        "[FLAGS]."
    )
    assert out == ""


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


def takes(own, name, value):
    """Whether a command takes a value of its flag."""
    values = flags.FlagValues()
    own.define(values)
    required = [
        f"--{flag}=x" for flag in ("workdir", "out", "lowered") if flag in values
    ]
    try:
        values(["jem-tf", *required, f"--{name}={value!r}"])
    except flags.Error:
        return False
    return True


def neighbours(bound, whole):
    """The numbers before and after a bound."""
    if whole:
        return int(bound) - 1, int(bound) + 1
    return math.nextafter(bound, -math.inf), math.nextafter(bound, math.inf)


@pytest.mark.parametrize("name", NAMES)
def test_the_range_that_help_shows_of_a_flag_is_the_one_it_holds_to(name):
    own = importlib.import_module(main.COMMANDS[name][0]).COMMAND
    values = flags.FlagValues()
    own.define(values)
    for part in re.split(r"\n(?=  --)", command.help_text(own, values))[1:]:
        flag = values[re.match(r"  --(?:\[no\])?(\w+)", part)[1]]
        if flag.flag_type() not in ("int", "float"):
            continue
        whole, text = flag.flag_type() == "int", " ".join(part.split())
        shown = dict(re.findall(r"(at least|above|at most) (-?\d[-.\de+]*)", text))
        bounds = {word: int(x) if whole else float(x) for word, x in shown.items()}
        lower = {word: bounds[word] for word in bounds if word != "at most"}
        for word, bound in bounds.items():
            before, after = neighbours(bound, whole)
            assert takes(own, flag.name, bound) == (word != "above"), part
            assert takes(own, flag.name, before) == (word == "at most"), part
            assert takes(own, flag.name, after) == (word != "at most"), part
        assert lower or takes(own, flag.name, -7), part
        assert "at most" in bounds or takes(own, flag.name, 10**9), part


RANGES = {
    "diagnose": {"steps": "at least 8", "chains": "at least 2"},
    "sample": {"steps": "at least 1", "temperature": "above 0"},
    "evaluate samples": {"steps": "at least 0", "step_size": "above 0"},
    "evaluate robustness": {"steps": "at least 1", "refine_temperature": "above 0"},
    "train": {"steps": "at least 0", "reinit_prob": "at least 0, at most 1"},
}


@pytest.mark.parametrize("name", RANGES)
def test_help_shows_the_range_of_a_commands_own_flag(name):
    own = importlib.import_module(main.COMMANDS[name][0]).COMMAND
    values = flags.FlagValues()
    own.define(values)
    text = command.help_text(own, values)
    for flag, limits in RANGES[name].items():
        after = text[text.index(f"\n  --{flag}=") :].split("\n  --")[1]
        assert f"({limits})" in " ".join(after.split())


def test_the_command_line_is_what_is_run_if_no_words_are_given(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["jem-tf", "--help"])
    with pytest.raises(SystemExit):
        main.main()
    assert "usage: jem-tf COMMAND [FLAGS]" in capsys.readouterr().out
