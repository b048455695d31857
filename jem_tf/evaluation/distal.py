"""Distal adversarials: noise driven to a confident class (the paper's figure 6).

A classifier that knows what its images look like must turn the noise into one.
"""

import collections

import numpy as np
import tensorflow as tf

from jem_tf import energies
from jem_tf.figures import image_grids

CLASSES, EACH = 10, 4  # the first ten classes at most, four images of noise each
STEP, MOST = 0.1, 1000
# images [n, H, W, C] in [-1, 1], labels, confidence p(y|x) and steps taken, each [n]
Distal = collections.namedtuple("Distal", "images labels confidence steps")


def driven(model, *, confidence=0.9, step_size=STEP, most=MOST, seed=0):
    """Climbs log p(y|x) from U(-1, 1) noise until p(y|x) >= confidence.

    Args:
      model: a Classifier.
      confidence: in (0, 1); an image that has it stays as it is.
      step_size: L2 length of a step, in pixels of [-1, 1], which the range clamps.
      most: steps after which it is given up.
      seed: int, of the noise.

    Returns:
      Distal, class by class.
    """
    shape = model.network.input_shape[1:]
    labels = tf.repeat(tf.range(min(CLASSES, model.num_classes)), EACH)
    start = tf.random.stateless_uniform([len(labels), *shape], [seed, 0], -1.0, 1.0)
    climb = tf.function(_climb)
    x, log_p, steps = climb(model.network, labels, start, confidence, step_size, most)
    return Distal(x.numpy(), labels.numpy(), np.exp(log_p), steps.numpy())


def measure(models, class_names, *, confidence=0.9, most=MOST, seed=0):
    """Drives noise by each model, and shows the first image of each class.

    Args:
      models: {"run": a Classifier, and another in a row beneath, or none}.
      class_names: [K].
      confidence, most, seed: as in `driven`.

    Returns:
      ({metric of "run": number}, a matplotlib figure).
    """
    found = {
        name: driven(model, confidence=confidence, most=most, seed=seed)
        for name, model in models.items()
    }
    run = found["run"]
    metrics = {
        "distal/confidence": float(run.confidence.mean()),
        "distal/reached": float(np.mean(run.confidence >= confidence)),
        "distal/steps": float(run.steps.mean()),
    }
    rows = {name: of.images[::EACH] for name, of in found.items()}
    captions = {
        name: [
            f"{p:.2f}, {n} steps" for p, n in zip(of.confidence, of.steps, strict=True)
        ]
        for name, of in found.items()
    }
    captions = {name: of[::EACH] for name, of in captions.items()}
    return metrics, image_grids.strip(rows, captions, class_names[:CLASSES])


def protocol(*, confidence, most, seed):
    """What a protocol says of `measure`."""
    return {
        "from": f"U(-1, 1), {EACH} images a class, the first {CLASSES} classes at most",
        "climbs": f"log p(y|x) of the plain network, in steps of L2 length {STEP} in "
        f"[-1, 1], clamped there, until p(y|x) >= {confidence}; at most {most}",
        "steps": f"mean, those that never reached it counting {most}",
        "seed": seed,
    }


def _climb(network, labels, x, confidence, step_size, most):
    goal = tf.math.log(confidence)

    def energy(x):
        return -energies.log_p_y_given_x(network(x, training=False), labels)

    def step(k, x, log_p, steps):
        up = energies.score(energy, x)
        length = tf.sqrt(tf.reduce_sum(up**2, [1, 2, 3], keepdims=True))
        going = log_p < goal
        move = step_size * tf.math.divide_no_nan(up, length)
        moved = tf.clip_by_value(x + move, -1.0, 1.0)
        x = tf.where(going[:, None, None, None], moved, x)
        return k + 1, x, -energy(x), steps + tf.cast(going, tf.int32)

    state = 0, x, -energy(x), tf.zeros_like(labels)
    return tf.while_loop(
        lambda k, x, log_p, steps: (k < most) & tf.reduce_any(log_p < goal),
        step,
        state,
        parallel_iterations=1,
    )[1:]
