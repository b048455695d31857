"""Seconds, peaks and memory of this machine, medians over repeats."""

import pathlib
import re
import resource
import statistics
import sys
import time

import tensorflow as tf

SIDE = 2048  # of the matrices
CONVOLUTION = (16, 32, 160)  # images, pixels a side, channels: the middle of WRN-28-10
PASSES = 10  # in one measurement


def seconds(call, repeats):
    """The median seconds of `call()` -> tensor, over `repeats` calls after a first."""
    call().numpy()
    spent = []
    for _ in range(repeats):
        begin = time.perf_counter()
        call().numpy()
        spent.append(time.perf_counter() - begin)
    return statistics.median(spent)


def product_peak(dtype, repeats):
    """GFLOP/s of the product of two square matrices."""
    one = tf.ones([SIDE, SIDE], dtype)
    spent = seconds(_chained(lambda x: tf.matmul(x, one), one), repeats)
    return PASSES * 2 * SIDE**3 / spent / 1e9


def convolution_peak(dtype, repeats):
    """GFLOP/s of a 3x3 convolution of WRN-28-10, forward."""
    images, side, channels = CONVOLUTION
    x = tf.ones([images, side, side, channels], dtype)
    kernel = tf.ones([3, 3, channels, channels], dtype)
    spent = seconds(_chained(lambda x: tf.nn.conv2d(x, kernel, 1, "SAME"), x), repeats)
    return PASSES * 2 * images * side**2 * 9 * channels**2 / spent / 1e9


def _chained(function, x):
    """A graph of PASSES calls, each of what the one before returned -> a number."""

    @tf.function
    def run(x):
        for _ in tf.range(PASSES):
            x = function(x)
        return x[0, 0]

    return lambda: run(x)


def peak_memory():
    """The most memory this process has had, in bytes."""
    try:  # getrusage counts what was before exec, too: the memory of who started this
        status = pathlib.Path("/proc/self/status").read_text()
        return 1024 * int(re.search(r"^VmHWM:\s*(\d+) kB", status, re.MULTILINE)[1])
    except (OSError, TypeError):
        pass
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
