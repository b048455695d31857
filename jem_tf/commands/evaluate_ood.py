"""`jem-tf evaluate ood`: does a run detect images unlike its training data?"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from absl import flags

from jem_tf.commands import run_evaluation, run_flags
from jem_tf.commands.command import Command, FlagGroup
from jem_tf.datasets import Split, outliers, set_names
from jem_tf.errors import InputError, argument, arguments_renamed
from jem_tf.evaluation import findings, inference, outlier_detection
from jem_tf.metrics import calibration, intervals
from jem_tf.system import console


def define(values: flags.FlagValues) -> None:
    """Defines the command's flags."""
    group = FlagGroup(values, "Outliers")
    group.texts(
        "sets",
        ["auto"],
        "sets of outliers: svhn, cifar10, another TFDS set, folder:PATH, "
        "interpolation, uniform, constant. auto, alone or among others: the last "
        "three, and those of svhn, cifar10 and cifar100 that are on disk. A name with "
        "a comma in it is quoted as in CSV: '\"folder:/a,b\",svhn'",
    )
    group.number(
        "energy_temperature",
        0,
        "T of the energy score. 0: the temperature that calibrates the run",
        0,
    )
    run_flags.define(values)


def evaluate(context: run_evaluation.Context) -> findings.Findings:
    """Measures how well each score tells test images from each set of outliers."""
    test = run_evaluation.first_images(context.data.test, context.limit).images
    sets, descriptions = load_sets(context, test)
    given = context.flags.energy_temperature
    temperature = given or find_temperature(context.run.model, context.data.validation)
    metrics, figures = outlier_detection.evaluate_outliers(
        context.run.model, test, sets, temperature=temperature, seed=context.seed
    )
    positives = run_evaluation.name_images(context.data, len(test))
    protocol = {
        "images": f"{positives}, the positives",
        "sets": descriptions,
        "energy_temperature": temperature,
        "energy_temperature_source": "--energy_temperature"
        if given
        else "least NLL on the validation images",
        "scores": "log_px = logsumexp f(x); max_p = max p(y|x); approximate_mass = "
        "-||d log p(x)/dx||, pixels in [-1, 1]; energy = T logsumexp(f(x)/T)",
        "auroc_ci": "DeLong, 95%",
        "other_ci": f"bootstrap over both sets, {intervals.RESAMPLES} draws, 95%",
    }
    return findings.Findings(metrics, protocol, figures)


def load_sets(
    context: run_evaluation.Context, test: Any
) -> tuple[dict[str, Any], dict[str, str]]:
    """Loads the outliers: {name: images}, {name in the metrics: what it is}."""
    names = context.flags.sets
    if "auto" in names:
        trained_on = context.run.options.data.dataset
        with arguments_renamed(name="sets"):
            names, absent = outliers.expand_auto(names, trained_on, context.data_dir)
        if absent:
            console.say(
                f"left out, not on the disk: {', '.join(absent)} (see --data_dir)"
            )
    own = check_sets(names, context)
    sets, descriptions = {}, {}
    for name, key in outliers.metric_keys(names).items():
        with arguments_renamed(name="sets"):
            sets[name], how = outliers.load_outliers(
                name,
                test,
                data_dir=context.data_dir,
                limit=context.limit,
                seed=context.seed,
            )
        if name in own:
            console.say(f"mind: {name} is what the run was trained on, or a part of it")
            how += "; mind: the run's own data"
        descriptions[key] = f"{len(sets[name])} images: {how}"
    return sets, descriptions


def check_sets(names: Sequence[str], context: run_evaluation.Context) -> list[str]:
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


def find_temperature(model: Any, validation: Split) -> float:
    """Finds the temperature with the least NLL on validation images."""
    logits = inference.logits(model, validation.images, progress="validation images")
    return calibration.best_temperature(logits, np.asarray(validation.labels))


COMMAND = Command(
    "evaluate ood",
    """
Measures whether a trained run detects images unlike its training data: AUROC, AUPR and
FPR at 95% TPR of several scores, for test images against sets of outliers.

    jem-tf evaluate ood --workdir=RUN
    jem-tf evaluate ood --workdir=RUN --sets=svhn,uniform,folder:/data/textures

Writes RUN/results/ood.json, RUN/figures/ood_log_px.png and a TensorBoard log;
docs/evaluation.md says what each number is.
""",
    define,
    lambda values: run_evaluation.run_evaluation("ood", evaluate, values),
)
