"""The signature of all scores, and what they are computed from and fitted on.

Letters: N images, K classes, D features. The features of an image are what a network's
last Dense layer reads.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
import tensorflow as tf

# {"<score>/<name>": array or variable}: what the scores were fitted to, together.
State = Mapping[str, Any]
HIDDEN = -1  # in place of a label that the training did not know


class Outputs(NamedTuple):
    """What a model computes for N images.

    logits: float32 [N, K].
    features: float32 [N, D]; None if they were not asked for.
    score_norm: float32 [N], ||d log p(x) / dx||_2 in nats per unit of pixel value;
      None if it was not asked for, since it takes a backward pass.
    initial_logits: float32 [N, K], by the classifier that training began with; None if
      they were not asked for.
    initial_features: float32 [N, D], of this classifier; None if they were not asked
      for.
    """

    logits: Any
    features: Any = None
    score_norm: Any = None
    initial_logits: Any = None
    initial_features: Any = None


class Labelled(NamedTuple):
    """Outputs of N images and their labels, int [N] in [0, K), or HIDDEN."""

    outputs: Outputs
    labels: np.ndarray


class Known(NamedTuple):
    """What scores are fitted on: images of the data set, never outliers.

    train, validation: `Labelled` images of these splits; None if no score needs them.
    kernel, bias: float [D, K] and [K] of the network's last Dense layer; None if no
      score needs features.
    initial_kernel, initial_bias: the same of the classifier that training began with.
    """

    train: Any = None
    validation: Any = None
    kernel: Any = None
    bias: Any = None
    initial_kernel: Any = None
    initial_bias: Any = None


class Compute(Protocol):
    """A function that scores images. It works eagerly and within a graph."""

    def __call__(self, outputs: Outputs, state: State) -> tf.Tensor:
        """Scores N images, each independently of the others.

        Args:
          outputs: of the model.
          state: what `Fit` returned, with the state of the other scores.

        Returns:
          float32 [N], higher for images that are more like the training images. It is
          not finite if what it is computed from has a NaN or +inf.
        """


class Fit(Protocol):
    """A function that fits a score."""

    def __call__(self, known: Known, state: State) -> dict[str, np.ndarray]:
        """Fits the score.

        Args:
          known: outputs of training and validation images.
          state: of the scores that were fitted before.

        Returns:
          {"<name of the score>/<name>": array}.
        """


class Passes(NamedTuple):
    """Passes through networks that it takes to classify an image and to score it."""

    forward: int
    backward: int


class Score(NamedTuple):
    """A score, and what it needs.

    compute: scores images.
    about: what it is, in a line, for protocols and model cards.
    fit: fits it; None for a score with nothing to fit.
    on: the split that it is fitted on, "train" or "validation"; "" for none.
    features, gradient, initial: whether it needs `Outputs.features`,
      `Outputs.score_norm` and `Outputs.initial_logits`. With `initial`, the features
      that it needs are `Outputs.initial_features`.
    parts: names of the scores whose state it uses.
    """

    compute: Compute
    about: str
    fit: Fit | None = None
    on: str = ""
    features: bool = False
    gradient: bool = False
    initial: bool = False
    parts: tuple[str, ...] = ()

    def passes(self) -> Passes:
        """Returns what the score costs; what it computes of the outputs is small."""
        return Passes(1 + self.initial, int(self.gradient))
