"""Scores of how likely images are under a model: the paper's three, and the energy.

    log_px            log p(x) + const = logsumexp f(x)               (section 5.3.1)
    max_p             max p(y|x), as log-odds: the same order         (section 5.3.2)
    approximate_mass  -||d log p(x) / dx||_2                          (section 5.3.3)
    energy            T logsumexp(f(x) / T), minus the energy of Liu et al. (NeurIPS
                      2020, equation 4)

Higher means likelier. To add a score, write a function with the signature `Score` and
enter it in SCORES. Letters: N images, K classes.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from jem_tf import energies
from jem_tf.energy_model import Classifier
from jem_tf.evaluation import inference

BATCH = 250


class Outputs(NamedTuple):
    """What a model computes for N images, in one forward and one backward pass.

    logits: float32 [N, K].
    score_norm: float32 [N], ||d log p(x) / dx||_2 in nats per unit of pixel value.
    """

    logits: Any
    score_norm: Any


class Score(Protocol):
    """The signature of all scores."""

    def __call__(self, outputs: Outputs, *, temperature: float = 1.0) -> tf.Tensor:
        """Scores N images.

        Args:
          outputs: outputs of the model.
          temperature: T, above 0, which scores may divide the logits by.

        Returns:
          [N], higher for likelier images.
        """


def log_px(outputs: Outputs, *, temperature: float = 1.0) -> tf.Tensor:
    """Computes log p(x) + const, in nats."""
    return -energies.marginal_energy(outputs.logits)


def max_p(outputs: Outputs, *, temperature: float = 1.0) -> tf.Tensor:
    """Computes the log-odds of max p(y|x).

    They rank images as max p(y|x) does, but do not round to 1 in float32.
    """
    ascending = tf.sort(outputs.logits, axis=1)
    return ascending[:, -1] - tf.reduce_logsumexp(ascending[:, :-1], axis=1)


def approximate_mass(outputs: Outputs, *, temperature: float = 1.0) -> tf.Tensor:
    """Computes -||d log p(x) / dx||_2, in nats per unit of pixel value."""
    return -outputs.score_norm


def energy_score(outputs: Outputs, *, temperature: float = 1.0) -> tf.Tensor:
    """Computes T logsumexp(f(x) / T), in nats."""
    logits = tf.convert_to_tensor(outputs.logits)
    return temperature * tf.reduce_logsumexp(logits / temperature, axis=1)


PAPER_SCORES: dict[str, Score] = {
    "log_px": log_px,
    "max_p": max_p,
    "approximate_mass": approximate_mass,
}
SCORES: dict[str, Score] = PAPER_SCORES | {"energy": energy_score}


def paper_scores(outputs: Outputs) -> dict[str, tf.Tensor]:
    """Computes the paper's three scores: {name: [N]}."""
    return {name: score(outputs) for name, score in PAPER_SCORES.items()}


def all_scores(outputs: Outputs, *, temperature: float) -> dict[str, np.ndarray]:
    """Computes all SCORES: {name: [N]}; `temperature` as in `Score`."""
    return {
        name: np.asarray(score(outputs, temperature=temperature))
        for name, score in SCORES.items()
    }


def compute_outputs(
    model: Classifier,
    images: Any,
    *,
    progress: str | None = None,
    compiled: Callable[[tf.Tensor], tf.Tensor] | None = None,
) -> Outputs:
    """Computes the outputs from which scores are computed.

    Args:
      model: gives the logits.
      images: uint8 [N, H, W, C], or float in [-1, 1].
      progress: the name of the images on a progress bar; None shows no bar.
      compiled: `packed_outputs` of the model as a graph, if there is one already.

    Returns:
      Outputs, of NumPy arrays.
    """
    if compiled is None:
        function = functools.partial(packed_outputs, model)
        compiled = tf.function(function, reduce_retracing=True, autograph=False)
    packed = inference.map_batches(
        compiled, images, batch_size=BATCH, progress=progress
    )
    return Outputs(packed[:, :-1], packed[:, -1])


def packed_outputs(model: Classifier, x: tf.Tensor) -> tf.Tensor:
    """Computes the outputs of a batch as one tensor.

    Args:
      model: gives the logits.
      x: float32 [B, H, W, C] in [-1, 1].

    Returns:
      float32 [B, K + 1]: the logits and, in the last column, the score's norm.
    """
    with tf.GradientTape() as tape:
        tape.watch(x)
        logits = model.network(x, training=False)
        energy = energies.marginal_energy(logits)
    gradient = tf.reshape(tape.gradient(energy, x), [tf.shape(x)[0], -1])
    return tf.concat([logits, tf.norm(gradient, axis=1)[:, None]], axis=1)
