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
from jem_tf.evaluation import inference, penultimate
from jem_tf.ood_scores.interface import Outputs, State

BATCH = 250


class Needs(NamedTuple):
    """Whether any of some scores needs this of `Outputs`."""

    features: bool
    gradient: bool
    initial: bool
    initial_features: bool


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
      initial_head: the head of the initial network; None if it has none.
      names: the scores that this network can have, in the order of SCORES.
    """

    def __init__(
        self,
        model: Classifier,
        state: State | None = None,
        initial: keras.Model | None = None,
    ):
        self.model, self.state, self.initial = model, state or {}, initial
        self.head, self.why_not = _find_head(model.network)
        self.initial_head, self._why_no_initial = _find_head(initial)
        self.names = [name for name in ood_scores.SCORES if not self._why_not(name)]
        self._compiled: dict[Needs, Any] = {}

    def check(self, names: Sequence[str]) -> None:
        """Raises InputError if the network cannot have all of these scores."""
        for name in names:
            if why := self._why_not(name):
                raise InputError(why)

    def _why_not(self, name: str) -> str:
        """A sentence that says why the network cannot have a score; "" if it can."""
        score = ood_scores.SCORES[name]
        if not score.initial:
            return self.why_not if score.features else ""
        if self.initial is None:
            return (
                f"{name} is a score of a run that began with a plain classifier "
                f"({argument('init')}), and this one did not; choose another."
            )
        return self._why_no_initial if score.features else ""

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
        sizes = [
            classes,
            _width(self.head) * needs.features,
            int(needs.gradient),
            classes * needs.initial,
            _width(self.initial_head) * needs.initial_features,
        ]
        columns = np.split(packed, np.cumsum(sizes)[:-1], axis=1)
        own, features, norm, *initial = (x if x.shape[1] else None for x in columns)
        return Outputs(own, features, None if norm is None else norm[:, 0], *initial)

    def batch_outputs(self, x: tf.Tensor, names: Sequence[str]) -> Outputs:
        """Computes what the scores take of a batch, as a part of a graph.

        Args:
          x: float32 [B, H, W, C] in [-1, 1].
          names: as of `scores`.
        """
        return self._outputs(x, _needs(names))

    def _outputs(self, x: tf.Tensor, needs: Needs) -> Outputs:
        network, head = self.model.network, self.head if needs.features else None
        assert head or not needs.features, self.why_not
        initial: tuple[Any, Any] = None, None
        if needs.initial:
            assert self.initial is not None, "this score needs the initial network"
            initial_head = self.initial_head if needs.initial_features else None
            assert initial_head or not needs.initial_features, self._why_no_initial
            initial = _forward(self.initial, initial_head, x)
        if not needs.gradient:
            logits, read = _forward(network, head, x)
            return Outputs(logits, read, None, *initial)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            logits, read = _forward(network, head, x)
            energy = energies.marginal_energy(logits)
        slope = tf.reshape(tape.gradient(energy, x), [tf.shape(x)[0], -1])
        return Outputs(logits, read, tf.norm(slope, axis=1), *initial)

    def _compile(self, needs: Needs) -> Any:
        @tf.function(reduce_retracing=True, autograph=False)
        def packed(x):
            logits, read, norm, *initial = self._outputs(x, needs)
            norm = None if norm is None else norm[:, None]
            columns = (logits, read, norm, *initial)
            return tf.concat([x for x in columns if x is not None], axis=1)

        return packed


def _needs(names: Sequence[str]) -> Needs:
    scores = [ood_scores.SCORES[name] for name in names]
    return Needs(
        any(score.features and not score.initial for score in scores),
        any(score.gradient for score in scores),
        any(score.initial for score in scores),
        any(score.features and score.initial for score in scores),
    )


def _find_head(network: keras.Model | None) -> tuple[penultimate.Head | None, str]:
    """Returns (the head, None if there is none; why there is none)."""
    try:
        return (None if network is None else penultimate.find_head(network)), ""
    except InputError as error:
        return None, str(error)


def _width(head: penultimate.Head | None) -> int:
    return head.network.outputs[1].shape[1] if head else 0


def _forward(
    network: keras.Model, head: penultimate.Head | None, x: tf.Tensor
) -> tuple[tf.Tensor, Any]:
    """Returns (logits, features or None without a head), float32."""
    if head is None:
        return tf.cast(network(x, training=False), tf.float32), None
    logits, read = (tf.cast(x, tf.float32) for x in head.network(x, training=False))
    return logits, read
