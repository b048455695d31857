"""A tiny run on digits to lower, and what its steps are in TensorFlow."""

import contextlib
import functools
import json

import numpy as np
import pytest
import tensorflow as tf

from jem_tf import options
from jem_tf.lowering import lowered_run, program
from jem_tf.lowering.noise import noise_of_cpu
from jem_tf.options import Options
from jem_tf.runs import build
from jem_tf.training import preparation

# Every feature of batches and starts: two batches, cropped and mirrored, with labels;
# and of the step: negatives of all kinds, averages, and two passes.
FEATURES = {
    "altered_weight": 0.3,
    "augment": True,
    "batch_size": 6,
    "buffer_size": 100,
    "checkpoint_every": 5,
    "conditional": True,
    "dataset": "digits",
    "ema": 0.9,
    "energy_l2": 0.01,
    "export": False,
    "flip": "true",
    "gradient_clip": 1.0,
    "learning_rate": 2e-3,
    "network": "convnet-8",
    "p_x_batch_size": 4,
    "p_x_images": "augmented",
    "p_x_y_weight": 0.3,
    "precision": "float32",
    "reinit_prob": 0.3,
    "restart_age": 1,
    "restart_stuck": 1.0,
    "sam_rho": 0.5,
    "sampler_steps": 2,
    "start": "gaussian:0.5,uniform:0.2,altered:0.3",
    "steps": 8,
    "steps_per_execution": 3,
    "warmup_steps": 2,
}
CLASSIFIER = FEATURES | {
    "conditional": False,
    "norm": "batch",
    "optimizer": "sgd",
    "p_x_images": "same",
    "p_x_batch_size": 0,
    "labels_per_class": 20,
    "p_x_weight": 0.0,
    "p_x_y_weight": 0.0,
    "altered_weight": 0.0,
    "sam_rho": 0.0,
}


def opts(workdir, base=FEATURES, **changes):
    return options.replace(Options(), base | {"workdir": str(workdir)} | changes)


def lower(place, base=FEATURES, **changes):
    """Lowers a run in place/run to place/lowered, and returns its manifest."""
    return lowered_run.lower_run(
        opts(place / "run", base, **changes), place / "lowered"
    )


def steps_in_tensorflow(opts, *, jit_compile=False):
    """(readings [steps, R], {variable: value}) of the run in a graph, or by XLA."""
    prepared = preparation.prepare(opts)
    steps = prepared.plan.steps
    model = preparation.make_trainable(opts, prepared.data, steps, prepared.team)
    learn = tf.function(model.learn, autograph=False, jit_compile=jit_compile)
    data = list(build.make_batches(opts, prepared.data, steps))
    with noise_of_cpu() if jit_compile else contextlib.nullcontext():
        rows = [learn(x, y) for x, y in data]
    values = {name: v.numpy() for name, v in program.variables_of(model).items()}
    return np.array([[float(v) for v in row.values()] for row in rows]), values


@functools.cache
def jax_runner():
    """The runner, in this process; each program is compiled once."""
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    from jem_tf.lowering import runner

    runner.compile_program = functools.cache(runner.compile_program)
    return runner


def run(place, *words):
    """Runs place/lowered, and returns the arrays of its checkpoint."""
    jax_runner().main([str(place / "lowered"), *map(str, words)])
    with np.load(place / "lowered" / "ckpt.npz") as file:
        return dict(file)


def manifest(place):
    return json.loads((place / "lowered" / "manifest.json").read_text())
