"""Measurements that a run makes while it trains and when it ends.

They are accuracy and calibration on labelled images, log p(x) of images compared with
noise, samples for figures, and the state of the chains in the replay buffer.

Letters: N images [H, W, C], K classes.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from jem_tf import energies
from jem_tf.energy_model import EnergyModel
from jem_tf.evaluation import inference
from jem_tf.metrics import calibration, ood
from jem_tf.replay import UNKNOWN_AGE, ReplayBuffer, sample_slots

GRID, CANDIDATES = 100, 4  # images of a figure; chains an image
CLASSIFIED = 1000  # about how many images of the buffer are classified


def classification_metrics(
    logits: Any, labels: Any, *, bins: int = calibration.BINS
) -> dict[str, float]:
    """Measures how well logits classify, and whether confidence matches accuracy.

    Args:
      logits: float [N, K].
      labels: int [N] in [0, K).
      bins: of the expected calibration error.

    Returns:
      {"accuracy" in [0, 1], "nll": mean -log p(y|x) in nats, "ece" in [0, 1]}; of a
      network that diverged, which knows nothing: 0, NaN, NaN.
    """
    labels = np.asarray(labels)
    if not np.isfinite(logits).all():
        return {"accuracy": 0.0, "nll": float("nan"), "ece": float("nan")}
    return {
        "accuracy": float(np.mean(np.argmax(logits, axis=1) == labels)),
        "nll": float(-tf.reduce_mean(energies.log_p_y_given_x(logits, labels))),
        "ece": calibration.expected_calibration_error(logits, labels, bins=bins),
    }


def compare_with_noise(
    model: EnergyModel,
    image_logits: np.ndarray,
    image_shape: tuple[int, ...],
    *,
    seed: int = 0,
) -> dict[str, float]:
    """Compares log p(x) + const of images and of as many images of U(-1, 1) noise.

    Args:
      model: gives the logits of the noise.
      image_logits: float [N, K], its logits of the images.
      image_shape: (H, W, C).
      seed: of the noise.

    Returns:
      {"log_px_test", "log_px_noise": means in nats, "auroc_noise": in [0, 1]}.
    """
    shape = [len(image_logits), *image_shape]
    noise = tf.random.stateless_uniform(shape, [seed, 0], -1.0, 1.0)
    inside = -energies.marginal_energy(image_logits).numpy()
    outside = -energies.marginal_energy(inference.logits(model, noise)).numpy()
    return {
        "log_px_test": float(inside.mean()),
        "log_px_noise": float(outside.mean()),
        "auroc_noise": ood.auroc(inside, outside),
    }


def draw_preview(model: EnergyModel, n: int = GRID, *, seed: int = 0) -> tf.Tensor:
    """Draws the images that a run's figure and TensorBoard show.

    One of CANDIDATES chains becomes an image, see `EnergyModel.preview`.

    Args:
      model: has a replay buffer.
      n: how many images.
      seed: int.

    Returns:
      float32 [n, H, W, C], about in [-1, 1].
    """
    return model.preview(n, candidates=CANDIDATES, seed=seed)


def chain_ages(buffer: ReplayBuffer) -> dict[str, float | int]:
    """Measures how often the samples among this process's chains were continued.

    If there are no samples, it measures the other chains.

    Returns:
      {"chain_age_mean": float, "chain_age_max": int}; the age of a chain is the number
      of training steps that continued it. UNKNOWN_AGE if one is not known.
    """
    ages, samples = buffer.all_ages(), buffer.are_samples()
    ages = ages[samples] if samples.any() else ages
    if (ages == UNKNOWN_AGE).any():
        return {"chain_age_mean": float(UNKNOWN_AGE), "chain_age_max": UNKNOWN_AGE}
    return {"chain_age_mean": float(ages.mean()), "chain_age_max": int(ages.max())}


def buffer_classes(model: EnergyModel) -> np.ndarray:
    """Counts the classes that the model gives to about 1,000 samples of its buffer.

    Args:
      model: its buffer has samples.

    Returns:
      int [K].
    """
    samples = np.flatnonzero(sample_slots.is_sample(model.buffer.origins.numpy()))
    chosen = samples[:: max(1, len(samples) // CLASSIFIED)]
    images = tf.gather(model.buffer.shard, chosen)
    predicted = np.argmax(inference.logits(model, images), axis=1)
    return np.bincount(predicted, minlength=model.num_classes)
