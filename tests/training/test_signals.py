import os
import pathlib
import signal
import subprocess
import sys
import threading

import pytest

from jem_tf.training import signals

ROOT = pathlib.Path(__file__).resolve().parents[2]
TWICE = """
import os, signal, time
from jem_tf.training import signals
signals.exit_on_second()
with signals.StopRequest() as request:
    os.kill(os.getpid(), signal.{first})
    print(request.number, flush=True)
    os.kill(os.getpid(), signal.{second})
    time.sleep(60)  # or C code that does not return
"""


def handlers():
    return [signal.getsignal(number) for number in signals.ASKING]


@pytest.mark.parametrize("number", signals.ASKING)
def test_the_first_signal_is_noted_and_ends_nothing(number):
    with signals.StopRequest() as request:
        assert request.number is None
        os.kill(os.getpid(), number)
        assert request.number == number


@pytest.mark.parametrize("first", ["SIGTERM", "SIGINT"])
@pytest.mark.parametrize("second", ["SIGTERM", "SIGINT"])
def test_the_second_signal_ends_the_process_at_once(first, second):
    program = [sys.executable, "-c", TWICE.format(first=first, second=second)]
    done = subprocess.run(program, capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == f"{int(signal.Signals[first])}\n"
    assert (done.returncode, done.stderr) == (128 + signal.Signals[second], "")


def test_afterwards_signals_do_what_they_did():
    before = handlers()
    with signals.StopRequest():
        assert handlers() != before
    assert handlers() == before
    with pytest.raises(ZeroDivisionError), signals.StopRequest():
        1 / 0  # noqa: B018
    assert handlers() == before


def test_beside_the_main_thread_there_is_nothing_to_note():
    before, seen = handlers(), []

    def inside():
        with signals.StopRequest() as request:
            seen.extend([request.number, handlers()])

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    assert seen == [None, before]


def test_a_stop_says_where_it_was_and_whether_it_can_go_on():
    saved, lost = (signals.Stopped(signal.SIGINT, 7, saved) for saved in (True, False))
    assert str(saved) == "stopped after step 7, and saved; the same command goes on."
    assert str(lost) == "stopped after step 7, but not saved."
    assert saved.number == signal.SIGINT


def test_a_stop_that_another_process_was_asked_for_is_a_sigterm():
    assert signals.Stopped(None, 7, True).number == signal.SIGTERM
