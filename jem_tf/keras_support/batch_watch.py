"""Checks all that goes into one call of `fit`, `evaluate` or `predict`.

Arrays are checked whole before the first step; in a stream (`tf.data`, a generator, a
`PyDataset`, a `DataLoader` of PyTorch) each batch is when it comes, outside the graph
of the step, which XLA may compile without its assertions. Of a distributed data set
the step itself sees dtypes and shapes alone.
"""

import contextlib
import copy
import types
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

from jem_tf.errors import InputError
from jem_tf.keras_support.batch_checks import (
    IMAGES,
    Expected,
    check_labels_given,
    check_shape,
    images_of,
)


class Watch:
    """Checks arrays, and the batches of streams.

    Args:
      expected: `Expected`.
      labelled: whether labels matter.
    """

    def __init__(self, expected: Expected, *, labelled: bool = True):
        self._expected, self._labelled = expected, labelled
        self._error: InputError | None = None

    def over(self, x: Any, y: Any = None) -> Any:
        """Checks x and y if they are in memory; a stream is replaced by a watched one.

        Returns:
          x, or the stream in its place.
        """
        if isinstance(x, tf.data.Dataset):
            self._check_structure(x.element_spec)
            return x.map(self._watch_tensors)
        if isinstance(x, keras.utils.PyDataset):
            return _WatchedPyDataset(x, self)
        if isinstance(x, types.GeneratorType):
            return self._watch_generator(x)
        if _is_data_loader(x):
            return _watched_loader(x, self)
        if isinstance(x, dict | list | tuple) or hasattr(x, "__array__"):
            self._check(x, y)
            for images in images_of(x).values():
                if not len(images):
                    raise InputError(
                        f"There are no images: their shape is {list(images.shape)}; "
                        "give at least one."
                    )
        return x

    def over_pair(self, data: Any) -> Any:
        """The same for `validation_data`: a stream, or a tuple (x, y[, weight])."""
        if not isinstance(data, tuple | list):
            return self.over(data)
        return (self.over(*data[:2]), *data[1:])

    def check_batch(self, batch: Any) -> None:
        """Checks a batch of a stream: x, (x, y) or (x, y, weight), of arrays."""
        try:
            self._check_structure(batch)
            x, y, _ = keras.utils.unpack_x_y_sample_weight(batch)
            self._check(x, y)
        except InputError as error:
            self._error = error
            raise

    @contextlib.contextmanager
    def in_words(self) -> Iterator[None]:
        """Raises what was found in a stream as it is: TensorFlow wraps it."""
        try:
            yield
        except Exception as error:
            if self._error is not None and error is not self._error:
                raise self._error from error
            raise

    def _check(self, x: Any, y: Any) -> None:
        if self._labelled:
            check_labels_given(y)
        self._expected.check(x, y if self._labelled else None)

    def _check_structure(self, spec: Any) -> None:
        """Refuses data whose elements are neither images nor pairs."""
        x, y = spec, None
        if isinstance(spec, tuple | list) and 1 <= len(spec) <= 3:
            x, y = (*spec, None)[:2]
        images = x if isinstance(x, dict) and "labelled" in x else {"labelled": x}
        labels = _labels_of(y) if self._labelled else {}
        parts = [*images.values(), *labels.values()]
        if any(isinstance(part, dict | list | tuple) for part in parts):
            raise InputError(
                f"The data's elements are {_described(spec)}; give pairs (images, "
                "labels), as tfds.load(..., as_supervised=True) does, or dataset.map("
                'lambda e: (e["image"], e["label"])).'
            )
        for part in images.values():
            check_shape(getattr(part, "shape", None), self._expected.image_shape)

    def _watch_tensors(self, *batch: Any) -> Any:
        x, y, _ = keras.utils.unpack_x_y_sample_weight(
            batch if len(batch) > 1 else batch[0]
        )
        labels = _labels_of(y) if self._labelled else {}
        images = images_of(x)

        def look(*arrays):
            named = dict(zip(images, arrays, strict=False))
            own = dict(zip(labels, arrays[len(images) :], strict=True))
            several = isinstance(y, dict)
            self.check_batch((named, *([own] if several else own.values())))
            return True

        arrays = [*images.values(), *labels.values()]
        seen = tf.numpy_function(look, arrays, tf.bool)
        with tf.control_dependencies([seen]):
            batch = tf.nest.map_structure(tf.identity, batch)
        return batch if len(batch) > 1 else batch[0]

    def _watch_generator(self, batches: Iterator) -> Iterator:
        for batch in batches:
            self.check_batch(batch)
            yield batch


def _labels_of(y: Any) -> dict[str, Any]:
    """Labels by the names of their images; those without a name are one array."""
    if isinstance(y, dict) and y and set(y) <= set(IMAGES):
        return y
    return {} if y is None else {"labelled": y}


def _described(spec: Any) -> str:
    """Text such as "{'image', 'label'}" or "((., .), .)"."""
    if isinstance(spec, dict):
        return "{" + ", ".join(map(repr, spec)) + "}"
    if isinstance(spec, list | tuple):
        return "(" + ", ".join(map(_described, spec)) + ")"
    return "."


class _WatchedPyDataset(keras.utils.PyDataset):
    """A `PyDataset` whose batches are checked when they come."""

    def __init__(self, inner: keras.utils.PyDataset, watch: Watch):
        super().__init__(
            workers=inner.workers,
            use_multiprocessing=inner.use_multiprocessing,
            max_queue_size=inner.max_queue_size,
        )
        self._inner, self._watch = inner, watch

    @property
    def num_batches(self) -> int | None:
        """The number of batches; None for endless ones."""
        return self._inner.num_batches

    def __getitem__(self, index: int) -> Any:
        batch = self._inner[index]
        self._watch.check_batch(batch)
        return batch

    def on_epoch_begin(self) -> None:
        """As the data set's own."""
        self._inner.on_epoch_begin()

    def on_epoch_end(self) -> None:
        """As the data set's own."""
        self._inner.on_epoch_end()


def _is_data_loader(x: Any) -> bool:
    """Whether it is PyTorch's, which need not be imported to say so."""
    return any(
        kind.__name__ == "DataLoader" and kind.__module__.startswith("torch.utils.data")
        for kind in type(x).__mro__
    )


def _watched_loader(loader: Any, watch: Watch) -> Any:
    """A `DataLoader` like the given one, whose batches are checked when they come."""
    kind = type(loader)

    def checked(self):
        for batch in kind.__iter__(self):
            watch.check_batch(batch)
            yield batch

    watched = copy.copy(loader)
    watched.__class__ = type(kind.__name__, (kind,), {"__iter__": checked})
    return watched
