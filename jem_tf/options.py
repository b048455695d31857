"""Every option of a run: its flag, type, unit, range, the paper's symbol and default.

One frozen dataclass a subject. A field is a flag of the same name; its default is the
paper's recipe (WRN-28-10 on CIFAR-10; Grathwohl et al. 2020, appendix A, and the
authors' code). Presets in `flags/` say what differs; `flagfiles.py` reads them.
"""

import dataclasses


def option(
    default, help, *, least=None, above=None, most=None, choices=None, free=False
):
    """A field, its flag's help and range: least <= value <= most, or above < value.

    A `free` one is no part of what makes a run that run: it may be another when the run
    goes on from a checkpoint.
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
        "digits, cifar10, cifar100, svhn, another TFDS image classification set, "
        "or folder:PATH. Without a --flagfile, its preset flags/<dataset>.flags, if "
        "there is one, lies beneath the flags given",
    )
    data_dir: str = option(
        "", "prepared TFDS data; looked at first. Default: TFDS's own place", free=True
    )
    image_size: int = option(
        0, "pixels a side to resize to; 0 leaves equal sizes alone", least=0
    )
    labels_per_class: int = option(
        0, "labelled images a class, others only for log p(x); 0: all", least=0
    )
    augment: bool = option(True, "reflect-pad, crop and, where the set allows it, flip")


@dataclasses.dataclass(frozen=True)
class Network:
    """Which network."""

    network: str = option("wrn-28-10", "wrn-DEPTH-WIDTH, convnet or convnet-WIDTH")
    norm: str = option(
        "none",
        "normalisation; with batch, real and drawn images share statistics",
        choices=("none", "batch", "layer", "group"),
    )
    activation: str = option(
        "leaky_relu", "activation", choices=("leaky_relu", "swish")
    )


@dataclasses.dataclass(frozen=True)
class Sampling:
    """How images are drawn while training."""

    sgld_steps: int = option(20, "K, SGLD steps a training step", least=1)
    sgld_step_size: float = option(1.0, "alpha, times the score in a step", above=0)
    sgld_noise: float = option(
        0.01, "standard deviation of a step's noise, in pixels of [-1, 1]", least=0
    )
    sgld_gradient_clamp: float = option(
        0.0,
        "bound on each component of the score, in nats a pixel unit; 0: none",
        least=0,
    )
    sgld_range_clamp: float = option(
        0.0, "bound on |pixel| after a step; 0: none", least=0
    )
    buffer_size: int = option(
        10_000, "images in the replay buffer, all replicas", least=1
    )
    reinit_prob: float = option(
        0.05, "rho, probability that a chain starts afresh", least=0, most=1
    )
    start: str = option(
        "uniform",
        "where chains start: U(-1, 1), a Gaussian round each class's mean image, or "
        "mixed, one in ten uniform and the others Gaussian",
        choices=("uniform", "gaussian", "mixed"),
    )


@dataclasses.dataclass(frozen=True)
class Objective:
    """What is minimised, and on which images."""

    p_x_weight: float = option(
        1.0, "weight of log p(x); 0: a plain classifier", least=0
    )
    p_y_given_x_weight: float = option(
        1.0, "weight of log p(y|x), the cross-entropy", least=0
    )
    p_x_y_weight: float = option(0.0, "weight of log p(x, y)", least=0)
    conditional: bool = option(
        False,
        "draw the negatives of log p(x) by class: better pictures, lower accuracy",
    )
    energy_l2: float = option(
        0.0, "weight of mean E(x)^2, real and drawn images", least=0
    )
    gradient_clip: float = option(
        0.0, "bound on the global norm of the weights' gradient; 0: none", least=0
    )
    input_noise: float = option(
        0.03, "sigma, noise on training images, in pixels of [-1, 1]", least=0
    )
    p_x_images: str = option(
        "augmented",
        "images that log p(x) learns from: a batch of its own, augmented or plain, "
        "or the same as the cross-entropy's (cheaper)",
        choices=("augmented", "plain", "same"),
    )
    p_x_batch_size: int = option(
        0, "images and chains a step for log p(x), all replicas; 0: batch_size", least=0
    )

    @property
    def generative(self):
        """Whether anything is drawn: log p(x) or log p(x, y) has a weight."""
        return self.p_x_weight + self.p_x_y_weight > 0


@dataclasses.dataclass(frozen=True)
class Training:
    """The run: where, how long, how fast, on what devices."""

    workdir: str = option(
        "",
        "where the run keeps its things, and goes on if it has begun there. Default: "
        "runs/<dataset>-<a digest of the flags>",
        free=True,
    )
    seed: int = option(
        0, "determines all that is random in the run", least=0, most=2**31 - 1
    )
    batch_size: int = option(
        64, "images a step for the cross-entropy, all replicas", least=1
    )
    epochs: int = option(200, "passes over the training images", least=1)
    steps: int = option(0, "training steps; 0: what the epochs take", least=0)
    optimizer: str = option(
        "adam", "Adam, or SGD with Nesterov momentum 0.9", choices=("adam", "sgd")
    )
    learning_rate: float = option(1e-4, "learning rate after warm-up", above=0)
    warmup_steps: int = option(1000, "steps of linear warm-up", least=0)
    schedule: str = option(
        "steps",
        "after warm-up: x0.3 at 80% and 90% of the steps, cosine to 0, or constant",
        choices=("steps", "cosine", "constant"),
    )
    weight_decay: float = option(0.0, "decoupled weight decay", least=0)
    precision: str = option(
        "auto",
        "of the network; weights, energies and images stay float32. auto: "
        "mixed_bfloat16 where the hardware has it, else float32",
        choices=("auto", "float32", "mixed_bfloat16", "mixed_float16"),
    )
    jit_compile: str = option(
        "auto",
        "compile the step with XLA, on several replicas its chain alone. auto: on a "
        "GPU or TPU, not on a CPU, where it is slower",
        choices=("auto", "true", "false"),
        free=True,
    )
    strategy: str = option(
        "default",
        "one device; mirrored: a replica on each GPU, or logical CPU; multiworker: on "
        "each GPU of every process that TF_CONFIG names, or on its CPU",
        choices=("default", "mirrored", "multiworker"),
        free=True,
    )
    export: bool = option(
        True, "at the end, write RUN/export/<number> for servers", free=True
    )
    logical_cpus: int = option(
        1, "logical CPU devices to make, for trying --strategy", least=1, free=True
    )
    steps_per_execution: int = option(
        1, "training steps between two looks of the program at them", least=1, free=True
    )


@dataclasses.dataclass(frozen=True)
class Survival:
    """How a run survives being killed, and its own divergence."""

    checkpoint_every: int = option(
        500, "training steps between checkpoints", least=1, free=True
    )
    checkpoints_kept: int = option(
        3, "newest checkpoints kept, beside the best on validation", least=1, free=True
    )
    guard: bool = option(
        True, "go back to the last good checkpoint when training diverges", free=True
    )
    guard_gap: float = option(
        20.0, "bound on |E(drawn) - E(real)|, in nats", above=0, free=True
    )
    guard_energy: float = option(
        1e4, "bound on mean |E(x)|, real or drawn, in nats", above=0, free=True
    )
    guard_patience: int = option(
        10, "steps in a row outside a bound that raise the alarm", least=1, free=True
    )
    guard_retries: int = option(
        3, "times a run may go back before it gives up", least=0, free=True
    )
    guard_learning_rate: float = option(
        0.5,
        "what the learning rate is multiplied by at each retry",
        above=0,
        most=1,
        free=True,
    )
    guard_strengthen: str = option(
        "energy_l2",
        "what a retry strengthens: energy_l2 (to 0.1, then doubled), the sampler "
        "(clamped at 1, then half as many steps more), both or none",
        choices=("energy_l2", "sampler", "both", "none"),
        free=True,
    )


GROUPS = {
    "data": Data,
    "network": Network,
    "sampling": Sampling,
    "objective": Objective,
    "training": Training,
    "survival": Survival,
}


@dataclasses.dataclass(frozen=True)
class Options:
    """All options of a run, by subject."""

    data: Data = Data()
    network: Network = Network()
    sampling: Sampling = Sampling()
    objective: Objective = Objective()
    training: Training = Training()
    survival: Survival = Survival()
