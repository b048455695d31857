"""Clocks and meters."""

import time

import pytest
import tensorflow as tf

from jem_tf.benchmarks import timing
from tests.processes import forked

HOLDING = """
from jem_tf.benchmarks import timing
before = timing.read_peak_memory()
held = bytearray(200_000_000)
held[::4096] = b"1" * len(held[::4096])
assert 1e8 < before < timing.read_peak_memory() - 1e8
"""


def test_the_median_leaves_out_the_first_call_and_the_slow_one():
    naps = iter([0.3, 0.02, 0.02, 0.3, 0.02, 0.02])

    def call():
        time.sleep(next(naps))
        return tf.constant(0)

    assert 0.02 <= timing.measure_seconds(call, 5) < 0.25


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_peaks_count_the_work(monkeypatch, dtype):
    """As many GFLOP/s as operations in a nanosecond of a clock that stands at one."""
    monkeypatch.setattr(timing, "SIDE", 32)
    monkeypatch.setattr(timing, "CONVOLUTION", (2, 8, 4))
    clock = lambda call, n: [call().numpy(), 1e-9][1]  # noqa: E731
    monkeypatch.setattr(timing, "measure_seconds", clock)
    assert timing.measure_product_peak(dtype, 1) == pytest.approx(10 * 2 * 32**3)
    convolution = 2 * 2 * 8 * 8 * 9 * 4 * 4
    assert timing.measure_convolution_peak(dtype, 1) == pytest.approx(10 * convolution)


@pytest.mark.slow
def test_memory_is_in_bytes():
    """In a process of its own: the most that this one has had is no news."""
    with forked("-c", HOLDING) as process:
        assert process.end().code == 0
