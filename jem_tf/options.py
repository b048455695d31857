"""Every option of a run: its type, unit, range, the paper's symbol and default.

One frozen dataclass for each subject. `runs/flagfiles.py` makes a flag of each field,
with the same name. Defaults are the paper's recipe (WRN-28-10 on CIFAR-10; Grathwohl
et al. 2020, appendix A, and the authors' code); presets in `flags/` say what differs.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from jem_tf.objectives import OBJECTIVES
from jem_tf.samplers import SAMPLERS

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")  # dtype policies of Keras
# Names of options from the time when SGLD was the only sampler. Old flagfiles and
# checkpoints still have them.
OLD_NAMES = {
    "sgld_steps": "sampler_steps",
    "sgld_step_size": "step_size",
    "sgld_noise": "step_noise",
    "sgld_gradient_clamp": "score_clamp",
    "sgld_range_clamp": "range_clamp",
}


def option(
    default: Any,
    help: str,
    *,
    least: float | None = None,
    above: float | None = None,
    most: float | None = None,
    choices: Sequence[str] | None = None,
    free: bool = False,
) -> Any:
    """Makes a field with its flag's help and its range.

    The range is least <= value <= most, or above < value. A `free` option may change
    when a run continues from a checkpoint.
    """
    metadata = {
        "help": help,
        "least": least,
        "above": above,
        "most": most,
        "choices": choices,
        "free": free,
    }
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True)
class Data:
    """What to learn from."""

    dataset: str = option(
        "digits",
        "data set: digits, cifar10, cifar100, svhn, another TFDS image classification "
        "set, or folder:PATH. Without --flagfile, the preset flags/DATASET.flags, if "
        "there is one, is read before the flags on the command line",
    )
    data_dir: str = option(
        "",
        "folder of prepared TFDS data, searched first; for folder:PATH, where that "
        "folder is now. Empty: TFDS's own folder, and PATH",
        free=True,
    )
    image_size: int = option(
        0,
        "pixels a side to which images are resized. 0: 32 for folder:PATH; other sets "
        "keep their size",
        least=0,
    )
    labels_per_class: int = option(
        0,
        "labelled images a class; the other images train log p(x) alone. 0: all are "
        "labelled",
        least=0,
    )
    augment: bool = option(
        True, "reflect-pad, crop and, if --flip lets them, mirror images"
    )
    flip: str = option(
        "auto",
        "mirror half of the images, left to right. auto: but for sets of characters "
        "(digits, mnist, svhn, emnist, ...), by the set's name; folders are mirrored",
        choices=("auto", "true", "false"),
    )
    cutout: int = option(
        0,
        "pixels a side of a square of each augmented image that is set to 0, for the "
        "cross-entropy alone (DeVries & Taylor 2017). 0: none",
        least=0,
    )


@dataclasses.dataclass(frozen=True)
class Network:
    """Which network."""

    network: str = option(
        "wrn-28-10", "network: wrn-DEPTH-WIDTH, convnet, convnet-WIDTH or vgg-WIDTH"
    )
    norm: str = option(
        "none",
        "normalisation layers. batch: real and drawn images share their statistics; "
        "frozen_batch: batch normalisation whose statistics never change",
        choices=("none", "batch", "layer", "group", "frozen_batch"),
    )
    activation: str = option(
        "leaky_relu",
        "activation; leaky_relu has the slope 0.2",
        choices=("leaky_relu", "swish"),
    )
    init: str = option(
        "",
        "trained network whose weights the run starts from: a run, a .keras file, or a "
        "SavedModel that Keras's export wrote. With norm=none its batch normalisation "
        "is folded; if images are drawn, E(x) is shifted to a mean of 0. Empty: random",
    )


@dataclasses.dataclass(frozen=True)
class Sampling:
    """How images are drawn while training."""

    sampler: str = option(
        "sgld",
        "sampler. sgld: the paper's; normalised: steps of one length; mala: "
        "Metropolis-adjusted, at a temperature",
        choices=tuple(SAMPLERS),
    )
    sampler_steps: int = option(20, "K, sampler steps a training step", least=1)
    step_size: float = option(
        1.0,
        "a: sgld and mala multiply the score by it in each step; for normalised it is "
        "the L2 length of a step, in pixels of [-1, 1]",
        above=0,
    )
    step_noise: float = option(
        0.01,
        "s, standard deviation of the noise of a step, in pixels of [-1, 1]",
        least=0,
    )
    temperature: float = option(
        0.0,
        "T: mala samples p(x)^(1/T), and its noise is sqrt(2 a T). For mala only. 0: "
        "s^2 / 2a, at which mala proposes the steps of sgld",
        least=0,
    )
    score_clamp: float = option(
        0.0,
        "bound on each component of the score, in nats per unit of pixel. 0: none",
        least=0,
    )
    range_clamp: float = option(
        0.0, "bound on |pixel| after a step, in pixels of [-1, 1]. 0: none", least=0
    )
    buffer_size: int = option(
        10_000, "images in the replay buffer, of all replicas together", least=1
    )
    reinit_prob: float = option(
        0.05, "rho, probability that a chain starts afresh", least=0, most=1
    )
    restart_stuck: float = option(
        0.0,
        "r: a drawn chain also starts afresh if its energy is above the median of the "
        "buffer's by more than r median absolute deviations. 0: never",
        least=0,
    )
    restart_age: int = option(
        20, "training steps that continued a chain before it counts as stuck", least=1
    )
    start: str = option(
        "uniform",
        "where chains start. uniform: U(-1, 1); gaussian: a Gaussian around each "
        "class's mean image; mixed: one in ten uniform, the others gaussian; altered: "
        "training images made wrong, whose chains are negatives and never samples. Or "
        "shares that add up to 1, as gaussian:0.9,uniform:0.03,altered:0.07",
    )


@dataclasses.dataclass(frozen=True)
class Objective:
    """What is minimised, and on which images."""

    p_x_weight: float = option(
        1.0, "weight of log p(x). 0 trains a plain classifier", least=0
    )
    p_y_given_x_weight: float = option(
        1.0, "weight of log p(y|x), the cross-entropy", least=0
    )
    p_x_y_weight: float = option(0.0, "weight of log p(x, y)", least=0)
    label_smoothing: float = option(
        0.0,
        "probability that the cross-entropy's target takes from the label and shares "
        "among all classes, in training (Szegedy et al. 2016); evaluation and the "
        "reading cross_entropy take the label alone",
        least=0,
        most=1,
    )
    objective: str = option(
        "difference",
        "how log p(x) and log p(x, y) compare energies of real and drawn images. "
        "difference: the paper's, E(real) - E(drawn), with E = -log p at the optimum; "
        "logistic: 2 softplus(E(real) - E(drawn)), bounded below, with E the log-ratio "
        "of the densities of drawn and real images",
        choices=tuple(OBJECTIVES),
    )
    altered_weight: float = option(
        0.0,
        "weight of log p(x) of real images against as many altered ones (jigsaws, "
        "averages down to one colour, means and patches of two, noise), made of the "
        "step's real images and used without a chain",
        least=0,
    )
    conditional: bool = option(
        False,
        "draw the negatives of log p(x) by class: better pictures, lower accuracy",
    )
    energy_l2: float = option(
        0.0,
        "weight of mean E(x)^2 over real and drawn images; not used where neither "
        "log p(x) nor log p(x, y) is learned",
        least=0,
    )
    gradient_clip: float = option(
        0.0, "bound on the global norm of the weights' gradient. 0: none", least=0
    )
    sam_rho: float = option(
        0.0,
        "rho of adaptive sharpness-aware minimisation (Kwon et al. 2021; 2 in "
        "SADA-JEM): a step descends the gradient at the weights theta + rho theta^2 g "
        "/ || |theta| g ||, g the gradient at theta, for about twice the cost. 0: none",
        least=0,
    )
    sam_terms: str = option(
        "all",
        "terms of the loss for which --sam_rho counts. p_x: those of log p(x) and "
        "log p(x, y); the cross-entropy is descended at theta",
        choices=("all", "p_x"),
    )
    input_noise: float = option(
        0.03,
        "standard deviation of the noise on training images, in pixels of [-1, 1]",
        least=0,
    )
    p_x_images: str = option(
        "augmented",
        "images that log p(x) and log p(x, y) learn from: a batch of their own, "
        "augmented or plain, or the same as the cross-entropy's (cheaper). With "
        "--labels_per_class, log p(x, y) learns from the cross-entropy's",
        choices=("augmented", "plain", "same"),
    )
    p_x_batch_size: int = option(
        0,
        "images and chains a step for log p(x), and as many chains for log p(x, y), "
        "of all replicas together. 0: the same as --batch_size",
        least=0,
    )

    @property
    def generative(self) -> bool:
        """Whether images are drawn: log p(x) or log p(x, y) has a weight."""
        return self.p_x_weight + self.p_x_y_weight > 0


@dataclasses.dataclass(frozen=True)
class Training:
    """The run: where, how long, how fast, on what devices."""

    workdir: str = option(
        "",
        "folder of the run; a run that was begun there is continued. Empty: "
        "runs/DATASET-(a digest of the flags)",
        free=True,
    )
    seed: int = option(
        0, "seed of all that is random in the run", least=0, most=2**31 - 1
    )
    batch_size: int = option(
        64,
        "images a step for the cross-entropy, of all replicas together",
        least=1,
    )
    epochs: int = option(200, "passes over the training images", least=1)
    steps: int = option(0, "training steps. 0: as many as the epochs take", least=0)
    optimizer: str = option(
        "adam",
        "optimizer; sgd has a Nesterov momentum of 0.9, momentum is SGD with the plain "
        "one of 0.9",
        choices=("adam", "sgd", "momentum"),
    )
    learning_rate: float = option(1e-4, "learning rate after warm-up", above=0)
    warmup_steps: int = option(1000, "training steps of linear warm-up", least=0)
    schedule: str = option(
        "steps",
        "learning rate after warm-up. steps: by --decay_at and --decay_factor; cosine: "
        "to 0; constant; one_cycle: linearly to 0, a triangle (Smith & Topin 2017)",
        choices=("steps", "cosine", "constant", "one_cycle"),
    )
    decay_at: str = option(
        "0.8,0.9",
        "shares of the run, as 0.8,0.9 or 1/3,2/3, at which --schedule=steps "
        "multiplies the learning rate by --decay_factor",
    )
    decay_factor: float = option(
        0.3, "factor of --schedule=steps at each share of --decay_at", above=0, most=1
    )
    weight_decay: float = option(
        0.0,
        "decoupled weight decay: a step subtracts from each weight this times the "
        "learning rate times the weight",
        least=0,
    )
    kernel_l2: float = option(
        0.0,
        "coupled (L2) weight decay: a step adds this times the kernel to each kernel's "
        "gradient; biases, scales and offsets have none",
        least=0,
    )
    ema: float = option(
        0.0,
        "decay of averages of the weights over the steps; less in the first steps, "
        "(1 + t) / (10 + t). Validation, evaluation, samples and exports use the "
        "averages, with the moving statistics of the last weights for --norm=batch. "
        "0: none",
        least=0,
        most=0.99999,
    )
    precision: str = option(
        "auto",
        "precision of the network; weights, energies and images stay float32. auto: "
        "mixed_bfloat16 where the hardware has it, else float32",
        choices=("auto", *PRECISIONS),
    )
    jit_compile: str = option(
        "auto",
        "compile the training step with XLA; on several replicas, only the chain of "
        "the sampler. auto: on a GPU or TPU, not on a CPU, where it is slower",
        choices=("auto", "true", "false"),
        free=True,
    )
    strategy: str = option(
        "default",
        "devices. default: one; mirrored: a replica on each GPU of this machine, or on "
        "each logical CPU if there is no GPU; multiworker: a replica on each GPU of "
        "every process that TF_CONFIG names, or on its CPU",
        choices=("default", "mirrored", "multiworker"),
        free=True,
    )
    export: bool = option(
        True, "at the end, export the model to RUN/export/NUMBER", free=True
    )
    logical_cpus: int = option(
        1,
        "logical CPU devices to make, to try --strategy=mirrored without GPUs",
        least=1,
        free=True,
    )
    steps_per_execution: int = option(
        1,
        "training steps that run as one graph call, before the program reads their "
        "losses",
        least=1,
        free=True,
    )


@dataclasses.dataclass(frozen=True)
class FaultTolerance:
    """How a run survives being killed, and its own divergence."""

    checkpoint_every: int = option(
        500, "training steps between checkpoints", least=1, free=True
    )
    checkpoints_kept: int = option(
        3,
        "how many of the newest checkpoints to keep, in addition to the one that is "
        "best on validation",
        least=1,
        free=True,
    )
    guard: bool = option(
        True, "go back to the last good checkpoint when training diverges", free=True
    )
    guard_gap: float = option(
        20.0, "bound on |E(drawn) - E(real)|, in nats", above=0, free=True
    )
    guard_start: int = option(
        200,
        "steps from the start of a run for which the gap may lie beyond guard_gap, if "
        "it does so from the first step on: the first chains of a classifier's "
        "energies fall far below real images. 0: none",
        least=0,
        free=True,
    )
    guard_energy: float = option(
        1e4,
        "bound on |mean E(x)|, of real or drawn images, in nats",
        above=0,
        free=True,
    )
    guard_patience: int = option(
        10,
        "consecutive steps outside a bound after which training counts as diverged",
        least=1,
        free=True,
    )
    guard_retries: int = option(
        3,
        "how many times a run may go back to a checkpoint before it gives up",
        least=0,
        free=True,
    )
    guard_learning_rate: float = option(
        0.5, "factor on the learning rate at each retry", above=0, most=1, free=True
    )
    guard_strengthen: str = option(
        "energy_l2",
        "what a retry strengthens. energy_l2: set to 0.1, then doubled at each retry; "
        "sampler: score and pixels clamped at 1, then 1.5 times the steps; both; none",
        choices=("energy_l2", "sampler", "both", "none"),
        free=True,
    )
    guard_drift: float = option(
        1.15,
        "a run drifts if drawn images' mean energy lies more than so many standard "
        "deviations of real images' energies above their mean, on average over 150 "
        "steps. Not looked at in the first 300 steps; 0: never",
        least=0,
        free=True,
    )
    guard_drift_gap: float = option(
        4.0,
        "a run drifts if the average of E(drawn) - E(real) over 150 steps is more than "
        "this, in nats. 0: not looked at",
        least=0,
        free=True,
    )
    guard_on_drift: str = option(
        "warn",
        "what a run does when it drifts. warn: say so once, in the log, in "
        "results/guard.json and in TensorBoard; retry: go back to the last good "
        "checkpoint, as after a divergence",
        choices=("warn", "retry"),
        free=True,
    )


GROUPS = {
    "data": Data,
    "network": Network,
    "sampling": Sampling,
    "objective": Objective,
    "training": Training,
    "fault_tolerance": FaultTolerance,
}


@dataclasses.dataclass(frozen=True)
class Options:
    """All options of a run, by subject."""

    data: Data = Data()
    network: Network = Network()
    sampling: Sampling = Sampling()
    objective: Objective = Objective()
    training: Training = Training()
    fault_tolerance: FaultTolerance = FaultTolerance()


def flatten(options: Options) -> dict[str, Any]:
    """All options without their subjects: {name: value}."""
    groups = dataclasses.asdict(options).values()
    return {name: value for group in groups for name, value in group.items()}


def defining_options(options: Options) -> dict[str, Any]:
    """The options that identify a run: {name: value} of those that are not `free`."""
    free = {
        field.name
        for group in GROUPS.values()
        for field in dataclasses.fields(group)
        if field.metadata["free"]
    }
    return {name: v for name, v in flatten(options).items() if name not in free}


def replace(options: Options, changes: Mapping[str, Any]) -> Options:
    """Options with {name: value} changed; old names count as the new ones."""
    changes = {OLD_NAMES.get(name, name): value for name, value in changes.items()}
    groups = {}
    for name in GROUPS:
        group = getattr(options, name)
        fields = {field.name for field in dataclasses.fields(group)} & set(changes)
        own = {field: changes[field] for field in fields}
        groups[name] = dataclasses.replace(group, **own)
    return dataclasses.replace(options, **groups)
