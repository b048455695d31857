"""Scores of images by a model: from images to what `ood_scores` are computed from.

Letters: N images, B of a batch, K classes, D features.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from jem_tf import energies, ood_scores
from jem_tf.energy_model import Classifier
from jem_tf.errors import InputError
from jem_tf.evaluation import inference
from jem_tf.keras_support import penultimate
from jem_tf.ood_scores.interface import Outputs, State

BATCH = 250


class Scorer:
    """Computes scores of images by a model.

    Args:
      model: gives the logits.
      state: what the scores were fitted to, as of `ood_scores.fit`; empty for those
        that need no fit.

    Attributes:
      head: `penultimate.Head` of the model's network; None if it has none.
      why_not: a sentence that says why there is no head; "" if there is one.
      names: the scores that this network can have, in the order of SCORES.
    """

    def __init__(self, model: Classifier, state: State | None = None):
        self.model, self.state, self.why_not = model, state or {}, ""
        self.head: penultimate.Head | None = None
        try:
            self.head = penultimate.find_head(model.network)
        except InputError as error:
            self.why_not = str(error)
        self.names = [
            name
            for name, score in ood_scores.SCORES.items()
            if self.head or not score.features
        ]
        self._compiled: dict[tuple[bool, bool], Any] = {}

    def check(self, names: Sequence[str]) -> None:
        """Raises InputError if the network cannot have all of these scores."""
        if not set(names) <= set(self.names):
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
        features, gradient = _needs(names)
        if (features, gradient) not in self._compiled:
            self._compiled[features, gradient] = self._compile(features, gradient)
        packed = inference.map_batches(
            self._compiled[features, gradient],
            images,
            batch_size=BATCH,
            progress=progress,
        )
        classes = self.model.num_classes
        return Outputs(
            packed[:, :classes],
            packed[:, classes : len(packed[0]) - gradient] if features else None,
            packed[:, -1] if gradient else None,
        )

    def batch_outputs(self, x: tf.Tensor, names: Sequence[str]) -> Outputs:
        """Computes what the scores take of a batch, as a part of a graph.

        Args:
          x: float32 [B, H, W, C] in [-1, 1].
          names: as of `scores`.
        """
        return self._outputs(x, *_needs(names))

    def _outputs(self, x: tf.Tensor, features: bool, gradient: bool) -> Outputs:
        if not gradient:
            return Outputs(*self._forward(x, features))
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            logits, read = self._forward(x, features)
            energy = energies.marginal_energy(logits)
        slope = tf.reshape(tape.gradient(energy, x), [tf.shape(x)[0], -1])
        return Outputs(logits, read, tf.norm(slope, axis=1))

    def _forward(self, x: tf.Tensor, features: bool) -> tuple[tf.Tensor, Any]:
        if not features:
            return tf.cast(self.model.network(x, training=False), tf.float32), None
        assert self.head is not None, self.why_not
        both = self.head.network(x, training=False)
        logits, read = (tf.cast(one, tf.float32) for one in both)
        return logits, read

    def _compile(self, features: bool, gradient: bool) -> Any:
        @tf.function(reduce_retracing=True, autograph=False)
        def packed(x):
            logits, read, norm = self._outputs(x, features, gradient)
            columns = (logits, read, None if norm is None else norm[:, None])
            return tf.concat([x for x in columns if x is not None], axis=1)

        return packed


def _needs(names: Sequence[str]) -> tuple[bool, bool]:
    """Whether any of the scores needs features, and whether any needs the gradient."""
    scores = [ood_scores.SCORES[name] for name in names]
    return any(s.features for s in scores), any(s.gradient for s in scores)
