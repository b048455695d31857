"""Images of TFDS sets of every depth, with alpha or without, as data sets have them."""

from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from jem_tf.datasets import image_conversion
from jem_tf.errors import InputError, argument


def read_rows(
    builder: Any, split: str, key: str, name: str
) -> Iterator[dict[str, Any]]:
    """Reads the rows of a split, with images uint8 [H, W, 1 or 3].

    Args:
      builder: the tfds.core.DatasetBuilder of a set.
      split: of the set, with a range or without.
      key: name of the feature of images.
      name: of the set, for an error.

    Raises:
      InputError: if the values of an image are of no known scale.
      tf.errors.OpError, OSError: if the set is damaged.
    """
    rows = builder.as_dataset(split=split, decoders=_decoders(builder, key))
    for row in rows.as_numpy_iterator():
        try:
            image = image_conversion.standardise(row[key])
        except ValueError as error:
            raise InputError(
                f"{argument('name', name)} has images of {error}; choose another set."
            ) from error
        yield row | {key: image}


def _decoders(builder: Any, key: str) -> dict[str, Any]:
    """Decoders of images that TFDS writes and cannot read: grey with alpha."""
    import tensorflow_datasets as tfds

    if builder.info.features[key].shape[-1] != 2:
        return {}

    @tfds.decode.make_decoder()
    def decode(file, feature):
        return tf.io.decode_png(file, 0, tf.as_dtype(feature.dtype))

    return {key: decode()}
