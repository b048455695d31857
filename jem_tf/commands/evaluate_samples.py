"""`jem-tf evaluate samples`: how good are a trained run's samples?"""

from typing import Any

import numpy as np
from absl import flags

from jem_tf import samplers, sampling, starts
from jem_tf.commands import run_evaluation, run_flags
from jem_tf.commands.command import Command, FlagGroup
from jem_tf.datasets import Dataset
from jem_tf.errors import InputError, argument, arguments_renamed
from jem_tf.evaluation import (
    features,
    findings,
    inception_file,
    inception_network,
    memorisation,
    reference,
    sample_export,
    sample_figures,
    sample_quality,
    sample_sources,
)
from jem_tf.runs import build
from jem_tf.runs.loading import TrainedRun
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
        "name of the results. fresh_samples: those of fresh chains beside those of the "
        "buffer's images, as RUN/results/fresh_samples.json",
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


def evaluate(context: run_evaluation.Context) -> findings.Findings:
    """Measures FID, KID, IS, precision, ... of samples, and shows some of them."""
    run, data, given = context.run, context.data, context.flags
    fresh, drawing = choose_source(context)
    check_asked(context, fresh)
    network = choose_network(run, data, given)
    count = sample_sources.count_samples(run.model, given.count, context.limit, fresh)
    features.check_count(count, network)
    real, against = choose_reference(context, network)
    drawn = sample_sources.draw_samples(
        run.model,
        count,
        fresh,
        conditional=drawing["conditional"],
        seed=context.seed,
    )
    kept = sample_sources.keep_confident(run.model, drawn, given.confident)
    more = f"{argument('count')}, {argument('limit')} or {argument('confident')}"
    features.check_count(len(kept), network, more)
    metrics, measured = measure(context, kept, count, network, real)
    protocol = drawing | {
        "samples_drawn": len(drawn),
        "confident": given.confident,
        "rounding": "clipped to [-1, 1], rounded to 8 bits before the network",
        "order": "shuffled by the seed",
        "features": network.protocol(),
        "reference": against,
        "definitions": sample_quality.DEFINITIONS,
        "figures": sample_figures.figures_protocol(fresh),
        **measured,
    }
    if given.export:
        folder = sample_export.export_samples(given.export, kept)
        protocol["export"] = str(folder.absolute())
    figures = sample_figures.make_figures(
        run.model, kept, data, fresh=fresh, seed=context.seed
    )
    return findings.Findings(metrics, protocol, figures)


def check_asked(
    context: run_evaluation.Context, fresh: sample_sources.FreshChains | None
) -> None:
    """Checks flags that exclude each other, and the folder to export to.

    Raises:
      InputError: if they do, or it cannot be written.
    """
    given = context.flags
    if given.by_age and (fresh or given.confident != 1):
        raise InputError(
            f"{argument('by_age', 'true')} is for all of the buffer's images; leave "
            f"out this, or {argument('source', 'fresh')} and {argument('confident')}."
        )
    if given.export:
        channels = context.data.test.images.shape[-1]
        sample_export.check_export(given.export, channels)


def choose_reference(
    context: run_evaluation.Context, network: features.FeatureNetwork
) -> tuple[Any, dict[str, Any]]:
    """Returns (the features of the real images, their protocol)."""
    given = context.flags
    with arguments_renamed(stats="reference_stats", split="reference"):
        return reference.choose_reference(
            context.data,
            network,
            split=given.reference,
            stats=given.reference_stats,
            limit=context.limit,
        )


def measure(
    context: run_evaluation.Context,
    kept: np.ndarray,
    count: int,
    network: features.FeatureNetwork,
    real: Any,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Compares samples with real images.

    Args:
      context: the evaluation.
      kept: uint8 [N, H, W, C], the samples.
      count: how many were drawn, of which these were kept.
      network: computes features.
      real: those of the real images.

    Returns:
      (metrics, what the protocol says of them).
    """
    run, data, given = context.run, context.data, context.flags
    ages, protocol = None, dict[str, Any]()
    if given.by_age:
        ages = sample_sources.ages_of_samples(run.model, count, seed=context.seed)
        protocol["by_age"] = sample_quality.BY_AGE
    seen = network.extract(kept, what="samples")
    metrics = sample_quality.compare_features(
        seen, real, suffix=network.suffix, ages=ages
    )
    if given.memorisation:
        train = None
        if given.reference == "train" and not given.reference_stats:
            train = reference.training_features(real, data, limit=context.limit)
        copied, protocol["memorisation"] = memorisation.evaluate_memorisation(
            kept, seen.features, train, data, network
        )
        metrics |= copied
    return metrics, protocol


def choose_source(
    context: run_evaluation.Context,
) -> tuple[sample_sources.FreshChains | None, dict[str, Any]]:
    """Returns (FreshChains, or None for the buffer's images; their protocol)."""
    model, opts, given = context.run.model, context.run.options, context.flags
    plain = model.buffer is None
    if plain and given.source == "buffer":
        raise InputError(
            f"{argument('source', 'buffer')}: a plain classifier has no buffer; leave "
            "this out."
        )
    if not plain and given.source != "fresh":
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


def choose_network(run: TrainedRun, data: Dataset, given: Any) -> Any:
    """Chooses the network that computes the features of samples."""
    if given.features == "network":
        return features.Penultimate(run.model.network)
    inception_network.check_size(
        data.test.images,
        run.options.data.dataset,
        remedy=f"give {argument('features', 'network')} for the run's own network",
    )
    with arguments_renamed(path="inception", sha256="inception_sha256"):
        path = inception_file.find_graph(given.inception, sha256=given.inception_sha256)
    bfloat16 = inception_network.in_bfloat16(given.inception_precision)
    network = inception_network.Inception(path, bfloat16=bfloat16)
    if not network.has_softmax:
        console.say(
            f"{path} has no {inception_network.SOFTMAX}: the Inception Score is left "
            "out"
        )
    return network


COMMAND = Command(
    "evaluate samples",
    """
Measures how good a trained run's samples are: FID, KID, Inception Score, precision,
recall, density and coverage; whether they copy training images; and pictures of them.

    jem-tf evaluate samples --workdir=RUN --inception=GRAPH.pb
    jem-tf evaluate samples --workdir=RUN --source=fresh --steps=200
    jem-tf evaluate samples --workdir=RUN --features=network
    jem-tf evaluate samples --workdir=RUN --export=FOLDER

Writes RUN/results/samples.json, RUN/figures/samples_{grid,classes,neighbours}.png and
a TensorBoard log; docs/evaluation.md says what each number is.
""",
    define,
    lambda values: run_evaluation.run_evaluation(values.result, evaluate, values),
)
