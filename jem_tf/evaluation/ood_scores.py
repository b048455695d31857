"""Scores of how likely images are under a model: the paper's three, and the energy.

    log_px            log p(x) + const = logsumexp f(x)               (section 5.3.1)
    max_p             max p(y|x)                                      (section 5.3.2)
    approximate_mass  -||d log p(x) / dx||_2                          (section 5.3.3)
    energy            T logsumexp(f(x) / T), Liu et al. (NeurIPS 2020, equation 4)

Higher means likelier. Letters: N images, K classes.
"""

import collections
import functools

import numpy as np
import tensorflow as tf

from jem_tf import energies
from jem_tf.evaluation import inference

BATCH = 250

Read = collections.namedtuple("Read", "logits slope")


def read(model, images, *, progress=None, reader=None):
    """What all scores are made of: one pass forward and one back.

    Args:
      model: a JEM.
      images: uint8 [N, H, W, C], or float in [-1, 1].
      progress: what a bar on the terminal calls them.
      reader: `both` of the model as a graph, if there is one already.

    Returns:
      Read(logits float32 [N, K]; slope float32 [N], the norm of d log p(x)/dx, in nats
      a unit of pixel value).
    """
    if reader is None:
        reader = tf.function(functools.partial(both, model), reduce_retracing=True)
    found = inference.each_batch(reader, images, batch_size=BATCH, progress=progress)
    return Read(found[:, :-1], found[:, -1])


def both(model, x):
    """Images float32 [B, H, W, C] in [-1, 1] -> logits and, last, slope: [B, K + 1]."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        logits = model.network(x, training=False)
        energy = energies.marginal_energy(logits)
    slope = tf.reshape(tape.gradient(energy, x), [tf.shape(x)[0], -1])
    return tf.concat([logits, tf.norm(slope, axis=1)[:, None]], axis=1)


def of(found, *, temperature):
    """{score: numpy [N]} of a `Read`: the paper's, and the energy with its T."""
    logits = tf.convert_to_tensor(found.logits)
    energy = temperature * tf.reduce_logsumexp(logits / temperature, axis=1)
    found = paper(found) | {"energy": energy}
    return {name: np.asarray(score) for name, score in found.items()}


def paper(found):
    """{score: tensor [N]} of a `Read`: the paper's three."""
    ascending = tf.sort(found.logits, axis=1)
    odds = ascending[:, -1] - tf.reduce_logsumexp(ascending[:, :-1], axis=1)
    return {
        "log_px": -energies.marginal_energy(found.logits),
        "max_p": odds,  # log-odds of it: the same order, and none rounds to 1
        "approximate_mass": -found.slope,
    }
