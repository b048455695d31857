"""`jem-tf evaluate ood`: does a run detect images unlike its training data?"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from absl import flags

from jem_tf.commands import evaluation_command, run_flags
from jem_tf.commands.command import Command, FlagGroup
from jem_tf.datasets import openood, outliers, set_names
from jem_tf.errors import InputError, argument, arguments_renamed
from jem_tf.evaluation import findings, fitted_scores, outlier_detection, served_score
from jem_tf.evaluation.scorer import Scorer
from jem_tf.metrics import intervals
from jem_tf.ood_scores import SCORES
from jem_tf.runs import build, initial_weights
from jem_tf.serving import run_calibration
from jem_tf.system import console


def define(values: flags.FlagValues) -> None:
    """Defines the command's flags."""
    group = FlagGroup(values, "Outliers")
    group.texts(
        "sets",
        ["auto"],
        "sets of outliers: svhn, cifar10, another TFDS set, folder:PATH, "
        "interpolation, uniform, constant. auto, alone or among others: the last "
        "three, and those of svhn, cifar10 and cifar100 that are on disk. openood, of "
        "a run on cifar10 or cifar100: the near and far sets of OpenOOD v1.5 that are "
        "on disk, as TFDS sets, or as folders named beside it and called, for example, "
        "tinyimagenet, dtd, places365. A name with a comma in it is quoted as in CSV: "
        "'\"folder:/a,b\",svhn'",
    )
    group.choice(
        "half",
        "all",
        list(outliers.HALVES),
        "images of a set by their index in it: choose on the even ones, and report the "
        "odd ones",
    )
    group.number(
        "energy_temperature",
        0,
        "T of the energy score. 0: the temperature that calibrates the run",
        0,
    )
    run_flags.define(values, splits=True)


def evaluate(context: evaluation_command.Context) -> findings.Findings:
    """Measures how well each score tells the positives from each set of outliers."""
    asked = context.flags
    images = evaluation_command.evaluated_images(context).images
    chosen = choose_sets(context)
    sets, descriptions = load_sets(context, images, chosen.names)
    scorer = make_scorer(context)
    if scorer.why_not:
        console.say(f"left out, scores of features: {scorer.why_not}")
    served, served_source = find_served(context, scorer)
    metrics, figures = outlier_detection.evaluate_outliers(
        scorer,
        images,
        sets,
        names=scorer.names,
        positives=context.on,
        served=served,
        groups={group: [*some.values()] for group, some in chosen.groups.items()},
        seed=context.seed,
    )
    name = evaluation_command.name_images(context.data, len(images), context.on)
    protocol = {
        "images": f"{name}, the positives",
        "sets": descriptions,
        "half": asked.half,
        "energy_temperature": float(scorer.state["energy/temperature"]),
        "energy_temperature_source": "--energy_temperature"
        if asked.energy_temperature
        else "least NLL on the validation images",
        "scores": {name: SCORES[name].about for name in scorer.names},
        "passes": {name: SCORES[name].passes()._asdict() for name in scorer.names},
        "served_score": served,
        "served_score_source": served_source,
        "scores_fitted_on": f"{fitted_scores.MOST_IMAGES:,} training images at most, "
        "and the validation images; no outliers",
        "auroc_ci": "DeLong, 95%, of log(A / (1 - A))",
        "other_ci": f"bootstrap over both sets, {intervals.RESAMPLES} draws, 95%; of a "
        "rate of 0 or 1 with Wilson's",
    }
    if chosen.groups:
        protocol["openood"] = describe_groups(chosen)
    if scorer.why_not:
        protocol["scores_left_out"] = scorer.why_not
    return findings.Findings(metrics, protocol, figures)


def make_scorer(context: evaluation_command.Context) -> Scorer:
    """Makes the scorer of all scores that the run's network can have."""
    run = context.run
    scorer = Scorer(run.model, initial=initial_weights.classifier_of(run))
    precision, _ = build.choose_precision(run.options)
    names = scorer.names
    fitted_scores.attach(scorer, names, run, context.data, precision=precision)
    if given := context.flags.energy_temperature:
        scorer.state = {**scorer.state, "energy/temperature": np.float32(given)}
    return scorer


