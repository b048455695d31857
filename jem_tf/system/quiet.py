"""TensorFlow, imported without its start-up chatter. Programs import this module first.

TensorFlow 2.21 writes a dozen lines to standard error before it reads
TF_CPP_MIN_LOG_LEVEL. A user who sets that variable sees them all.
"""

import contextlib
import logging
import os
import sys

import absl.logging


@contextlib.contextmanager
def _no_standard_error():
    sys.stderr.flush()
    kept, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)


if "TF_CPP_MIN_LOG_LEVEL" not in os.environ:
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # Grappler logs what it gives up as errors
    with _no_standard_error():
        import tensorflow as tf

        tf.config.list_physical_devices()
    tf.get_logger().setLevel(logging.ERROR)
    absl.logging.set_verbosity(absl.logging.ERROR)
