"""A tiny run on digits for the tests of lowering, and what its steps are in TensorFlow."""

import numpy as np
import tensorflow as tf

from jem_tf import options
from jem_tf.lowering import program
from jem_tf.options import Options
from jem_tf.runs import build
from jem_tf.training import preparation

# Every feature of batches and starts: two batches, cropped and mirrored, some labels.
FEATURES = {
    "augment": True,
    "batch_size": 6,
    "buffer_size": 100,
    "checkpoint_every": 5,
    "conditional": True,
    "dataset": "digits",
    "energy_l2": 0.01,
    "export": False,
    "flip": "true",
    "gradient_clip": 1.0,
    "labels_per_class": 20,
    "learning_rate": 5e-3,
    "network": "convnet-8",
    "p_x_batch_size": 4,
    "p_x_images": "augmented",
    "precision": "float32",
    "reinit_prob": 0.3,
    "sampler_steps": 2,
    "start": "mixed",
    "steps": 8,
    "steps_per_execution": 3,
    "warmup_steps": 2,
}
CLASSIFIER = FEATURES | {
    "conditional": False,
    "norm": "batch",
    "optimizer": "sgd",
    "p_x_images": "same",
    "p_x_weight": 0.0,
}


def opts(workdir, **changes):
    return options.replace(Options(), FEATURES | {"workdir": str(workdir)} | changes)


def steps_in_tensorflow(opts, count):
    """(readings [count, R], {variable: value}, names) of steps that `train` takes."""
    prepared = preparation.prepare(opts)
    model = preparation.make_trainable(
        opts, prepared.data, prepared.plan.steps, prepared.team
    )
    learn = tf.function(model.learn, autograph=False)
    batches = build.make_batches(opts, prepared.data, count)
    rows = [learn(x, y) for x, y in batches]
    values = {name: v.numpy() for name, v in program.variables_of(model).items()}
    return np.array([[float(v) for v in row.values()] for row in rows]), values, [*rows[0]]
