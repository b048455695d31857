"""`jem-tf evaluate samples`: how good are a trained run's samples?"""

from typing import Any

import numpy as np

from jem_tf.commands import evaluate_samples_flags, evaluation_command
from jem_tf.commands.command import Command
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
from jem_tf.runs.loading import TrainedRun
from jem_tf.system import console


def evaluate(context: evaluation_command.Context) -> findings.Findings:
    """Measures FID, KID, IS, precision, ... of samples, and shows some of them."""
    run, data, given = context.run, context.data, context.flags
    fresh, drawing = evaluate_samples_flags.choose_source(context)
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
    context: evaluation_command.Context, fresh: sample_sources.FreshChains | None
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
    context: evaluation_command.Context, network: features.FeatureNetwork
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
    context: evaluation_command.Context,
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


def choose_network(run: TrainedRun, data: Dataset, given: Any) -> Any:
    """Chooses the network that computes the features of samples."""
    if given.features == "network":
        return features.Penultimate(run.model.network)
    inception_network.check_size(
        data.test.images,
        run.options.data.dataset,
        remedy=f"give {argument('features', 'network')} for the run's own network",
    )
    with arguments_renamed(
        path="inception", sha256="inception_sha256", precision="inception_precision"
    ):
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
    evaluate_samples_flags.define,
    lambda values: evaluation_command.run_evaluation(values.result, evaluate, values),
)
