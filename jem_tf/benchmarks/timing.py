"""Seconds that a call takes, peak rates of arithmetic, and the memory of the process.

Seconds are medians over repeats; rates are in GFLOP/s; memory is in bytes.
"""

import pathlib
import re
import resource
import statistics
import sys
import time
from collections.abc import Callable

import tensorflow as tf

SIDE = 2048  # of the matrices
CONVOLUTION = (16, 32, 160)  # images, pixels a side, channels: the middle of WRN-28-10
PASSES = 10  # in one measurement


def measure_seconds(call: Callable[[], tf.Tensor], repeats: int) -> float:
    """The median seconds of `call()`, over `repeats` calls after a first one.

    Args:
      call: returns a tensor, for which the clock waits.
      repeats: number of calls that are timed.
    """
    call().numpy()
    durations = []
    for _ in range(repeats):
        begin = time.perf_counter()
        call().numpy()
        durations.append(time.perf_counter() - begin)
    return statistics.median(durations)


def measure_product_peak(dtype: str, repeats: int) -> float:
    """GFLOP/s of the product of two square matrices."""
    matrix = tf.ones([SIDE, SIDE], dtype)
    chain = _chained(lambda x: tf.matmul(x, matrix), matrix)
    return PASSES * 2 * SIDE**3 / measure_seconds(chain, repeats) / 1e9


def measure_convolution_peak(dtype: str, repeats: int) -> float:
    """GFLOP/s of a 3x3 convolution of WRN-28-10, forward."""
    images, side, channels = CONVOLUTION
    x = tf.ones([images, side, side, channels], dtype)
    kernel = tf.ones([3, 3, channels, channels], dtype)
    chain = _chained(lambda x: tf.nn.conv2d(x, kernel, 1, "SAME"), x)
    work = PASSES * 2 * images * side**2 * 9 * channels**2
    return work / measure_seconds(chain, repeats) / 1e9


def read_peak_memory() -> int:
    """Returns the peak memory of this process, in bytes."""
    try:  # getrusage also counts the memory before exec, which is the parent's
        status = pathlib.Path("/proc/self/status").read_text()
        if match := re.search(r"^VmHWM:\s*(\d+) kB", status, re.MULTILINE):
            return 1024 * int(match[1])
    except OSError:
        pass
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _chained(
    function: Callable[[tf.Tensor], tf.Tensor], x: tf.Tensor
) -> Callable[[], tf.Tensor]:
    """Makes a graph that applies a function PASSES times in a row -> a number."""

    @tf.function
    def run(x: tf.Tensor) -> tf.Tensor:
        for _ in tf.range(PASSES):
            x = function(x)
        return x[0, 0]

    return lambda: run(x)
