"""Scores of how likely images are under a model: the paper's three, and the energy.

    log_px            log p(x) + const = logsumexp f(x)               (section 5.3.1)
    max_p             max p(y|x)                                      (section 5.3.2)
    approximate_mass  -||d log p(x) / dx||_2                          (section 5.3.3)
    energy            T logsumexp(f(x) / T), Liu et al. (NeurIPS 2020, equation 4)

Higher means likelier. Letters: N images, K classes.
"""

import collections

import numpy as np
import scipy.special
import tensorflow as tf

from jem_tf import energies
from jem_tf.evaluation import answers

BATCH = 250

Read = collections.namedtuple("Read", "logits slope")


def read(model, images, *, progress=None):
    """What all scores are made of: one pass forward and one back.

    Args:
      model: a JEM.
      images: uint8 [N, H, W, C], or float in [-1, 1].
      progress: what a bar on the terminal calls them.

    Returns:
      Read(logits float32 [N, K]; slope float32 [N], the norm of d log p(x)/dx, in nats
      a unit of pixel value).
    """
    found = answers.each_batch(
        _reader(model), images, batch_size=BATCH, progress=progress
    )
    return Read(found[:, :-1], found[:, -1])


def of(found, *, temperature):
    """{score: float [N]} of a `Read`; `temperature` is the energy's T."""
    ascending = np.sort(found.logits, axis=1)
    odds = ascending[:, -1] - scipy.special.logsumexp(ascending[:, :-1], axis=1)
    energy = temperature * scipy.special.logsumexp(found.logits / temperature, axis=1)
    return {
        "log_px": scipy.special.logsumexp(found.logits, axis=1),
        "max_p": odds,  # log-odds of it: the same order, and none rounds to 1
        "approximate_mass": -found.slope,
        "energy": energy,
    }


def _reader(model):
    @tf.function(reduce_retracing=True)
    def logits_and_slope(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            logits = model.network(x, training=False)
            energy = energies.marginal_energy(logits)
        slope = tf.reshape(tape.gradient(energy, x), [tf.shape(x)[0], -1])
        return tf.concat([logits, tf.norm(slope, axis=1)[:, None]], axis=1)

    return logits_and_slope
