"""Stopping a run by SIGTERM or Ctrl-C.

The first signal asks the run to save and end; the second one ends it at once.
"""

import os
import signal
import threading
from types import FrameType
from typing import Any, NoReturn

ASKING = (signal.SIGTERM, signal.SIGINT)
_listeners: list[threading.Thread] = []  # what `exit_on_second` started


class Stopped(Exception):
    """The run was asked to end, and has ended.

    Args:
      number: of the signal; None if another process of the cluster got it.
      step: the last training step.
      saved: whether a checkpoint was saved after it.
    """

    def __init__(self, number: int | None, step: int, saved: bool):
        ending = "and saved; the same command goes on" if saved else "but not saved"
        super().__init__(f"stopped after step {step}, {ending}.")
        self.number: int = signal.SIGTERM if number is None else number


class StopRequest:
    """A context that notes the first signal as `number`, which is None until then.

    A second signal raises KeyboardInterrupt.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self._handlers: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "StopRequest":
        if threading.current_thread() is threading.main_thread():
            self._handlers = {n: signal.signal(n, self._note) for n in ASKING}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _note(self, number: int, _: FrameType | None) -> None:
        if self.number is None:
            self.number = number
        elif not _listeners:
            raise KeyboardInterrupt


def exit_on_second() -> None:
    """Makes a second signal end this process at once. For programs, not for libraries.

    Python's own handlers wait until TensorFlow returns to the main thread, which may
    take minutes. A thread that reads the signals as they come does not wait.
    """
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    thread = threading.Thread(target=_exit_on_second, args=(read_end,), daemon=True)
    _listeners.append(thread)
    thread.start()


def _exit_on_second(read_end: int) -> NoReturn:
    count = 0
    while True:
        number = os.read(read_end, 1)[0]
        count += number in ASKING
        if count > 1:
            os._exit(128 + number)
