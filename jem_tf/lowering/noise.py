"""Random numbers that are the same in TensorFlow's graph and compiled by XLA.

From one seed, TensorFlow's CPU kernels and its XLA bridge draw different numbers: they
read a negative seed differently unless the algorithm is named, and they make different
floats of equal bits. Within `noise_of_cpu`, stateless operations draw by Philox (Salmon
et al. 2011), and uniform and normal float32 are computed in plain operations as the
CPU's kernels do it (tensorflow/core/lib/random/random_distributions.h). So a lowered
step takes the steps that the run takes in TensorFlow.
"""

import contextlib
import math
from collections.abc import Iterator
from typing import Any
from unittest import mock

import tensorflow as tf
from tensorflow.python.ops import gen_stateless_random_ops_v2 as ops
from tensorflow.python.ops import random_ops_util

MANTISSA, ONE = 0x7FFFFF, 0x3F800000  # bits of a float32: all of its fraction; 1.0
SMALLEST = 1e-7  # the logarithm is taken of no smaller number
_uniform, _normal = ops.stateless_random_uniform_v2, ops.stateless_random_normal_v2
_key_counter_alg = random_ops_util.get_key_counter_alg


@contextlib.contextmanager
def noise_of_cpu() -> Iterator[None]:
    """A context in which what is traced draws what TensorFlow's CPU draws."""
    with (
        mock.patch.object(random_ops_util, "get_key_counter_alg", _philox),
        mock.patch.object(ops, "stateless_random_uniform_v2", uniform),
        mock.patch.object(ops, "stateless_random_normal_v2", normal),
    ):
        yield


def uniform(shape: Any, *, dtype: Any = tf.float32, **stream: Any) -> tf.Tensor:
    """TensorFlow's operation of uniform numbers in [0, 1), in float32 as on a CPU.

    Args:
      shape: of the result.
      dtype: its type; other types than float32 are TensorFlow's own.
      stream: `key`, `counter` and `alg`, as TensorFlow gives them.
    """
    if tf.as_dtype(dtype) != tf.float32:
        return _uniform(shape, dtype=dtype, **stream)
    stream.pop("name", None)
    return _unit(shape, **stream)


def normal(shape: Any, *, dtype: Any = tf.float32, **stream: Any) -> tf.Tensor:
    """TensorFlow's operation of N(0, 1), in float32 as on a CPU: Box & Muller (1958).

    Args:
      shape, dtype, stream: as for `uniform`.
    """
    if tf.as_dtype(dtype) != tf.float32:
        return _normal(shape, dtype=dtype, **stream)
    stream.pop("name", None)
    size = tf.reduce_prod(tf.cast(shape, tf.int32))
    u = _unit([(size + 1) // 2, 2], **stream)
    radius = tf.sqrt(-2.0 * tf.math.log(tf.maximum(u[:, 0], SMALLEST)))
    angle = 2 * math.pi * u[:, 1]
    pairs = tf.stack([radius * tf.sin(angle), radius * tf.cos(angle)], axis=1)
    return tf.reshape(tf.reshape(pairs, [-1])[:size], shape)


def _philox(seed: Any, alg: Any) -> Any:
    del alg
    return _key_counter_alg(seed, "philox")


def _unit(shape: Any, **stream: Any) -> tf.Tensor:
    """float32 in [0, 1), of the lowest 23 bits of Philox's."""
    bits = ops.stateless_random_uniform_full_int_v2(shape, dtype=tf.uint32, **stream)
    fraction = tf.bitwise.bitwise_and(bits, tf.constant(MANTISSA, tf.uint32))
    above_one = tf.bitwise.bitwise_or(fraction, tf.constant(ONE, tf.uint32))
    return tf.bitcast(above_one, tf.float32) - 1.0
