"""From options to the things they describe: buffer, model, batches, optimiser."""

import functools

import keras
import tensorflow as tf

from jem_tf import datasets, jem, networks, optimizers, replay, samplers, starts; from jem_tf.system import hardware
from jem_tf.datasets import batches
from jem_tf.errors import InputError

BUFFER_STREAM = 5  # of seeds; see datasets/batches.py for the others
UNIFORM_SHARE = 0.1  # of chains in the mixed start
GAUSSIAN_IMAGES = 20_000  # at most so many training images make the Gaussian start


def buffer(opts, image_shape, num_classes, *, start=None, **shards):
    """The replay buffer that `opts` describe, or None where nothing is drawn.

    Call it outside any `strategy.scope()`.

    Args:
      opts: Options.
      image_shape: (H, W, C).
      num_classes: K.
      start: where chains start, see `starts`; U(-1, 1) if None.
      shards: `devices`, `replicas` and `first_replica` of the ReplayBuffer.
    """
    objective, sampling = opts.objective, opts.sampling
    if not objective.generative:
        return None
    by_class = objective.conditional or objective.p_x_y_weight > 0
    return replay.ReplayBuffer(
        sampling.buffer_size,
        start or starts.uniform(image_shape),
        reinit_prob=sampling.reinit_prob,
        num_classes=num_classes if by_class else None,
        seed=(opts.training.seed, BUFFER_STREAM),
        **shards,
    )


def build(opts, image_shape, num_classes, replay_buffer):
    """The model that `opts` describe, not yet compiled.

    Call it in the run's `strategy.scope()`.

    Args:
      opts: Options.
      image_shape: (H, W, C).
      num_classes: K.
      replay_buffer: what `buffer` returned.

    Returns:
      JEM.
    """
    objective = opts.objective
    walk = samplers.sgld
    if hardware.compiles(opts.training.jit_compile) and _replicas() > 1:
        walk = samplers.compiled(walk)
    return jem.JEM(
        network(opts, image_shape, num_classes),
        buffer=replay_buffer,
        sampler=sampler(opts.sampling, walk),
        p_x_weight=objective.p_x_weight,
        p_y_given_x_weight=objective.p_y_given_x_weight,
        p_x_y_weight=objective.p_x_y_weight,
        conditional=objective.conditional,
        energy_l2=objective.energy_l2,
        gradient_clip=objective.gradient_clip or None,
        input_noise=objective.input_noise,
        seed=opts.training.seed,
    )


def network(opts, image_shape, num_classes, *, precision=None, fused=True):
    """The network that `opts` describe, with its initial weights.

    Args:
      opts, image_shape, num_classes: as for `build`.
      precision: a Keras dtype policy to compute in; what --precision says if None.
      fused: as of `networks.layers.Layers`.
    """
    return networks.build(
        opts.network.network,
        image_shape,
        num_classes,
        norm=opts.network.norm,
        activation=opts.network.activation,
        seed=opts.training.seed,
        dtype=precision or hardware.precision(opts.training.precision)[0],
        fused=fused,
    )


def sampler(sampling, walk=samplers.sgld, **changes):
    """`walk`, of samplers.py, with the arguments that `Sampling` options describe."""
    arguments = {
        "steps": sampling.sgld_steps,
        "step_size": sampling.sgld_step_size,
        "noise": sampling.sgld_noise,
        "gradient_clamp": sampling.sgld_gradient_clamp or None,
        "range_clamp": sampling.sgld_range_clamp or None,
    }
    return functools.partial(walk, **(arguments | changes))


def check(opts, replicas):
    """Raises InputError where options contradict each other."""
    objective, size = opts.objective, opts.training.batch_size
    if not objective.generative and not objective.p_y_given_x_weight:
        raise InputError(
            "--p_x_weight, --p_y_given_x_weight, --p_x_y_weight are all 0; raise one."
        )
    drawn = p_x_batch_size(opts)
    for flag, value in (("batch_size", size), ("p_x_batch_size", drawn)):
        if value % replicas:
            raise InputError(
                f"--{flag}={value} does not divide among {replicas} replicas; "
                f"choose a multiple of {replicas}."
            )
    chains = max(
        bool(objective.p_x_weight) * drawn, bool(objective.p_x_y_weight) * size
    )
    if opts.sampling.buffer_size < chains:
        raise InputError(
            f"--buffer_size={opts.sampling.buffer_size} is smaller than a batch of "
            f"{chains} chains; raise it."
        )
    if objective.p_x_weight and objective.p_x_images == "same":
        _check_same_images(opts)


def _check_same_images(opts):
    size, drawn = opts.training.batch_size, p_x_batch_size(opts)
    if drawn != size:
        raise InputError(
            f"--p_x_images=same takes the cross-entropy's {size} images; leave "
            f"--p_x_batch_size={drawn} out or choose other --p_x_images."
        )
    if opts.data.labels_per_class:
        raise InputError(
            f"--labels_per_class={opts.data.labels_per_class} needs other images for "
            "log p(x); choose --p_x_images=augmented or plain."
        )


def p_x_batch_size(opts):
    """Images and chains a step for log p(x), all replicas."""
    return opts.objective.p_x_batch_size or opts.training.batch_size


def start(opts, data):
    """Where chains start, see `starts`: what --start says, of the training images."""
    images, labels = data.train
    if opts.sampling.start == "uniform":
        return starts.uniform(images.shape[1:])
    some = datasets.pixels(images[:GAUSSIAN_IMAGES]).numpy()
    gaussian = starts.gaussian(some, labels[:GAUSSIAN_IMAGES], len(data.class_names))
    if opts.sampling.start == "gaussian":
        return gaussian
    return starts.mixture(starts.uniform(images.shape[1:]), gaussian, UNIFORM_SHARE)


def feed(opts, data, steps, first=0, **share):
    """The batches of steps first .. steps - 1; see `datasets.batches.training`."""
    objective = opts.objective
    own = objective.p_x_weight > 0 and objective.p_x_images != "same"
    return batches.training(
        data,
        steps=steps,
        batch_size=opts.training.batch_size,
        seed=opts.training.seed,
        augment=opts.data.augment,
        labels_per_class=opts.data.labels_per_class,
        real=objective.p_x_images if own else None,
        real_batch_size=p_x_batch_size(opts) if own else 0,
        first=first,
        **share,
    )


def compile_for(model, training, steps):
    """Compiles the model with the optimiser of a run of so many steps, and builds it.

    Call it in the run's `strategy.scope()`.
    """
    optimizer = optimizers.build(
        training.optimizer,
        learning_rate=training.learning_rate,
        steps=steps,
        warmup_steps=training.warmup_steps,
        schedule=training.schedule,
        weight_decay=training.weight_decay,
    )
    if hardware.precision(training.precision)[0] == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    whole = hardware.compiles(training.jit_compile) and _replicas() == 1
    model.compile(optimizer, jit_compile=whole)
    model.optimizer.build(model.trainable_weights)  # a checkpoint restores into it
    return model


def _replicas():
    return tf.distribute.get_strategy().num_replicas_in_sync
