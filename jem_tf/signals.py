"""SIGTERM and Ctrl-C: the first asks a run to save and end, the second ends it."""

import os
import signal
import threading

ASKING = (signal.SIGTERM, signal.SIGINT)


class Stopped(Exception):
    """The run was asked to end, and has: by which signal, after which step."""

    def __init__(self, number, step, saved):
        outcome = "and saved; the same command goes on" if saved else "but not saved"
        super().__init__(f"stopped after step {step}, {outcome}.")
        self.number = signal.SIGTERM if number is None else number


class Asked:
    """A context in which a first signal is noted as `number`, until then None."""

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
        if self.number is not None:
            os._exit(128 + number)
        self.number = number
