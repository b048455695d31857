"""Refuses options that contradict each other, before anything is made of them."""

from jem_tf import samplers, starts
from jem_tf.errors import InputError, argument
from jem_tf.optimizers import schedules, sharpness
from jem_tf.options import Options, Sampling
from jem_tf.runs import build


def check_options(opts: Options, replicas: int) -> None:
    """Raises InputError where options contradict each other."""
    objective, size = opts.objective, opts.training.batch_size
    if not objective.generative and not objective.p_y_given_x_weight:
        raise InputError(
            f"{argument('p_x_weight')}, {argument('p_y_given_x_weight')}, "
            f"{argument('p_x_y_weight')} are all 0; raise one."
        )
    drawn = build.p_x_batch_size(opts)
    for name, value in (("batch_size", size), ("p_x_batch_size", drawn)):
        if value % replicas:
            raise InputError(
                f"{argument(name, value)} does not divide among {replicas} replicas; "
                f"choose a multiple of {replicas}."
            )
    joint = drawn if build.learns_joint_of_own_images(opts) else size
    chains = max(
        bool(objective.p_x_weight) * drawn, bool(objective.p_x_y_weight) * joint
    )
    if objective.altered_weight and not objective.generative:
        raise InputError(
            f"{argument('altered_weight', objective.altered_weight)} is not used "
            f"without log p(x); give {argument('p_x_weight')} a value above 0."
        )
    if opts.sampling.buffer_size < chains:
        raise InputError(
            f"{argument('buffer_size', opts.sampling.buffer_size)} is smaller than a "
            f"batch of {chains} chains; raise it."
        )
    schedules.parse_shares(opts.training.decay_at)  # raises if there are none
    sharpness.check(objective.sam_rho, objective.sam_terms, objective.generative)
    if objective.generative and objective.p_x_images == "same":
        _check_same_images(opts)
    elif objective.generative and not build.has_own_images(opts):
        _check_few_labels(opts)
    _check_temperature(opts.sampling)
    starts.name_for_samples(opts.sampling.start)  # raises if there is no such start
    _check_augmentation(opts)


def _check_augmentation(opts: Options) -> None:
    data, objective = opts.data, opts.objective
    for name, value, given in (
        ("flip", "true", data.flip == "true"),
        ("cutout", data.cutout, data.cutout > 0),
    ):
        if given and not data.augment:
            raise InputError(
                f"{argument(name, value)} is not used with "
                f"{argument('augment', 'false')}; leave one of them out."
            )
    same = objective.generative and objective.p_x_images == "same"
    few = objective.p_x_y_weight > 0 and data.labels_per_class > 0
    if data.cutout and (same or few):
        reason = (
            argument("p_x_images", "same")
            if same
            else argument("labels_per_class", data.labels_per_class)
        )
        raise InputError(
            f"{argument('cutout', data.cutout)} is for the cross-entropy alone, and "
            f"with {reason} the density would learn cut images; leave one of them out."
        )


def _check_same_images(opts: Options) -> None:
    size = opts.training.batch_size
    drawn = opts.objective.p_x_batch_size or size
    if drawn != size:
        raise InputError(
            f"{argument('p_x_images', 'same')} takes the cross-entropy's {size} "
            f"images; leave {argument('p_x_batch_size', drawn)} out or choose other "
            f"{argument('p_x_images')}."
        )
    if opts.data.labels_per_class and opts.objective.p_x_weight:
        raise InputError(
            f"{argument('labels_per_class', opts.data.labels_per_class)} needs other "
            f"images for log p(x); choose {argument('p_x_images', 'augmented')} or "
            "plain."
        )


def _check_few_labels(opts: Options) -> None:
    """log p(x, y) of few labels alone learns from the cross-entropy's images."""
    if opts.objective.p_x_batch_size not in (0, opts.training.batch_size):
        raise InputError(
            f"{argument('p_x_batch_size', opts.objective.p_x_batch_size)} is not used "
            f"with {argument('labels_per_class', opts.data.labels_per_class)} and "
            f"{argument('p_x_weight', 0)}, where log p(x, y) learns from the labelled "
            f"{opts.training.batch_size}; leave it out."
        )


def _check_temperature(sampling: Sampling) -> None:
    takes = "temperature" in samplers.hyperparameters_of(sampling.sampler)
    if not takes and sampling.temperature:
        raise InputError(
            f"{argument('temperature', sampling.temperature)} is not used by "
            f"{argument('sampler', sampling.sampler)}; leave it out, or choose mala."
        )
    if takes and not (sampling.temperature or sampling.step_noise):
        raise InputError(
            f"{argument('sampler', sampling.sampler)} needs noise; give a "
            f"{argument('temperature')} or a {argument('step_noise')} above 0."
        )