def find_served(context: evaluation_command.Context, scorer: Scorer) -> tuple[str, str]:
    """Returns the score that `is_ood` goes by or would go by, and why it is this."""
    folder = context.run.folder
    if folder.calibration.is_file():
        return run_calibration.read_calibration(folder)[0].ood_score, "calibration.json"
    images = context.data.validation.images
    return served_score.choose(scorer, images, lambda names: None)  # it has the state


def choose_sets(context: evaluation_command.Context) -> openood.Groups:
    """Puts sets for the names that stand for several; says which are not there."""
    chosen = openood.Groups(context.flags.sets, {}, [])
    trained_on = context.run.options.data.dataset
    absent: list[str] = []
    with arguments_renamed(name="sets"):
        if openood.NAME in chosen.names:
            chosen = openood.expand(chosen.names, trained_on, context.data_dir)
            absent += chosen.absent
        if "auto" in chosen.names:
            names, more = outliers.expand_auto(
                chosen.names, trained_on, context.data_dir
            )
            chosen = chosen._replace(names=names)
            absent += [name for name in more if name not in absent]
    if absent:
        console.say(f"left out, not on the disk: {', '.join(absent)} (see --data_dir)")
    return chosen


def describe_groups(chosen: openood.Groups) -> dict[str, Any]:
    """Describes in a protocol which sets are in which group, and which are in none."""
    return {
        **chosen.groups,
        "not_measured": chosen.absent,
        "images": openood.DIFFERENCE,
        "auroc_ci": "DeLong, 95%, of log(A / (1 - A)), A the mean over sets with "
        "the same positives",
        "fpr95": "share of the outliers that are accepted where 95% of the images are",
        "fpr95_out": "share of the images that are refused where 95% of the outliers "
        "are, as OpenOOD has it",
        "aupr, aupr_out": "average precision with the images, or the outliers, as the "
        "positives",
        "passes": "through networks, to classify an image and score it",
    }


def load_sets(
    context: evaluation_command.Context, images: Any, names: Sequence[str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Loads the outliers: {name: images}, {name in the metrics: what it is}."""
    own = check_sets(names, context)
    sets, descriptions = {}, {}
    for name, key in outliers.metric_keys(names, context.on).items():
        with arguments_renamed(name="sets"):
            sets[name], how = outliers.load_outliers(
                name,
                images,
                data_dir=context.data_dir,
                limit=context.limit,
                half=context.flags.half,
                seed=context.seed,
            )
        if name in own:
            console.say(f"mind: {name} is what the run was trained on, or a part of it")
            how += "; mind: the run's own data"
        descriptions[key] = f"{len(sets[name])} images: {how}"
    return sets, descriptions


def check_sets(names: Sequence[str], context: evaluation_command.Context) -> list[str]:
    """Returns which of the sets the run was trained on.

    Raises:
      InputError: if there is none, or two are one.
    """
    listed = f"{argument('sets', ','.join(names))} must name sets, none of them twice"
    seen: dict[str, str] = {}
    for name in names:
        with arguments_renamed(name="sets"):
            what = outliers.identify(name, context.data_dir)
        if (other := seen.setdefault(what, name)) != name:
            raise InputError(f"{listed}; {other} and {name} are one.")
    if len(seen) < len(names) or not names:
        raise InputError(f"{listed}.")
    trained_on = context.run.options.data.dataset
    if set_names.folder_of(trained_on) is not None:
        trained_on = f"folder:{context.place}"
    own = outliers.identify(trained_on, context.data_dir)
    return [name for what, name in seen.items() if outliers.overlap(what, own)]


COMMAND = Command(
    "evaluate ood",
    """
Measures whether a trained run detects images unlike its training data: AUROC, AUPR and
FPR at 95% TPR of several scores, for test images against sets of outliers, or near and
far groups of them. Scores are fitted on images of the run's own data set, and what they
were fitted to is kept in RUN/fitted_scores.

    jem-tf evaluate ood --workdir=RUN
    jem-tf evaluate ood --workdir=RUN --sets=svhn,uniform,folder:/data/textures
    jem-tf evaluate ood --workdir=RUN --sets=openood,folder:/data/tinyimagenet
    jem-tf evaluate ood --workdir=RUN --on=validation --half=even   # to choose by

Writes RUN/results/ood.json, RUN/figures/ood_log_px.png and a TensorBoard log,
with --on=validation under names that begin with validation_; docs/evaluation.md says
what each number is.
""",
    define,
    lambda values: evaluation_command.run_evaluation("ood", evaluate, values),
)
