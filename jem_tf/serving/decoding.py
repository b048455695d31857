"""Bytes of picture files to images, within a graph, whatever the bytes are."""

import tensorflow as tf

CHANNELS = (1, 3)  # that a JPEG can be decoded to
MOST_PIXELS = 4096 * 4096  # of a picture: a few bytes can claim to be gigabytes
# A PNG begins with its header; then come width and height, four bytes each, the first
# byte largest. One with a chunk before that would lie about its size.
PNG, JPEG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"\xff\xd8\xff"


def decode(files, shape):
    """Bytes of PNG or JPEG files, string [N] -> uint8 [N, *shape].

    Resized as our data sets are, with `channels` of colour or grey; alpha is left out.
    JPEGs in CMYK are decoded to colour only.

    Raises:
      InvalidArgumentError: at run time, if one is no such file, damaged or larger than
        MOST_PIXELS.
    """

    def one(file):
        image = _resized(_decoded(file, shape[-1]), shape[:2])
        return tf.ensure_shape(image, shape)

    spec = tf.TensorSpec(shape, tf.uint8)
    return tf.map_fn(one, files, fn_output_signature=spec, parallel_iterations=1)


def _decoded(file, channels):
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


def _png_size(file):
    padded = tf.strings.join([tf.strings.substr(file, 0, len(PNG) + 8), b"\0" * 24])
    digits = tf.io.decode_raw(tf.strings.substr(padded, len(PNG), 8), tf.uint8)
    digits = tf.cast(tf.reshape(digits, [2, 4]), tf.int64)
    return tf.reduce_sum(digits * [256**3, 256**2, 256, 1], axis=1)


def _jpeg_size(file):
    return tf.cast(tf.image.extract_jpeg_shape(file)[:2], tf.int64)


def _resized(image, size):
    image = tf.image.resize(image, size, antialias=True)
    return tf.cast(tf.clip_by_value(tf.round(image), 0, 255), tf.uint8)
