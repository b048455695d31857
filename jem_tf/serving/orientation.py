"""What PNG and JPEG files say of themselves, within a graph, whatever the bytes are.

An EXIF orientation is 1 as stored, 2 mirrored, 3 turned by half, 4 mirrored and turned
by half; 5 to 8 are the same after transposing.

Letters: a file is its bytes, uint8 [n]. Numbers are int64 [], big-endian if not said.
"""

from collections.abc import Callable

import tensorflow as tf

MOST_PARTS = (
    4096  # chunks or segments that are looked at: the graph must come to an end
)
EXIF = b"Exif\0\0"
ORIENTATION, SHORT, LONG = 0x0112, 3, 4  # a tag of TIFF, and types of its value


def png_chunk(file: tf.Tensor, kind: bytes) -> tf.Tensor:
    """Finds the body of a PNG's first chunk of a kind, uint8 [m]; m = 0 if none is."""

    # A chunk: length of the body, 4 bytes; kind, 4; body; checksum, 4.
    def look(at):
        end = at + 8 + _number(file, at, 4)
        return _says(file, at + 4, kind), at + 8, end, end + 4

    return _find(file, 8, look)


def png_orientation(file: tf.Tensor) -> tf.Tensor:
    """Reads the orientation, 1 to 8, in a PNG's chunk eXIf; 1 if it has none."""
    return _orientation(png_chunk(file, b"eXIf"))


def jpeg_orientation(file: tf.Tensor) -> tf.Tensor:
    """Reads the orientation, 1 to 8, in a JPEG's segment APP1; 1 if it has none."""

    # A segment: marker, 2 bytes; length of what follows, itself included, 2; body.
    def look(at):
        marker, length = _number(file, at, 2), _number(file, at + 2, 2)
        found = (marker == 0xFFE1) & _says(file, at + 4, EXIF)
        filled = marker == 0xFFFF  # bytes of 0xFF may stand before a marker
        end = tf.where(filled, at + 1, at + 2 + length)
        more = filled | (marker > 0xFF00) & (marker != 0xFFDA) & (length >= 2)
        return found, at + 4, end, tf.where(more, end, tf.size(file, tf.int64))

    return _orientation(_find(file, 2, look))


def upright(image: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    """Turns an image [H, W, C] as its orientation says it is shown."""
    image = tf.cond(
        orientation > 4, lambda: tf.transpose(image, [1, 0, 2]), lambda: image
    )
    turn = (orientation - 1) % 4
    for axis, first in ((0, 2), (1, 1)):
        image = tf.cond(
            (turn == first) | (turn == first + 1),
            lambda image=image, axis=axis: tf.reverse(image, [axis]),
            lambda image=image: image,
        )
    return image


def _find(
    file: tf.Tensor,
    first: int,
    look: Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]],
) -> tf.Tensor:
    """The bytes of the first part that is found; none if none is.

    Args:
      file: its bytes.
      first: place of the first part.
      look: place of a part -> (whether it is the one, its beginning, its end, the place
        of the next).
    """
    size = tf.size(file, tf.int64)

    def step(at, *_):
        found, begin, end, after = look(at)
        return tf.where(found, size, after), begin, tf.where(found, end, begin)

    nowhere = tf.zeros([], tf.int64)
    _, begin, end = tf.while_loop(
        lambda at, *_: at < size,
        step,
        (nowhere + first, nowhere, nowhere),
        maximum_iterations=MOST_PARTS,
    )
    return file[begin:end]


def _orientation(exif: tf.Tensor) -> tf.Tensor:
    """The orientation in the first directory of EXIF, a TIFF file without a picture."""
    prefix = tf.where(_says(exif, 0, EXIF), len(EXIF), 0)
    exif = exif[prefix:]
    little = _says(exif, 0, b"II*\0")
    start = _number(exif, 4, 4, little)
    end = start + 2 + 12 * _number(exif, start, 2, little)
    entries = exif[start + 2 : end]
    entries = tf.reshape(entries[: tf.size(entries) // 12 * 12], [-1, 12])
    tag, kind, count, short, long = (
        _number(entries, *place, little)
        for place in ((0, 2), (2, 2), (4, 4), (8, 2), (8, 4))
    )
    value = tf.where(kind == SHORT, short, tf.where(kind == LONG, long, 0))
    found = tf.where((tag == ORIENTATION) & (count == 1), value, 0)
    found = tf.reduce_max(tf.concat([[tf.constant(0, tf.int64)], found], axis=0))
    good = (little | _says(exif, 0, b"MM\0*")) & (found >= 1) & (found <= 8)
    return tf.where(good, found, 1)


def _says(file: tf.Tensor, at: tf.Tensor | int, word: bytes) -> tf.Tensor:
    """Whether these bytes are at a place: bool []."""
    return _number(file, at, len(word)) == int.from_bytes(word, "big")


def _number(
    data: tf.Tensor, at: tf.Tensor | int, size: int, little: tf.Tensor | bool = False
) -> tf.Tensor:
    """The number at a place in uint8 [..., n], int64 [...]; 0s follow the data."""
    digits = tf.cast(data[..., at : at + size], tf.int64)
    missing = size - tf.shape(digits)[-1]
    digits = tf.pad(digits, [[0, 0]] * (len(data.shape) - 1) + [[0, missing]])
    places = tf.constant([256**i for i in range(size)], tf.int64)
    places = tf.where(little, places, tf.reverse(places, [0]))
    return tf.reduce_sum(digits * places, axis=-1)
