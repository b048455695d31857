"""Does log p(x) tell images from uniform noise?"""

import tensorflow as tf

from jem_tf import energies
from jem_tf.evaluation import inference
from jem_tf.metrics import ood


def against_noise(model, image_logits, image_shape, *, seed=0):
    """Compares log p(x) + const of images and of as many images of U(-1, 1) noise.

    Args:
      model: a JEM.
      image_logits: float [N, K], its logits of the images.
      image_shape: (H, W, C).
      seed: int, of the noise.

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
