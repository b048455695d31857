"""Distal adversarials: noise driven to a confident class (the paper's figure 6).

A classifier that has learnt what images of a class look like makes such images.
Letters: n images [H, W, C] with pixels in [-1, 1], K classes.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from jem_tf import energies
from jem_tf.energy_model import Classifier
from jem_tf.figures import captioned_grids, lettering

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_CLASSES, IMAGES_PER_CLASS = 10, 4
STEP_SIZE, MAX_STEPS = 0.1, 1000


class Distal(NamedTuple):
    """Noise that was driven to classes.

    images: float32 [n, H, W, C] in [-1, 1].
    labels: int32 [n], the classes.
    confidence: float32 [n], p(y|x).
    steps: int32 [n], the steps taken.
    """

    images: np.ndarray
    labels: np.ndarray
    confidence: np.ndarray
    steps: np.ndarray


def drive_to_confidence(
    model: Classifier,
    *,
    confidence: float = 0.9,
    step_size: float = STEP_SIZE,
    max_steps: int = MAX_STEPS,
    seed: int = 0,
) -> Distal:
    """Climbs log p(y|x) from U(-1, 1) noise until p(y|x) >= confidence.

    Args:
      model: gives p(y|x).
      confidence: in (0, 1); an image that reaches it is not changed further.
      step_size: the L2 length of a step, in pixels of [-1, 1]; pixels are then clamped
        to this range.
      max_steps: the largest number of steps for an image.
      seed: int, of the noise.

    Returns:
      Distal, class by class: IMAGES_PER_CLASS of each of the first MAX_CLASSES classes.
    """
    shape = model.network.input_shape[1:]
    labels = tf.repeat(tf.range(min(MAX_CLASSES, model.num_classes)), IMAGES_PER_CLASS)
    start = tf.random.stateless_uniform([len(labels), *shape], [seed, 0], -1.0, 1.0)
    climb = tf.function(_climb, autograph=False)
    x, log_p, steps = climb(
        model.network, labels, start, confidence, step_size, max_steps
    )
    return Distal(x.numpy(), labels.numpy(), np.exp(log_p), steps.numpy())


def evaluate_distal(
    models: Mapping[str, Classifier],
    class_names: Sequence[str],
    *,
    confidence: float = 0.9,
    max_steps: int = MAX_STEPS,
    seed: int = 0,
) -> tuple[dict[str, float], "Figure"]:
    """Drives noise by each model, and shows the first image of each class.

    Args:
      models: {name: model}. "run" is the model to measure; each model has a row in
        the figure.
      class_names: [K].
      confidence, max_steps, seed: as in `drive_to_confidence`.

    Returns:
      ({metric of the model "run": number}, the figure).
    """
    driven = {
        name: drive_to_confidence(
            model, confidence=confidence, max_steps=max_steps, seed=seed
        )
        for name, model in models.items()
    }
    run = driven["run"]
    metrics = {
        "distal/confidence": float(run.confidence.mean()),
        "distal/reached": float(np.mean(run.confidence >= confidence)),
        "distal/steps": float(run.steps.mean()),
    }
    rows = {name: distal.images[::IMAGES_PER_CLASS] for name, distal in driven.items()}
    captions = {name: _captions(distal) for name, distal in driven.items()}
    names = lettering.drawable(class_names, width=lettering.NARROW)
    return metrics, captioned_grids.captioned_rows(rows, captions, names[:MAX_CLASSES])


def describe_distal(*, confidence: float, max_steps: int, seed: int) -> dict[str, Any]:
    """Describes in a protocol what `evaluate_distal` does with these arguments."""
    return {
        "from": f"U(-1, 1), {IMAGES_PER_CLASS} images a class, the first {MAX_CLASSES} "
        "classes at most",
        "climbs": "log p(y|x) of the plain network, in steps of L2 length "
        f"{STEP_SIZE} in [-1, 1], clamped there, until p(y|x) >= {confidence}; at most "
        f"{max_steps}",
        "steps": f"mean, those that never reached it counting {max_steps}",
        "seed": seed,
    }


def _captions(distal: Distal) -> list[str]:
    """Texts beneath the first image of each class."""
    pairs = zip(distal.confidence, distal.steps, strict=True)
    captions = [f"{confidence:.2f}, {steps} steps" for confidence, steps in pairs]
    return captions[::IMAGES_PER_CLASS]


def _climb(
    network: keras.Model,
    labels: tf.Tensor,
    x: tf.Tensor,
    confidence: float,
    step_size: float,
    max_steps: int,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Climbs from x -> (images [n, H, W, C], log p(y|x) [n], steps taken [n])."""
    goal = tf.math.log(confidence)
    energy = _conditional_energy(network, labels)

    def step(k, x, log_p, steps):
        score = energies.score(energy, x)
        length = tf.sqrt(tf.reduce_sum(score**2, [1, 2, 3], keepdims=True))
        below = log_p < goal
        move = step_size * tf.math.divide_no_nan(score, length)
        moved = tf.clip_by_value(x + move, -1.0, 1.0)
        x = tf.where(below[:, None, None, None], moved, x)
        return k + 1, x, -energy(x), steps + tf.cast(below, tf.int32)

    state = 0, x, -energy(x), tf.zeros_like(labels)
    return tf.while_loop(
        lambda k, x, log_p, steps: (k < max_steps) & tf.reduce_any(log_p < goal),
        step,
        state,
        parallel_iterations=1,
    )[1:]


def _conditional_energy(
    network: keras.Model, labels: tf.Tensor
) -> Callable[[tf.Tensor], tf.Tensor]:
    return lambda x: -energies.log_p_y_given_x(network(x, training=False), labels)
