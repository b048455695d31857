"""Imports TensorFlow without its start-up messages. Programs import this module first.

It also has Keras compute by TensorFlow, whatever the user's other programs use.

TensorFlow 2.21 writes a dozen lines to standard error before it reads
TF_CPP_MIN_LOG_LEVEL, so a level of 3 alone does not silence it. This module hides them
if the user has not set the variable, or has set it to 3. With a lower level a user sees
all that TensorFlow writes.
"""

import contextlib
import logging
import os
import sys
from collections.abc import Iterator

import absl.logging

os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever ~/.keras/keras.json says
SILENT = "3"  # a level of 2 would show Grappler's errors, which are about optimisations


@contextlib.contextmanager
def _no_standard_error() -> Iterator[None]:
    """Discards standard error, including that of C++ code, which sys.stderr misses."""
    if sys.stderr is None:  # it was closed
        yield
        return
    sys.stderr.flush()
    kept, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)


if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", SILENT) == SILENT:
    with _no_standard_error():
        import tensorflow as tf

        tf.config.list_physical_devices()
    tf.get_logger().setLevel(logging.ERROR)
    absl.logging.set_verbosity(absl.logging.ERROR)
