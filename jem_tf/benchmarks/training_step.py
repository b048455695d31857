"""Measures a training step of a network, and its parts, on random images."""

import time
from typing import NamedTuple

import tensorflow as tf

from jem_tf.benchmarks import flops, timing
from jem_tf.datasets import Dataset
from jem_tf.jem import JEM
from jem_tf.optimizers import sharpness
from jem_tf.options import Options
from jem_tf.runs import build
from jem_tf.training.cluster import Cluster

CLASSES = 10


class StepImages(NamedTuple):
    """Numbers of images in a training step, of all replicas together."""

    labelled: int
    real: int  # for log p(x) and log p(x, y) alone
    drawn: int
    altered: int  # negatives without a chain


def measure_training(
    opts: Options, team: Cluster, image_shape: tuple[int, ...], repeats: int
) -> tuple[JEM, dict[str, float]]:
    """Times whole training steps.

    Args:
      opts: Options.
      team: Cluster whose replicas share the batch.
      image_shape: (H, W, C).
      repeats: how many steps are timed, after a first one that traces.

    Returns:
      The model, and {name: number} of `seconds`, `images_per_second` (of the
      cross-entropy's batch), `gflops` (GFLOP/s, see `flops`), `first_step_seconds`,
      `peak_memory_gb`.
    """
    buffer = build.make_buffer(
        opts, image_shape, CLASSES, devices=team.devices, replicas=team.replicas
    )
    with team.strategy.scope():
        model = build.make_model(opts, image_shape, CLASSES, buffer)
        build.compile_model(model, opts.training, 1000)
    counts = count_images(opts)
    labelled, real, drawn, _ = counts
    x = _images(labelled // team.replicas, image_shape)
    y = _labels(labelled // team.replicas)
    if real:
        x = {"labelled": x, "real": _images(real // team.replicas, image_shape)}
    if build.learns_joint_of_own_images(opts):
        y = {"labelled": y, "real": _labels(real // team.replicas)}

    @tf.function(autograph=False)
    def step() -> tf.Tensor:
        losses = team.strategy.run(lambda: model.learn(x, y)["loss"])
        return team.strategy.reduce("mean", losses, axis=None)

    begin = time.perf_counter()
    step().numpy()
    first = time.perf_counter() - begin
    seconds = timing.measure_seconds(step, repeats)
    steps = opts.sampling.sampler_steps
    work = flops.chain_flops(model.network, drawn, steps=steps)
    work += count_learning(model, counts)
    return model, compute_rates(seconds, images=labelled, work=work) | {
        "first_step_seconds": first,
        "peak_memory_gb": timing.read_peak_memory() / 1e9,
    }


def count_images(opts: Options) -> StepImages:
    """Counts the images of a training step."""
    objective, labelled = opts.objective, opts.training.batch_size
    size = build.p_x_batch_size(opts)
    joint = size if build.learns_joint_of_own_images(opts) else labelled
    drawn = size * (objective.p_x_weight > 0) + joint * (objective.p_x_y_weight > 0)
    real = size if build.has_own_images(opts) else 0
    altered = (real or labelled) if objective.altered_weight else 0
    return StepImages(labelled, real, drawn, altered)


def count_learning(model: JEM, counts: StepImages) -> int:
    """Counts the floating-point operations of a step beside its chains."""
    if model.in_two_passes and counts.real:
        others = sum(counts) - counts.labelled
        once = flops.count_update(model.network, counts.labelled)
        return once + flops.count_update(model.network, others, forward=2, backward=2)
    passes = sharpness.count_passes(model.sam_rho, model.sam_terms)
    return flops.count_update(model.network, sum(counts), **passes)


def measure_chain(model: JEM, opts: Options, repeats: int) -> dict[str, float]:
    """Times the negative phase alone: the chains from the buffer and back into it."""
    n, steps = count_images(opts).drawn, opts.sampling.sampler_steps
    seed = tf.constant([0, 0])
    draw = tf.function(lambda: model.draw_negatives(n, seed)[0], autograph=False)
    seconds = timing.measure_seconds(draw, repeats)
    work = flops.chain_flops(model.network, n, steps=steps)
    return compute_rates(seconds, images=n, work=work)


def measure_evaluation(
    model: JEM, opts: Options, image_shape: tuple[int, ...], repeats: int
) -> dict[str, float]:
    """Times the logits of a batch."""
    n = opts.training.batch_size
    images = _images(n, image_shape)
    seconds = timing.measure_seconds(lambda: model.logits(images), repeats)
    work = n * flops.count_forward(model.network)
    return compute_rates(seconds, images=n, work=work)


def measure_feed(
    opts: Options, data: Dataset, step_seconds: float, steps: int
) -> dict[str, float]:
    """Times the batches of a data set, without a step that uses them.

    Returns:
      {"seconds": for a batch, "share": these seconds over `step_seconds`}.
    """
    batches = iter(build.make_batches(opts, data, steps + 1))
    next(batches)
    begin = time.perf_counter()
    for _ in range(steps):
        next(batches)
    seconds = (time.perf_counter() - begin) / steps
    return {"seconds": seconds, "share": seconds / step_seconds}


def measure_peaks(opts: Options, repeats: int) -> dict[str, float]:
    """The rates that this machine reaches: {"convolution", "product": GFLOP/s}."""
    policy = build.choose_precision(opts)[0]
    dtype = policy.removeprefix("mixed_")
    return {
        "convolution": timing.measure_convolution_peak(dtype, repeats),
        "product": timing.measure_product_peak(dtype, repeats),
    }


def compute_rates(seconds: float, *, images: int, work: float) -> dict[str, float]:
    """Computes the rates of work that took `seconds`.

    Args:
      seconds: time of the work.
      images: number of images in it.
      work: floating-point operations in it.

    Returns:
      {"seconds", "images_per_second", "gflops"}.
    """
    return {
        "seconds": seconds,
        "images_per_second": images / seconds,
        "gflops": work / seconds / 1e9,
    }


def _images(n: int, shape: tuple[int, ...]) -> tf.Tensor:
    return tf.random.stateless_uniform([n, *shape], [0, 1], -1, 1)


def _labels(n: int) -> tf.Tensor:
    return tf.random.stateless_uniform([n], [0, 2], 0, CLASSES, tf.int32)
