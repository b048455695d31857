"""Flags of `jem-tf evaluate samples`, and the samples that they choose."""

from typing import Any

from absl import flags

from jem_tf import samplers, sampling, starts
from jem_tf.commands import evaluation_command, run_flags
from jem_tf.commands.command import FlagGroup
from jem_tf.errors import InputError, argument
from jem_tf.evaluation import (
    inception_file,
    inception_network,
    sample_sources,
)
from jem_tf.runs import build
from jem_tf.system import console

FRESH_ONLY = ("steps", *samplers.HYPERPARAMETERS, "conditional")
RESULTS = ("samples", "fresh_samples")


def define(values: flags.FlagValues) -> None:
    """Defines the command's flags."""
    samples = FlagGroup(values, "Samples")
    define_source(samples)
    define_chains(samples)
    define_choice(samples)
    compared = FlagGroup(values, "The comparison with real images")
    define_reference(compared)
    define_features(compared)
    run_flags.define(values)


def define_source(samples: FlagGroup) -> None:
    """Flags of where samples come from, and how many."""
    samples.choice(
        "source",
        "auto",
        ["auto", "buffer", "fresh"],
        "the replay buffer's images as they are, or fresh chains. auto: the buffer's, "
        "if there is one",
    )
    samples.integer(
        "count",
        0,
        "number of samples. 0: 10,000, or the buffer's size if that is smaller",
        0,
    )


def define_chains(samples: FlagGroup) -> None:
    """Flags of fresh chains alone."""
    samples.integer(
        "steps",
        0,
        "sampler steps of a fresh chain. 0: K / rho, the mean of the buffer's chains",
        0,
    )
    samples.number(
        "step_size",
        None,
        "a, the step size of a fresh chain. Unset: the run's own",
        above=0,
    )
    samples.number(
        "noise",
        None,
        "standard deviation of the noise of a step of a fresh chain, in pixels of "
        "[-1, 1]. Unset: the run's own",
        0,
    )
    samples.number(
        "temperature",
        None,
        "T of fresh chains, for mala only. Unset: the run's own",
        above=0,
    )
    samples.switch(
        "conditional",
        None,
        "draw fresh chains from p(x | y), each class in turn. Unset: if the buffer's "
        "chains do",
    )


def define_choice(samples: FlagGroup) -> None:
    """Flags of which samples are measured, and where they are kept."""
    samples.number(
        "confident",
        1,
        "share of samples to keep of each predicted class, those of highest max p(y|x)",
        1e-6,
        1,
    )
    samples.switch(
        "by_age",
        False,
        "also measure each third of the buffer's images by the age of their chains",
    )
    samples.text(
        "export",
        "",
        "folder to write the measured samples to, as samples.npz and as PNG files, "
        "which other tools read. Empty: none",
    )
    samples.choice(
        "result",
        "samples",
        RESULTS,
        "name of the results. fresh_samples: draws fresh chains, and keeps their "
        "results in RUN/results/fresh_samples.json, beside those of the buffer",
    )


def define_reference(compared: FlagGroup) -> None:
    """Flags of the real images."""
    compared.choice(
        "reference",
        "train",
        ["train", "test"],
        "real images to compare with. train: all but the test images",
    )
    compared.text(
        "reference_stats",
        "",
        ".npz with mu and sigma of real images, to use instead of --reference; what "
        "takes features of single images is then left out. Empty: none",
    )
    compared.switch(
        "memorisation",
        True,
        "also compare the distances of samples, and of test images, to their nearest "
        "training images",
    )


def define_features(compared: FlagGroup) -> None:
    """Flags of the network that computes features."""
    compared.choice(
        "features",
        "inception",
        ["inception", "network"],
        "network that computes the features. inception: the usual one; network: the "
        "run's own",
    )
    compared.text(
        "inception", "", f"path of {inception_file.NAME}. Empty: downloaded once"
    )
    compared.text(
        "inception_sha256",
        "",
        "sha256 that this file must have. Empty: a given file is not checked",
    )
    compared.choice(
        "inception_precision",
        "auto",
        inception_network.PRECISIONS,
        "precision of Inception. auto: bfloat16 where the hardware has it, else "
        "float32",
    )


def choose_source(
    context: evaluation_command.Context,
) -> tuple[sample_sources.FreshChains | None, dict[str, Any]]:
    """Returns (FreshChains, or None for the buffer's images; their protocol)."""
    model, opts, given = context.run.model, context.run.options, context.flags
    plain, source = model.buffer is None, given.source
    if given.result == "fresh_samples":
        if source == "buffer":
            raise InputError(
                f"{argument('result', given.result)} is of fresh chains; leave "
                f"{argument('source', source)} out."
            )
        source = "fresh"
    if plain and source == "buffer":
        raise InputError(
            f"{argument('source', 'buffer')}: a plain classifier has no buffer; leave "
            "this out."
        )
    if not plain and source != "fresh":
        for name in FRESH_ONLY:
            if given[name].value != given[name].default:
                raise InputError(
                    f"{argument(name, given[name].value)} is for fresh chains; give "
                    f"{argument('source', 'fresh')}."
                )
        return None, sample_sources.buffer_protocol(
            model, opts.sampling.sampler_steps, opts.sampling.buffer_size
        )
    if plain:
        console.say("a plain classifier has no buffer: fresh chains from U(-1, 1)")
        start = starts.uniform(context.data.train.images.shape[1:])
    else:
        start = build.make_start(opts, context.data, for_samples=True)
    named = "uniform" if plain else starts.name_for_samples(opts.sampling.start)
    own = opts.sampling
    usual = sampling.usual_steps(own.sampler_steps, own.reinit_prob, continued=False)
    numbers = {name: given[name].value for name in samplers.HYPERPARAMETERS}
    sampler = build.make_sampler(own, steps=given.steps or usual, **numbers)
    fresh = sample_sources.FreshChains(model, start, sampler)
    by_class = given.conditional
    if by_class is None:
        by_class = not plain and bool(model.buffer.num_classes)
    return fresh, fresh.protocol(named, conditional=by_class)
