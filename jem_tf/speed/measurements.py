"""Measures a training step, and its parts, of a network on random images."""

import time

import tensorflow as tf

from jem_tf.runs import build
from jem_tf.speed import flops, timing
from jem_tf.system import hardware

CLASSES = 10


def train(opts, team, image_shape, repeats):
    """Times whole training steps -> (model, {name: number}).

    Args:
      opts: Options.
      team: Cluster, whose replicas share the batch.
      image_shape: (H, W, C).
      repeats: steps, after a first one that traces.

    Returns:
      The model, and `seconds`, `images_per_second` (of the cross-entropy's batch),
      `gflops` (GFLOP/s, see `flops`), `first_step_seconds`, `peak_memory_gb`.
    """
    buffer = build.make_buffer(
        opts, image_shape, CLASSES, devices=team.devices, replicas=team.replicas
    )
    with team.strategy.scope():
        model = build.make_model(opts, image_shape, CLASSES, buffer)
        build.compile_model(model, opts.training, 1000)
    batch, real, drawn = sizes(opts)
    x, y = _images(batch // team.replicas, image_shape), _labels(batch // team.replicas)
    if opts.objective.p_x_images != "same" and drawn:
        x = {"labelled": x, "real": _images(real // team.replicas, image_shape)}

    @tf.function
    def step():
        losses = team.strategy.run(lambda: model.learn(x, y)["loss"])
        return team.strategy.reduce("mean", losses, axis=None)

    begin = time.perf_counter()
    step().numpy()
    first = time.perf_counter() - begin
    spent = timing.seconds(step, repeats)
    work = flops.chain(model.network, drawn, opts.sampling.sampler_steps)
    work += flops.update(model.network, batch + real + drawn)
    return model, rates(spent, batch, work) | {
        "first_step_seconds": first,
        "peak_memory_gb": timing.peak_memory() / 1e9,
    }


def sizes(opts):
    """Images a step: (labelled, of log p(x) alone, drawn)."""
    drawn = build.p_x_batch_size(opts) if opts.objective.p_x_weight else 0
    own = opts.objective.p_x_images != "same"
    return opts.training.batch_size, drawn * own, drawn


def chain(model, opts, repeats):
    """Times the negative phase alone: SGLD chains from the buffer and back."""
    n, steps = sizes(opts)[2], opts.sampling.sampler_steps
    dream = tf.function(lambda: model.dream(n, tf.constant([0, 0]))[0])
    spent = timing.seconds(dream, repeats)
    return rates(spent, n, flops.chain(model.network, n, steps))


def evaluation(model, opts, image_shape, repeats):
    """Times logits of a batch."""
    n = opts.training.batch_size
    images = _images(n, image_shape)
    spent = timing.seconds(lambda: model.logits(images), repeats)
    return rates(spent, n, n * flops.forward(model.network))


def feed(opts, data, step_seconds, steps):
    """Times the batches of a data set, without a step that uses them.

    Returns:
      {"seconds" a batch, "share" of a training step of so many seconds}.
    """
    taken = iter(build.make_batches(opts, data, steps + 1))
    next(taken)
    begin = time.perf_counter()
    for _ in range(steps):
        next(taken)
    spent = (time.perf_counter() - begin) / steps
    return {"seconds": spent, "share": spent / step_seconds}


def peaks(opts, repeats):
    """What this machine reaches: {"convolution", "product": GFLOP/s}."""
    policy = hardware.choose_precision(opts.training.precision)[0]
    dtype = policy.removeprefix("mixed_")
    return {
        "convolution": timing.convolution_peak(dtype, repeats),
        "product": timing.product_peak(dtype, repeats),
    }


def rates(spent, images, work):
    """{"seconds", "images_per_second", "gflops"} of so much work."""
    return {
        "seconds": spent,
        "images_per_second": images / spent,
        "gflops": work / spent / 1e9,
    }


def _images(n, shape):
    return tf.random.stateless_uniform([n, *shape], [0, 1], -1, 1)


def _labels(n):
    return tf.random.stateless_uniform([n], [0, 2], 0, CLASSES, tf.int32)
