"""Keras's `fit`, `evaluate` and `predict`, for images and labels that are checked."""

from typing import Any

import keras

from jem_tf.keras_support.batch_checks import Expected
from jem_tf.keras_support.batch_watch import Watch


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
        watch = Watch(self.expected)
        if validation_data is not None:
            kwargs["validation_data"] = watch.over_pair(validation_data)
        with watch.in_words():
            return super().fit(watch.over(x, y), y, *args, **kwargs)

    def evaluate(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        watch = Watch(self.expected)
        if not kwargs.get("_use_cached_eval_dataset"):  # `fit` looked at it already
            x = watch.over(x, y)
        with watch.in_words():
            return super().evaluate(x, y, *args, **kwargs)

    def predict(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        watch = Watch(self.expected, labelled=False)
        with watch.in_words():
            return super().predict(watch.over(x), *args, **kwargs)

    def train_on_batch(self, x: Any, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        x = Watch(self.expected).over(x, y)
        return super().train_on_batch(x, y, *args, **kwargs)

    def test_on_batch(self, x: Any, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        x = Watch(self.expected).over(x, y)
        return super().test_on_batch(x, y, *args, **kwargs)

    def predict_on_batch(self, x: Any) -> Any:
        return super().predict_on_batch(Watch(self.expected, labelled=False).over(x))
