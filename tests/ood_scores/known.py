"""Outputs of an imagined network with a last Dense layer, as scores take them.

The features of a class lie about its own axis; the axes behind those have noise alone.
"""

import numpy as np

from jem_tf.ood_scores.interface import Known, Labelled, Outputs

CLASSES, FEATURES = 3, 8
GENERATOR = np.random.default_rng(0)
KERNEL = np.eye(FEATURES, CLASSES) + 0.1 * GENERATOR.normal(size=[FEATURES, CLASSES])
INITIAL_KERNEL = KERNEL + 0.1 * GENERATOR.normal(size=[FEATURES, CLASSES])
BIAS = GENERATOR.normal(size=CLASSES)
MEANS = 4 * np.eye(CLASSES, FEATURES)
FAR = 4 * np.eye(1, FEATURES, FEATURES - 1)  # [1, D] on the last axis


def outputs(features, seed=0):
    """Outputs float32 for features [N, D]; the norms are random, and so is what the
    initial network adds to the features."""
    generator = np.random.default_rng(seed)
    norms = np.exp(generator.normal(size=len(features)))
    logits = features @ KERNEL + BIAS
    other = features + 0.1 * generator.normal(size=features.shape)
    columns = (logits, features, norms, other @ INITIAL_KERNEL + BIAS, other)
    return Outputs(*(np.asarray(column, "float32") for column in columns))


def labelled(n, seed):
    generator = np.random.default_rng(seed)
    labels = np.arange(n) % CLASSES
    noise = 0.5 * generator.normal(size=[n, FEATURES])
    return Labelled(outputs(MEANS[labels] + noise, seed), labels)


def known(n=600):
    splits = labelled(n, 1), labelled(n // 2, 2)
    return Known(*splits, KERNEL, BIAS, INITIAL_KERNEL, BIAS)
