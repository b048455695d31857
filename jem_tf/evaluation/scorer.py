"""Scores of images by a model: from images to what `ood_scores` are computed from.

Letters: N images, B of a batch, K classes, D features.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from jem_tf import energies, ood_scores
from jem_tf.energy_model import Classifier
from jem_tf.errors import InputError, argument
from jem_tf.evaluation import inference
from jem_tf.keras_support import penultimate
from jem_tf.ood_scores.interface import Outputs, State

BATCH = 250


class Needs(NamedTuple):
    """Whether any of some scores needs this, as of `Score`."""

    features: bool
    gradient: bool
    initial: bool


class Scorer:
    """Computes scores of images by a model.

    Args:
      model: gives the logits.
      state: what the scores were fitted to, as of `ood_scores.fit`; empty for those
        that need no fit.
      initial: the network that training began with, if it was a plain classifier.

    Attributes:
      head: `penultimate.Head` of the model's network; None if it has none.
      why_not: a sentence that says why there is no head; "" if there is one.
      names: the scores that this network can have, in the order of SCORES.
    """

    def __init__(
        self,
        model: Classifier,
        state: State | None = None,
        initial: keras.Model | None = None,
    ):
        self.model, self.state, self.why_not = model, state or {}, ""
        self.initial = initial
        self.head: penultimate.Head | None = None
        try:
            self.head = penultimate.find_head(model.network)
        except InputError as error:
            self.why_not = str(error)
        self.names = [
            name
            for name, score in ood_scores.SCORES.items()
            if (self.head or not score.features) and (initial or not score.initial)
        ]
        self._compiled: dict[Needs, Any] = {}

    def check(self, names: Sequence[str]) -> None:
        """Raises InputError if the network cannot have all of these scores."""
        needs = _needs(names)
        if needs.initial and self.initial is None:
            own = [name for name in names if ood_scores.SCORES[name].initial]
            raise InputError(
                f"{own[0]} is a score of a run that began with a plain classifier "
                f"({argument('init')}), and this one did not; choose another."
            )
        if needs.features and self.head is None:
            raise InputError(self.why_not)

    def scores(
        self, images: Any, names: Sequence[str], *, progress: str | None = None
    ) -> dict[str, np.ndarray]:
        """Scores N images.

        Args:
          images: uint8 [N, H, W, C], or float in [-1, 1].
          names: of `self.names`; the state must have what they were fitted to.
          progress: the name of the images on a progress bar; None shows no bar.

        Returns:
          {name: float32 [N]}, higher for images more like the training images.
        """
        outputs = self.outputs(images, names, progress=progress)
        return ood_scores.compute(outputs, self.state, names)

    def outputs(
        self, images: Any, names: Sequence[str], *, progress: str | None = None
    ) -> Outputs:
        """Computes what the scores take, as NumPy arrays; arguments as of `scores`."""
        needs = _needs(names)
        if needs not in self._compiled:
            self._compiled[needs] = self._compile(needs)
        packed = inference.map_batches(
            self._compiled[needs], images, batch_size=BATCH, progress=progress
        )
        classes = self.model.num_classes
        sizes = [classes, needs.gradient, classes * needs.initial]
        sizes.insert(1, packed.shape[1] - sum(sizes))
        own, features, norm, initial = np.split(packed, np.cumsum(sizes)[:-1], axis=1)
        return Outputs(
            own,
            features if needs.features else None,
            norm[:, 0] if needs.gradient else None,
            initial if needs.initial else None,
        )

    def batch_outputs(self, x: tf.Tensor, names: Sequence[str]) -> Outputs:
        """Computes what the scores take of a batch, as a part of a graph.

        Args:
          x: float32 [B, H, W, C] in [-1, 1].
          names: as of `scores`.
        """
        return self._outputs(x, _needs(names))

    def _outputs(self, x: tf.Tensor, needs: Needs) -> Outputs:
        initial = None
        if needs.initial:
            assert self.initial is not None, "this score needs the initial network"
            initial = tf.cast(self.initial(x, training=False), tf.float32)
        if not needs.gradient:
            return Outputs(*self._forward(x, needs.features), initial_logits=initial)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            logits, read = self._forward(x, needs.features)
            energy = energies.marginal_energy(logits)
        slope = tf.reshape(tape.gradient(energy, x), [tf.shape(x)[0], -1])
        return Outputs(logits, read, tf.norm(slope, axis=1), initial)

    def _forward(self, x: tf.Tensor, features: bool) -> tuple[tf.Tensor, Any]:
        if not features:
            return tf.cast(self.model.network(x, training=False), tf.float32), None
        assert self.head is not None, self.why_not
        both = self.head.network(x, training=False)
        logits, read = (tf.cast(one, tf.float32) for one in both)
        return logits, read

    def _compile(self, needs: Needs) -> Any:
        @tf.function(reduce_retracing=True, autograph=False)
        def packed(x):
            logits, read, norm, initial = self._outputs(x, needs)
            columns = (logits, read, None if norm is None else norm[:, None], initial)
            return tf.concat([x for x in columns if x is not None], axis=1)

        return packed


def _needs(names: Sequence[str]) -> Needs:
    scores = [ood_scores.SCORES[name] for name in names]
    return Needs(
        any(score.features for score in scores),
        any(score.gradient for score in scores),
        any(score.initial for score in scores),
    )
