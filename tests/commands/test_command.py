"""What the subcommands share: flags by subject, --help, one sentence for bad input."""

import io
import os
import signal
import sys

import pytest
from absl import flags

from jem_tf import train
from jem_tf.commands import command
from jem_tf.errors import InputError, argument
from jem_tf.system import files


def define(values):
    subject = command.FlagGroup(values, "A subject")
    subject.integer("count", 3, "how many", 1)
    subject.choice("kind", "a", ["a", "b"], "which")


def made(run, **more):
    return command.Command("try", "Tries.", define, run, **more)


def test_flags_are_parsed_and_handed_to_the_command(capsys):
    with pytest.raises(SystemExit) as end:
        command.execute(made(lambda values: print(values.count)), ["--count=5"])
    assert end.value.code == 0
    assert capsys.readouterr().out == "5\n"


def test_an_input_error_is_a_sentence_with_the_flag():
    def run(values):
        raise InputError(f"{argument('name', 'x')} is none; see {argument('count')}.")

    with pytest.raises(SystemExit) as end:
        command.execute(made(run), [])
    assert end.value.code == "jem_tf: --dataset=x is none; see --count."


@pytest.mark.parametrize(
    ("number", "usual", "code"),
    [
        (signal.SIGTERM, signal.SIG_DFL, 143),
        (signal.SIGINT, signal.default_int_handler, 130),
    ],
)
def test_a_signal_leaves_no_half_of_a_folder(tmp_path, number, usual, code):
    """A shell that puts the tests in the background has SIGINT ignored."""

    def run(values):
        with files.atomic_folder(tmp_path / "out") as part:
            (part / "half").write_text("")
            signal.raise_signal(number)

    before = signal.signal(number, usual)
    try:
        with pytest.raises(SystemExit) as end:
            command.execute(made(run), [])
        assert end.value.code == code
        assert not list(tmp_path.iterdir())
        assert signal.getsignal(number) == usual
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--cout=1"], "Unknown command line flag 'cout'"),
        (["--count=0"], "--count=0"),
        (["word"], "'word' is not a flag; write --name=value."),
    ],
)
def test_what_is_wrong_with_the_flags_ends_the_program_in_a_line(words, says):
    with pytest.raises(SystemExit) as end:
        command.execute(made(lambda values: None), words)
    assert says in end.value.code
    assert end.value.code.startswith("jem_tf: ")
    assert "\n" not in end.value.code


def test_what_is_wrong_with_a_runs_flags_ends_the_program_in_a_line(tmp_path):
    file = tmp_path / "some.flags"
    file.write_text("--learning_rat=1\n")
    for flag in (f"--flagfile={file}", "--learning_rat=1"):
        with pytest.raises(SystemExit, match=r"^jem_tf: Unknown .* 'learning_rat'"):
            command.execute(train.COMMAND, [flag])


def test_a_flagfile_in_another_encoding_is_refused_in_a_line(tmp_path):
    file = tmp_path / "some.flags"
    file.write_bytes("# für zwei Kerne\n--seed=1\n".encode("latin-1"))
    with pytest.raises(SystemExit, match=r"^jem_tf: --flagfile names no text in UTF-8"):
        command.execute(train.COMMAND, [f"--flagfile={file}"])


def test_help_shows_every_flag_with_range_and_default_under_its_subject():
    values = flags.FlagValues()
    define(values)
    text = command.help_text(made(lambda values: None), values)
    folded = " ".join(text.split())
    assert "A subject: --count=N how many (at least 1). Default: 3" in folded
    assert "--kind=a|b" in folded
    assert text.startswith("usage: jem-tf try [FLAGS]")


@pytest.mark.parametrize("value", ["\udcff", "a\nb", "\x1b[2J"])
def test_a_value_that_is_no_line_of_text_is_refused_as_it_can_be_read(value):
    with pytest.raises(SystemExit) as end:
        command.execute(made(lambda values: None), [f"--kind={value}"])
    says = f"jem_tf: {f'--kind={value}'!r} is not one line of text in UTF-8; rename it."
    assert end.value.code == says


def test_a_pipe_that_nobody_reads_ends_a_program_in_a_line(monkeypatch):
    read, write = os.pipe()
    os.close(read)
    with open(write, "w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        with pytest.raises(SystemExit, match="nobody reads its output any more"):
            command.execute(made(lambda values: print("a line", flush=True)), [])


def test_a_name_that_the_terminals_encoding_lacks_does_not_end_a_program(monkeypatch):
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    monkeypatch.setattr(sys, "stdout", terminal)
    with pytest.raises(SystemExit) as end:
        command.execute(made(lambda values: print("cat é 鳥", flush=True)), [])
    assert end.value.code == 0
    assert terminal.buffer.getvalue() == b"cat \xe9 \\u9ce5\n"
