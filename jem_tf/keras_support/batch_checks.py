"""Images and labels as Keras users have them: checked, and cast to what models take.

Values are checked of arrays in memory (`Expected.check`). Within a graph only dtypes
and shapes are known: `cast_images` and `cast_labels` check those, and what is right
already costs nothing.
"""

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from jem_tf import pixels
from jem_tf.errors import InputError, argument

IMAGES = ("labelled", "real")  # keys of a dict of images


class Expected(NamedTuple):
    """What a model expects.

    image_shape: (H, W, C), each a number or None for any.
    num_classes: K.
    by_number: whether labels are class numbers, as of the default loss; else they are
      what the user's own loss takes, and not looked at.
    """

    image_shape: tuple[int | None, ...]
    num_classes: int
    by_number: bool = True

    def check(self, x: Any, y: Any = None) -> None:
        """Checks the values of images and labels in memory; without y, images alone.

        Raises:
          InputError: if a dtype, shape or value is not what the model expects.
        """
        for images in images_of(x).values():
            images = np.asarray(images)
            check_shape(images.shape, self.image_shape)
            if images.size:
                pixels.check_values(images)
        if y is not None and self.by_number:
            for labels in y.values() if isinstance(y, dict) else [y]:
                _check_label_values(np.asarray(labels), self.num_classes)


def cast_images(x: Any, image_shape: tuple[int | None, ...]) -> Any:
    """Casts images, or a dict of images, to float32 in [-1, 1].

    Args:
      x: uint8 or any float, [B, H, W, C]; or {"labelled": ..., "real": ...} of such.
      image_shape: (H, W, C) that is expected.

    Raises:
      InputError: if the dtype or the shape is another.
    """
    cast = {name: pixels.to_float32(images) for name, images in images_of(x).items()}
    for images in cast.values():
        check_shape(images.shape, image_shape)
    return cast if isinstance(x, dict) else cast["labelled"]


def cast_labels(y: Any, num_classes: int) -> tf.Tensor:
    """Casts class numbers of any dtype to int32; those of int32 and int64 stay.

    Args:
      y: [B] or [B, 1].
      num_classes: K.

    Raises:
      InputError: if they are missing, one-hot, or no numbers.
    """
    check_labels_given(y)
    y = tf.convert_to_tensor(y)
    numbers = y.dtype.is_integer or y.dtype.is_floating or y.dtype.is_bool
    _check_label_kind(y.shape, y.dtype.name, numbers, num_classes)
    return y if y.dtype in (tf.int32, tf.int64) else tf.cast(y, tf.int32)


def check_labels_given(y: Any) -> None:
    """Raises InputError if there are no labels, or a list of them."""
    if y is None:
        raise InputError("labels are missing; give class numbers, int [B].")
    if isinstance(y, list | tuple):
        raise InputError(
            f"labels are a {type(y).__name__} of {len(y)}, which Keras reads as so "
            "many outputs; give an array, as by np.array(labels)."
        )


def check_pairs(x: Any, y: Any) -> None:
    """Raises InputError if a dict of labels does not go with the images.

    Args:
      x: images, or a dict of them.
      y: labels, or a dict of them.
    """
    if isinstance(y, dict) and not set(y) == set(images_of(x)) == set(IMAGES):
        raise InputError(
            f"labels are a dict of {', '.join(map(repr, y)) or 'nothing'} beside "
            f"images of {', '.join(map(repr, images_of(x)))}; give both 'labelled' and "
            "'real', or the labels of the labelled images alone, as an array."
        )


def check_last_batch(count: int, batch_size: int, replicas: int) -> None:
    """Raises InputError if an epoch's last batch leaves a replica without an image.

    TensorFlow's convolutions crash on an empty batch, and means of none are NaN.

    Args:
      count: images of an epoch.
      batch_size: of all replicas together.
      replicas: how many share a batch.
    """
    last = count % batch_size or batch_size
    if last < replicas:
        raise InputError(
            f"{argument('batch_size', batch_size)} leaves {last} of {count} images for "
            f"the last batch, fewer than the {replicas} replicas; choose another, or "
            "leave images out."
        )


def check_class_numbers(y: tf.Tensor) -> None:
    """Raises InputError if labels that log p(x, y) learns from are no class numbers.

    Args:
      y: labels as the user's own loss takes them.
    """
    rank = y.shape.rank
    if not y.dtype.is_integer or (rank is not None and rank > 1 and y.shape[-1] != 1):
        raise InputError(
            f"labels are {y.dtype.name} of shape {y.shape}, and log p(x, y) needs "
            "class numbers, int [B]; give those and a loss that takes them, or set "
            f"{argument('p_x_y_weight', 0)}."
        )


def images_of(x: Any) -> dict[str, Any]:
    """Images by name; those without a name are the labelled ones.

    Raises:
      InputError: if they are a list, or a dict of other names than IMAGES.
    """
    if isinstance(x, list | tuple):
        raise InputError(
            f"images are a {type(x).__name__} of {len(x)}, which Keras reads as so "
            "many inputs; give one array [B, H, W, C]."
        )
    if not isinstance(x, dict):
        return {"labelled": x}
    if "labelled" not in x or not set(x) <= set(IMAGES):
        raise InputError(
            f"images are a dict of {', '.join(map(repr, x)) or 'nothing'}; give "
            "'labelled', and 'real' if log p(x) has images of its own."
        )
    return x


def check_shape(shape: Any, image_shape: tuple[int | None, ...]) -> None:
    """Raises InputError if images of a shape [B, H, W, C] are not of `image_shape`."""
    if not tf.TensorShape([None, *image_shape]).is_compatible_with(shape):
        given = list(tf.TensorShape(shape))
        raise InputError(
            f"images are of shape {given}; this network takes "
            f"[B, {', '.join(map(str, image_shape))}]."
        )


def _check_label_kind(shape: Any, dtype: str, numbers: bool, num_classes: int) -> None:
    if not numbers:
        raise InputError(f"labels are {dtype}; give class numbers, int [B].")
    rank = tf.TensorShape(shape).rank
    if rank is not None and rank > 1 and shape[-1] == num_classes:
        raise InputError(
            f"labels are of shape {list(shape)}, one-hot; give class numbers, as by "
            "labels.argmax(axis=-1), or compile with a loss that takes one-hot labels, "
            "keras.losses.CategoricalCrossentropy(from_logits=True)."
        )
    if rank is not None and not (rank == 1 or (rank == 2 and shape[-1] == 1)):
        raise InputError(
            f"labels are of shape {list(shape)}; give class numbers, int [B]."
        )


def _check_label_values(y: np.ndarray, num_classes: int) -> None:
    numbers = y.dtype.kind in "iufb"
    _check_label_kind(y.shape, str(y.dtype), numbers, num_classes)
    if not y.size:
        return
    if y.dtype.kind == "f" and (y != np.round(y)).any():
        raise InputError(
            f"labels have {y[y != np.round(y)][0]:g} among them; give class numbers."
        )
    if y.min() < 0 or y.max() >= num_classes:
        raise InputError(
            f"labels reach from {y.min():g} to {y.max():g}; those of this network's "
            f"{num_classes} classes are 0 to {num_classes - 1}."
        )
