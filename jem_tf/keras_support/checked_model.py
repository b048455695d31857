"""Keras's `fit`, `evaluate` and `predict`, for images and labels that are checked."""

import contextlib
import math
from typing import Any

import keras
import tensorflow as tf

from jem_tf.errors import InputError, argument
from jem_tf.keras_support import batch_checks, first_variables
from jem_tf.keras_support.batch_checks import Expected, cast_labels
from jem_tf.keras_support.batch_watch import Watch

KERAS_BATCH_SIZE = 32  # of arrays, without a batch_size


class CheckedModel(keras.Model):
    """A Keras model that says in a sentence what is wrong with its data.

    Subclasses set `expected`, an `Expected`. All methods take what Keras's own take,
    and raise `InputError` of images and labels that are not what is expected.
    """

    expected: Expected

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        *args: Any,
        validation_data: Any = None,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        if isinstance(y, dict):
            _check_no_weights(**kwargs)
        watch = Watch(self.expected)
        if validation_data is not None:
            kwargs["validation_data"] = watch.over_pair(validation_data)
        x = watch.over(x, y)
        self._check_last_batch(x, *args, **kwargs)
        with watch.in_words(), self._fresh_after_errors():
            return super().fit(x, y, *args, **kwargs)

    def evaluate(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        watch = Watch(self.expected)
        if not kwargs.get("_use_cached_eval_dataset"):  # `fit` looked at it already
            x = watch.over(x, y)
        with watch.in_words(), self._fresh_after_errors():
            return super().evaluate(x, y, *args, **kwargs)

    def predict(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        watch = Watch(self.expected, labelled=False)
        x = watch.over(x)
        with watch.in_words(), self._fresh_after_errors():
            return super().predict(x, *args, **kwargs)

    def train_on_batch(self, x: Any, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        x = Watch(self.expected).over(x, y)
        return super().train_on_batch(x, y, *args, **kwargs)

    def test_on_batch(self, x: Any, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        x = Watch(self.expected).over(x, y)
        return super().test_on_batch(x, y, *args, **kwargs)

    def predict_on_batch(self, x: Any) -> Any:
        return super().predict_on_batch(Watch(self.expected, labelled=False).over(x))

    def test_step(self, data: Any) -> dict[str, Any]:
        x, y, weight = keras.utils.unpack_x_y_sample_weight(data)
        y = self._cast_labels(y)
        if isinstance(y, dict) and "labelled" in y:  # as `fit` takes them
            y = y["labelled"]
        return super().test_step((x, y, weight))

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> tf.Tensor:
        """The compiled loss alone, without the penalties of the layers."""
        return self._compile_loss(y, y_pred, sample_weight)

    def make_train_function(self, force: bool = False) -> Any:
        """As in Keras, which calls it before the first training step.

        Makes the variables of the optimiser first, and of metrics if labels are class
        numbers: TensorFlow traces a graph twice that makes variables.
        """
        with self.distribute_strategy.scope():
            first_variables.build_optimizer(self)
            if self.expected.by_number:
                first_variables.build_metrics(self, self.expected.num_classes)
        return super().make_train_function(force)

    def _check_last_batch(
        self, x, batch_size=None, *_, validation_split=0.0, steps_per_epoch=None, **__
    ):
        if steps_per_epoch or not (isinstance(x, dict) or hasattr(x, "__array__")):
            return  # of a stream the last batch is not known
        given = len(batch_checks.images_of(x)["labelled"])
        count = math.floor(given * (1 - (validation_split or 0)))
        replicas = self.distribute_strategy.num_replicas_in_sync
        batch_checks.check_last_batch(count, batch_size or KERAS_BATCH_SIZE, replicas)

    @contextlib.contextmanager
    def _fresh_after_errors(self):
        """Drops the graphs of a call that failed: the next one makes whole ones."""
        try:
            yield
        except Exception:
            self.train_function = self.test_function = self.predict_function = None
            raise

    def _cast_labels(self, y):
        by_number, classes = self.expected.by_number, self.expected.num_classes
        if not by_number:
            return y
        if isinstance(y, dict):
            return {name: cast_labels(each, classes) for name, each in y.items()}
        return cast_labels(y, classes)


def _check_no_weights(sample_weight=None, class_weight=None, **_):
    """Keras wants a weight for each array of labels, and only some are classified."""
    given = {"sample_weight": sample_weight, "class_weight": class_weight}
    for name, value in given.items():
        if value is not None:
            raise InputError(
                f"{argument(name)} goes with labels that are one array; give weights "
                "of labelled images as the third part of a tf.data.Dataset."
            )
