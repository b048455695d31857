"""SIGTERM and Ctrl-C: the first asks a run to save and end, the second ends it."""

import os
import signal
import threading

ASKING = (signal.SIGTERM, signal.SIGINT)
_heard_at_once = []  # the thread that hears signals, once there is one


class Stopped(Exception):
    """The run was asked to end, and has: by which signal, after which step."""

    def __init__(self, number, step, saved):
        outcome = "and saved; the same command goes on" if saved else "but not saved"
        super().__init__(f"stopped after step {step}, {outcome}.")
        self.number = signal.SIGTERM if number is None else number


class Asked:
    """A context in which a first signal is noted as `number`, until then None.

    A second one raises KeyboardInterrupt.
    """

    def __init__(self):
        self.number, self._before = None, {}

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            self._before = {one: signal.signal(one, self._note) for one in ASKING}
        return self

    def __exit__(self, *_):
        for one, handler in self._before.items():
            signal.signal(one, handler)

    def _note(self, number, _):
        if self.number is None:
            self.number = number
        elif not _heard_at_once:
            raise KeyboardInterrupt


def exit_on_second():
    """Has a second signal end this program at once, whatever it does. For programs.

    Python's own handlers wait until TensorFlow gives the main thread back, which may
    take a step of minutes; a thread that reads the signals as they come does not.
    """
    hear, tell = os.pipe()
    os.set_blocking(tell, False)
    signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    thread = threading.Thread(target=_exit_on_second, args=(hear,), daemon=True)
    _heard_at_once.append(thread)
    thread.start()


def _exit_on_second(hear):
    heard = 0
    while True:
        number = os.read(hear, 1)[0]
        heard += number in ASKING
        if heard > 1:
            os._exit(128 + number)
