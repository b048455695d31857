"""Decodes PNG and JPEG files to images within a graph, safely for any bytes."""

from collections.abc import Sequence

import tensorflow as tf

CHANNELS = (1, 3)  # a JPEG can be decoded to these only
MOST_PIXELS = 4096 * 4096  # of a picture; a few bytes can decode to gigabytes
# A PNG begins with its header; then come width and height, four bytes each, big-endian.
# A PNG with another chunk before its header is refused, because it could hide its size.
PNG, JPEG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"\xff\xd8\xff"


def decode(files: tf.Tensor, shape: Sequence[int]) -> tf.Tensor:
    """Decodes the bytes of PNG or JPEG files, string [N] -> uint8 [N, *shape].

    Pictures are resized in the same way as data sets, and converted to the number of
    channels in `shape`. Alpha is left out. JPEGs in CMYK can be decoded to colour only.

    Raises:
      InvalidArgumentError: at run time, if a file is neither PNG nor JPEG, is damaged,
        or has more than MOST_PIXELS.
    """

    def decode_file(file):
        image = _resized(_decoded(file, shape[-1]), shape[:2])
        return tf.ensure_shape(image, shape)

    spec = tf.TensorSpec(shape, tf.uint8)
    return tf.map_fn(
        decode_file, files, fn_output_signature=spec, parallel_iterations=1
    )


def _decoded(file: tf.Tensor, channels: int) -> tf.Tensor:
    is_png = tf.strings.substr(file, 0, len(PNG)) == PNG
    is_jpeg = tf.strings.substr(file, 0, len(JPEG)) == JPEG
    known = tf.debugging.Assert(
        is_png | is_jpeg, ["an encoded image is neither a PNG nor a JPEG file"]
    )
    with tf.control_dependencies([known]):
        size = tf.cond(is_png, lambda: _png_size(file), lambda: _jpeg_size(file))
    says = f"an encoded image must have from 1 to {MOST_PIXELS} pixels, and is"
    good = tf.reduce_all(size > 0) & (tf.reduce_prod(size) <= MOST_PIXELS)
    with tf.control_dependencies([tf.debugging.Assert(good, [says, size])]):
        file = tf.identity(file)
    return tf.cond(
        is_png,
        lambda: tf.io.decode_png(file, channels),
        lambda: tf.io.decode_jpeg(file, channels),
    )


def _png_size(file: tf.Tensor) -> tf.Tensor:
    padded = tf.strings.join([tf.strings.substr(file, 0, len(PNG) + 8), b"\0" * 24])
    digits = tf.io.decode_raw(tf.strings.substr(padded, len(PNG), 8), tf.uint8)
    digits = tf.cast(tf.reshape(digits, [2, 4]), tf.int64)
    return tf.reduce_sum(digits * [256**3, 256**2, 256, 1], axis=1)


def _jpeg_size(file: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.image.extract_jpeg_shape(file)[:2], tf.int64)


def _resized(image: tf.Tensor, size: Sequence[int]) -> tf.Tensor:
    image = tf.image.resize(image, size, antialias=True)
    return tf.cast(tf.clip_by_value(tf.round(image), 0, 255), tf.uint8)
