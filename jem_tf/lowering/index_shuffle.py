"""`tf.random.experimental.index_shuffle` in operations that XLA compiles.

TensorFlow's own operation runs on CPUs alone. It enciphers an index with the block
cipher Simon (Beaulieu et al. 2013, https://eprint.iacr.org/2013/404), reduced to four
rounds, and enciphers the result again while it exceeds the largest index: a
cycle-walking cipher (Black & Rogaway 2002, "Ciphers with Arbitrary Finite Domains").

Letters: W bits a word; a block is two words. n indices.
"""

import math

import tensorflow as tf

from jem_tf.errors import InputError, argument

MIN_BLOCK, MAX_BLOCK = 16, 62  # bits
KEY_CONSTANT = (
    0xFFFFFFFC  # of Simon's key schedule, with the last bit of its sequence z
)
LAST_OF_Z = 1
PADDING = 498247692  # which TensorFlow puts before its seed of two numbers


def index_shuffle(index: tf.Tensor, seed: tf.Tensor, max_index: int) -> tf.Tensor:
    """The places of indices in the permutation of 0 .. max_index that a seed chooses.

    Args:
      index: int64 [n], in [0, max_index].
      seed: int [2].
      max_index: int below 2^62.

    Returns:
      int64 [n], in [0, max_index]; equal to TensorFlow's.

    Raises:
      InputError: if `max_index` is out of range.
    """
    if not 0 <= max_index < 2**MAX_BLOCK:
        raise InputError(
            f"{argument('max_index', max_index)} must lie in [0, 2^{MAX_BLOCK})."
        )
    if max_index == 0:
        return tf.zeros_like(index)
    bits = math.ceil(math.log2(max_index))
    word = max(bits + bits % 2, MIN_BLOCK) // 2
    keys = _round_keys(seed, word)

    def walk(places: tf.Tensor) -> list[tf.Tensor]:
        beyond = places > max_index
        return [tf.where(beyond, _encipher(places, keys, word), places)]

    (places,) = tf.while_loop(
        lambda places: tf.reduce_any(places > max_index),
        walk,
        [_encipher(index, keys, word)],
    )
    return places


def _round_keys(seed: tf.Tensor, word: int) -> list[tf.Tensor]:
    """The keys int64 [] of the four rounds, of the key (PADDING, seed[0], seed[1])."""
    xor, share = tf.bitwise.bitwise_xor, _ones(min(word, 32))
    low = tf.bitwise.bitwise_and(tf.cast(seed, tf.int64), share)
    first = tf.constant(PADDING & (2**word - 1), tf.int64)
    fixed = tf.constant((KEY_CONSTANT ^ LAST_OF_Z) & (2**word - 1), tf.int64)
    turned = xor(_rotate(low[1], word - 3, word), _rotate(low[1], word - 4, word))
    return [first, low[0], low[1], xor(xor(fixed, first), turned)]


def _encipher(index: tf.Tensor, keys: list[tf.Tensor], word: int) -> tf.Tensor:
    """One application of the cipher: int64 [n] -> int64 [n], both of two words."""
    xor, ones = tf.bitwise.bitwise_xor, _ones(word)
    left = tf.bitwise.bitwise_and(tf.bitwise.right_shift(index, _bits(word)), ones)
    right = tf.bitwise.bitwise_and(index, ones)
    for even, odd in (keys[:2], keys[2:]):
        left = xor(left, xor(_mix(right, word), even))
        right = xor(right, xor(_mix(left, word), odd))
    return tf.bitwise.bitwise_or(tf.bitwise.left_shift(left, _bits(word)), right)


def _mix(x: tf.Tensor, word: int) -> tf.Tensor:
    """Simon's round function: (x <<< 1 & x <<< 8) ^ x <<< 2, where <<< rotates."""
    both = tf.bitwise.bitwise_and(_rotate(x, 1, word), _rotate(x, 8, word))
    return tf.bitwise.bitwise_xor(both, _rotate(x, 2, word))


def _rotate(x: tf.Tensor, by: int, word: int) -> tf.Tensor:
    """Rotates words int64 [n] to the left."""
    up = tf.bitwise.left_shift(x, _bits(by))
    down = tf.bitwise.right_shift(x, _bits(word - by))
    return tf.bitwise.bitwise_and(tf.bitwise.bitwise_or(up, down), _ones(word))


def _bits(count: int) -> tf.Tensor:
    return tf.constant(count, tf.int64)


def _ones(count: int) -> tf.Tensor:
    return tf.constant(2**count - 1, tf.int64)
