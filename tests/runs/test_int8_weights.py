"""Weights in 8 bits: how far they are off, and files of other types."""

import numpy as np
import pytest

from jem_tf.errors import InputError
from jem_tf.runs import int8_weights


def test_a_kernel_is_off_by_half_a_step_of_its_channel_and_takes_a_byte(tmp_path):
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(3, 3, 64, 32)).astype("float32")
    kernel *= np.logspace(-3, 2, 32, dtype="float32")  # channels of other sizes
    kernel[..., 0] = 0
    bias = rng.normal(size=32).astype("float32")
    int8_weights.write(tmp_path / "w.npz", [kernel, bias, kernel[0, 0]])
    again = int8_weights.read(tmp_path / "w.npz")
    assert [x.dtype for x in again] == ["float32"] * 3
    step = np.abs(kernel).max(axis=(0, 1, 2)) / 127
    off = np.abs(again[0] - kernel)
    assert (off <= 0.501 * step).all()
    assert off.max() > 0
    assert (again[0][..., 0] == 0).all()
    np.testing.assert_allclose(again[1], bias, rtol=1e-3)
    assert again[2].shape == (64, 32)
    assert (tmp_path / "w.npz").stat().st_size < 1.1 * (kernel.size + 64 * 32) + 3000


def test_files_of_longer_types_are_read_as_they_are(tmp_path):
    values = [np.float16([[1.5, -2]]), np.float16([3])]
    np.savez(tmp_path / "w.npz", *values)
    for got, value in zip(int8_weights.read(tmp_path / "w.npz"), values, strict=True):
        np.testing.assert_array_equal(got, value)
        assert got.dtype == np.float32


@pytest.mark.parametrize("value", [[1e5], [[1e5]], [[np.nan]], [[np.inf]]])
def test_a_weight_too_large_for_float16_is_refused(tmp_path, value):
    with pytest.raises(InputError, match="cannot hold weights as large"):
        int8_weights.write(tmp_path / "w.npz", [np.float32(value)])
    assert not (tmp_path / "w.npz").exists()
