"""From options to the things they describe: model, buffer, sampler, batches."""

import functools
from typing import Any

import keras
import tensorflow as tf

from jem_tf import jem, networks, optimizers, replay, samplers, starts
from jem_tf.datasets import Dataset, batches, few_labels
from jem_tf.options import Options, Sampling, Training
from jem_tf.system import hardware

BUFFER_STREAM = 5  # of seeds; see datasets/batches.py for the others


def make_buffer(
    opts: Options,
    image_shape: tuple[int, ...],
    num_classes: int,
    *,
    start: starts.Start | None = None,
    **shards: Any,
) -> replay.ReplayBuffer | None:
    """Makes the replay buffer, or returns None where nothing is drawn.

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
        restart_stuck=sampling.restart_stuck,
        restart_age=sampling.restart_age,
        num_classes=num_classes if by_class else None,
        seed=(opts.training.seed, BUFFER_STREAM),
        **shards,
    )


def make_model(
    opts: Options,
    image_shape: tuple[int, ...],
    num_classes: int,
    buffer: replay.ReplayBuffer | None,
) -> jem.JEM:
    """Makes the model, not yet compiled.

    Call it in the run's `strategy.scope()`.

    Args:
      opts: Options.
      image_shape: (H, W, C).
      num_classes: K.
      buffer: what `make_buffer` returned.
    """
    objective = opts.objective
    sampler = make_sampler(opts.sampling)
    if hardware.compiles(opts.training.jit_compile) and tf.distribute.has_strategy():
        whole = samplers.compiled(sampler.func)
        sampler = functools.partial(whole, **sampler.keywords)
    return jem.JEM(
        make_network(opts, image_shape, num_classes),
        buffer=buffer,
        sampler=sampler,
        p_x_weight=objective.p_x_weight,
        p_y_given_x_weight=objective.p_y_given_x_weight,
        p_x_y_weight=objective.p_x_y_weight,
        label_smoothing=objective.label_smoothing,
        objective=objective.objective,
        altered_weight=objective.altered_weight,
        conditional=objective.conditional,
        energy_l2=objective.energy_l2,
        gradient_clip=objective.gradient_clip or None,
        input_noise=objective.input_noise,
        sam_rho=objective.sam_rho,
        sam_terms=objective.sam_terms,
        seed=opts.training.seed,
    )


def make_network(
    opts: Options,
    image_shape: tuple[int, ...],
    num_classes: int,
    *,
    precision: str | None = None,
    fused: bool = True,
) -> keras.Model:
    """Makes the network, with its initial weights.

    Args:
      opts, image_shape, num_classes: as for `make_model`.
      precision: a Keras dtype policy to compute in; the options' own if None.
      fused: as in `networks.layers.Layers`.
    """
    return networks.build(
        opts.network.network,
        image_shape,
        num_classes,
        norm=opts.network.norm,
        activation=opts.network.activation,
        seed=opts.training.seed,
        dtype=precision or choose_precision(opts)[0],
        fused=fused,
    )


def choose_precision(opts: Options) -> tuple[str, str]:
    """Chooses the Keras dtype policy of a run, as `hardware.choose_precision` does.

    Returns:
      (name of the policy, the reason in words, or "" if the options name it).
    """
    if opts.training.precision == "auto" and opts.sampling.sampler == "mala":
        return "float32", "mala compares energies that differ little"
    return hardware.choose_precision(opts.training.precision)


def make_sampler(sampling: Sampling, **changes: Any) -> functools.partial:
    """Makes the sampler that the options name, with its numbers bound.

    Args:
      sampling: Sampling.
      **changes: arguments of the sampler that replace the numbers of the options;
        None leaves the options' own.

    Returns:
      A `samplers.Sampler`; `.keywords` has the numbers.

    Raises:
      InputError: if the sampler does not take one of the changes.
    """
    numbers = {
        "step_size": sampling.step_size,
        "noise": sampling.step_noise,
        "temperature": sampling.temperature
        or sampling.step_noise**2 / (2 * sampling.step_size),
    }
    arguments = {
        "steps": sampling.sampler_steps,
        **{
            name: numbers[name]
            for name in samplers.hyperparameters_of(sampling.sampler)
        },
        "score_clamp": sampling.score_clamp or None,
        "range_clamp": sampling.range_clamp or None,
    }
    given = {name: value for name, value in changes.items() if value is not None}
    return samplers.build(sampling.sampler, **(arguments | given))


def make_start(
    opts: Options, data: Dataset, *, for_samples: bool = False
) -> starts.Start:
    """Makes the start that the options name from the training images.

    Class Gaussians are of the labelled images alone (`Data.labels_per_class`).

    Args:
      opts: Options.
      data: the data set of the run.
      for_samples: whether to leave out altered images, whose chains are no samples.
    """
    name, (images, labels) = opts.sampling.start, data.train
    name = starts.name_for_samples(name) if for_samples else name
    few = opts.data.labels_per_class
    known = few_labels.find_labelled(data, few) if few else None
    shape, classes = images.shape[1:], len(data.class_names)
    return starts.build(name, shape, images, labels, classes, labelled=known)


def make_batches(
    opts: Options, data: Dataset, steps: int, first: int = 0, **share: Any
) -> tf.data.Dataset:
    """Makes the batches of steps first .. steps - 1; see `batches.training_batches`."""
    return batches.training_batches(
        data, steps=steps, first=first, **batch_arguments(opts), **share
    )


def batch_arguments(opts: Options) -> dict[str, Any]:
    """The arguments of `batches.training_batches` that the options name."""
    objective, own = opts.objective, has_own_images(opts)
    return {
        "batch_size": opts.training.batch_size,
        "seed": opts.training.seed,
        "augment": opts.data.augment,
        "cutout": opts.data.cutout,
        "labels_per_class": opts.data.labels_per_class,
        "p_x_images": objective.p_x_images if own else None,
        "p_x_batch_size": p_x_batch_size(opts) if own else 0,
        "p_x_labels": learns_joint_of_own_images(opts),
    }


def has_own_images(opts: Options) -> bool:
    """Whether log p(x), or log p(x, y), has a batch of images of its own."""
    objective = opts.objective
    of_p_x = objective.p_x_weight > 0 and objective.p_x_images != "same"
    return of_p_x or learns_joint_of_own_images(opts)


def learns_joint_of_own_images(opts: Options) -> bool:
    """Whether log p(x, y) learns from that batch, which needs the labels of all."""
    objective, few = opts.objective, opts.data.labels_per_class > 0
    return objective.p_x_y_weight > 0 and objective.p_x_images != "same" and not few


def compile_model(model: jem.JEM, training: Training, steps: int) -> jem.JEM:
    """Compiles the model with the optimiser of a run of `steps` steps, and builds it.

    Call it in the run's `strategy.scope()`.
    """
    optimizer = optimizers.build(
        training.optimizer,
        learning_rate=training.learning_rate,
        steps=steps,
        warmup_steps=training.warmup_steps,
        schedule=training.schedule,
        decay_at=training.decay_at,
        decay_factor=training.decay_factor,
        weight_decay=training.weight_decay,
        kernel_l2=training.kernel_l2,
        ema=training.ema,
    )
    if hardware.choose_precision(training.precision)[0] == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    # XLA compiles no sum over replicas, were it one alone: only the sampler then.
    alone = not tf.distribute.has_strategy()
    whole = hardware.compiles(training.jit_compile) and alone
    model.compile(optimizer, jit_compile=whole)
    model.optimizer.build(model.trainable_weights)  # a checkpoint restores into it
    return model


def p_x_batch_size(opts: Options) -> int:
    """Images a step of E(real), and chains, of all replicas together."""
    own = opts.objective.p_x_batch_size if has_own_images(opts) else 0
    return own or opts.training.batch_size
