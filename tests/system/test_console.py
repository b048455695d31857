import io
import pathlib
import subprocess
import sys

import pytest
from tqdm import tqdm

from jem_tf.system import console
from jem_tf.system.console import say


def python(words):
    """Python in a shell, with `words` after its name: what it wrote."""
    return subprocess.run(
        f'"{sys.executable}" {words}',
        shell=True,
        capture_output=True,
        text=True,
        cwd=pathlib.Path(__file__).resolve().parents[2],
    )


def test_a_line_goes_to_standard_output_at_once(capfd):
    say("é: 1,000 images")
    assert capfd.readouterr() == ("é: 1,000 images\n", "")


def test_a_line_stands_above_the_progress_bar_and_never_within_it(capfd):
    with tqdm(total=2, file=(terminal := io.StringIO()), mininterval=0) as bar:
        bar.update()
        say("a line")
        bar.update()
    assert capfd.readouterr().out == "a line\n"
    assert "a line" not in terminal.getvalue()


def test_a_line_goes_where_standard_output_goes_now(monkeypatch):
    monkeypatch.setattr(sys, "stdout", there := io.StringIO())
    say("a line")
    assert there.getvalue() == "a line\n"


def test_a_pipe_that_closes_early_is_no_error():
    text = "from jem_tf.system.console import show; show('line\\n' * 100_000)"
    program = python(f'-c "{text}" | head -n 1')
    assert (program.stdout, program.stderr) == ("line\n", "")


def test_a_character_that_a_terminal_lacks_is_escaped_and_others_stay(monkeypatch):
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", terminal)
    console.escape_what_cannot_be_shown()
    say("cat 鳥")
    assert terminal.buffer.getvalue() == b"cat \\u9ce5\n"


def test_what_is_no_stream_of_text_stays_as_it_is(monkeypatch):
    monkeypatch.setattr(sys, "stdout", there := io.StringIO())  # as in a notebook
    console.escape_what_cannot_be_shown()
    say("cat 鳥")
    assert there.getvalue() == "cat 鳥\n"


GOING_ON = """
from jem_tf.system.console import say
for i in range(100_000):
    say(f"line {i}")
open(r"{}", "w").write("done")
"""


@pytest.mark.parametrize("to", ["| head -n 1", "> /dev/full"])
def test_what_goes_on_is_not_stopped_where_a_line_cannot_be_written(tmp_path, to):
    """A training beside `| head` or a full disk is not lost."""
    (tmp_path / "it.py").write_text(GOING_ON.replace("{}", str(tmp_path / "end")))
    program = python(f'"{tmp_path / "it.py"}" {to}')
    assert (tmp_path / "end").read_text() == "done"
    assert program.stderr.startswith("jem_tf: goes on without its output (")
    assert program.stderr.count("\n") == 1


def test_help_that_cannot_be_written_is_a_sentence():
    program = python("-m jem_tf.commands.main --help > /dev/full")
    assert program.returncode == 1
    assert program.stderr.startswith("jem_tf: The output cannot be written (")
