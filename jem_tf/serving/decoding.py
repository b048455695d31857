"""Decodes PNG and JPEG files to images within a graph, safely for any bytes.

A picture comes out as `datasets.picture_files` and `datasets.image_conversion` read it:
PNG exactly, JPEG as far as the two decoders agree (TensorFlow's and Pillow's do).
"""

from collections.abc import Sequence

import tensorflow as tf

from jem_tf.datasets import image_conversion
from jem_tf.serving import orientation

CHANNELS = (1, 3)  # a picture can be made grey or RGB
MOST_PIXELS = 50_000_000  # of a picture; a few bytes can decode to gigabytes
DEPTH = 24  # the byte of a PNG's header that says how many bits a channel has
# A PNG begins with its header; then come width and height, four bytes each, big-endian.
# A PNG with another chunk before its header is refused, because it could hide its size.
PNG, JPEG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"\xff\xd8\xff"


def decode(files: tf.Tensor, shape: Sequence[int]) -> tf.Tensor:
    """Decodes the bytes of PNG or JPEG files, string [N] -> uint8 [N, *shape].

    Pictures are read in the same way as data sets: 16 bits lose their lower 8, what is
    transparent is laid over white, EXIF says what is up; they are resized, and made
    grey or RGB as `shape` says.

    Raises:
      InvalidArgumentError: at run time, if a file is neither PNG nor JPEG, is damaged,
        or has more than MOST_PIXELS.
    """

    def decode_file(file):
        image = _resized(_decoded(file), shape[:2])
        return tf.ensure_shape(_grey(image) if shape[-1] == 1 else image, shape)

    spec = tf.TensorSpec(shape, tf.uint8)
    return tf.map_fn(
        decode_file, files, fn_output_signature=spec, parallel_iterations=1
    )


def _decoded(file: tf.Tensor) -> tf.Tensor:
    """uint8 [H, W, 3] of a file, upright."""
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
    content = tf.io.decode_raw(file, tf.uint8)
    image, turned = tf.cond(
        is_png,
        lambda: (_png(file, content), orientation.png_orientation(content)),
        lambda: (_jpeg(file), orientation.jpeg_orientation(content)),
    )
    return orientation.upright(image, turned)


def _png(file: tf.Tensor, content: tf.Tensor) -> tf.Tensor:
    """A PNG as `image_conversion.over_white` lays it over white."""
    image = tf.io.decode_png(file, 4)
    colours, alpha = image[..., :3], image[..., 3:]
    depth = content[DEPTH]
    # TensorFlow makes the alpha of d bits without any 2^d - 1, whatever d is.
    opaque = (depth < 8) & (tf.size(orientation.png_chunk(content, b"tRNS")) == 0)

    def laid():
        c, a = tf.cast(colours, tf.uint16), tf.cast(alpha, tf.uint16)
        ground = tf.constant(image_conversion.GROUND, tf.uint16)
        return tf.cast((c * a + ground * (255 - a) + 127) // 255, tf.uint8)

    return tf.cond(opaque | tf.reduce_all(alpha == 255), lambda: colours, laid)


def _jpeg(file: tf.Tensor) -> tf.Tensor:
    # Pillow decodes by this method; TensorFlow's own is faster and up to 14 levels off.
    return tf.io.decode_jpeg(file, 3, dct_method="INTEGER_ACCURATE")


def _grey(image: tf.Tensor) -> tf.Tensor:
    """Luma as of `image_conversion.to_channels`: uint8 [H, W, 3] -> [H, W, 1]."""
    weights = tf.constant(image_conversion.GREY[:, 0], tf.int32)
    luma = tf.reduce_sum(tf.cast(image, tf.int32) * weights, axis=-1, keepdims=True)
    return tf.cast((luma + 500) // 1000, tf.uint8)


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
