"""Pictures as bytes of PNG and JPEG files, whole and mutated."""

import numpy as np
import tensorflow as tf


def png(image):
    return tf.io.encode_png(image).numpy()


def files():
    """Two pictures as PNG and JPEG, in colour and grey, of the size and of another."""
    generator = np.random.default_rng(0)
    for size in ((8, 8, 1), (31, 20, 3)):
        image = generator.integers(0, 256, size, dtype="uint8")
        yield png(image)
        yield tf.io.encode_jpeg(image).numpy()


def mutated(file, generator, turn):
    """The bytes of a file with some flipped, cut off, put in or claimed."""
    how = turn // 4 % 5
    if how == 0:  # flips
        for _ in range(generator.integers(1, 6)):
            file[generator.integers(len(file))] ^= 1 << generator.integers(8)
    elif how == 1:
        del file[generator.integers(len(file)) :]
    elif how == 2:  # the magic number, then junk
        junk = generator.integers(0, 256, generator.integers(200), dtype="uint8")
        file[generator.integers(2, 40) :] = junk.tobytes()
    elif how == 3:  # what the header says of width, height and depth
        at = generator.integers(12, 30)
        file[at : at + 4] = generator.integers(0, 256, 4, dtype="uint8").tobytes()
    else:
        at = generator.integers(len(file))
        file[at:at] = file[: generator.integers(len(file))]
    return file
