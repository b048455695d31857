"""`jem-tf evaluate calibration`: does a run's confidence match its accuracy?"""

from absl import flags

from jem_tf import corruptions
from jem_tf.commands import evaluation_command, run_flags
from jem_tf.commands.command import Command, FlagGroup
from jem_tf.errors import InputError, argument, arguments_renamed
from jem_tf.evaluation import (
    calibration_error,
    findings,
    shifted_calibration,
)
from jem_tf.metrics import intervals
from jem_tf.metrics.calibration import BINS

SAME = ", which are those evaluated: errors at this temperature are too small"


def define(values: flags.FlagValues) -> None:
    """Defines the command's flags."""
    group = FlagGroup(values, "Calibration")
    group.number(
        "noise",
        0.03,
        "standard deviation of the noise of accuracy_noisy, in pixels of [-1, 1]",
        0,
    )
    group.texts(
        "corruptions",
        ["none"],
        "corruptions of Hendrycks & Dietterich (2019), at --severities. none; "
        f"all; or some of {', '.join(corruptions.CORRUPTIONS)}. Each takes five times "
        "as long as the images without corruption",
    )
    group.texts(
        "severities",
        [*map(str, corruptions.SEVERITIES)],
        "severities of the corruptions, of 1 to 5",
    )
    run_flags.define(values, splits=True)


def evaluate(context: evaluation_command.Context) -> findings.Findings:
    """Measures accuracy and every error of the confidence."""
    on, noise, names = context.on, context.flags.noise, choose_corruptions(context)
    severities = choose_severities(context.flags.severities)
    validation = evaluation_command.first_images(context.data.validation, context.limit)
    evaluated = evaluation_command.evaluated_images(context)
    metrics, figures = calibration_error.evaluate_confidence(
        context.run.model,
        validation,
        evaluated,
        noise=noise,
        on=on,
        class_names=context.data.class_names,
        seed=context.seed,
    )
    protocol = {
        "images": evaluation_command.name_images(
            context.data, len(evaluated.labels), on
        ),
        "validation_images": len(validation.labels),
        "bins": BINS,
        "accuracy_noisy": f"noise N(0, {noise}^2) on pixels of [-1, 1]",
        "temperature": "least NLL on the validation images" + SAME * (on != "test"),
        "accuracy_ci": "Wilson, 95%",
        "precision_ci": "Wilson, 95%",
        "other_ci": f"basic bootstrap over {on} images, {intervals.RESAMPLES} "
        "draws, 95%; the low end of an error that chance adds to is at most the error "
        "less what 97.5% of draws of labels from p(y|x) are below",
        "corruptions": "none",
    }
    if names:
        shifted, shift_figures = shifted_calibration.evaluate_shift(
            context.run.model,
            evaluated,
            names,
            temperature=metrics["temperature"],
            severities=severities,
            seed=context.seed,
        )
        metrics, figures = metrics | shifted, figures | shift_figures
        shape = evaluated.images.shape[1:]
        protocol |= shifted_calibration.describe_shift(
            names, shape, on, severities=severities
        )
    return findings.Findings(metrics, protocol, figures)


def choose_corruptions(context: evaluation_command.Context) -> list[str]:
    """The corruptions that --corruptions names, each once; none if it says none.

    Raises:
      InputError: if there is no such corruption, or the images cannot be corrupted.
    """
    given = context.flags.corruptions
    if given == ["none"]:
        return []
    if "none" in given or not given:
        raise InputError(
            f"{argument('corruptions', ','.join(given))} must be none, all, or names "
            "of corruptions."
        )
    names = [n for g in given for n in (corruptions.CORRUPTIONS if g == "all" else [g])]
    with arguments_renamed(name="corruptions"):
        for name in names:
            corruptions.check_name(name)
    shape = context.data.test.images.shape
    if shape[-1] not in corruptions.CHANNELS:
        raise InputError(
            f"{argument('corruptions', ','.join(given))} is for images of 1 or 3 "
            f"channels, and these have {shape[-1]}; choose none."
        )
    return list(dict.fromkeys(names))


def choose_severities(given: list[str]) -> list[int]:
    """The severities that --severities names, ascending.

    Raises:
      InputError: if there is none, or one that the corruptions do not have.
    """
    known = {str(severity): severity for severity in corruptions.SEVERITIES}
    if not given or not set(given) <= set(known):
        raise InputError(
            f"{argument('severities', ','.join(given))} must list some of "
            f"{','.join(known)}."
        )
    return sorted({known[text] for text in given})


COMMAND = Command(
    "evaluate calibration",
    """
Measures whether a trained run's confidence matches its accuracy on the test images:
accuracy, ECE, Brier score, NLL, and the temperature that calibrates it, all of them and
by class; and the same on corrupted images.

    jem-tf evaluate calibration --workdir=RUN
    jem-tf evaluate calibration --workdir=RUN --corruptions=all --limit=1000
    jem-tf evaluate calibration --workdir=RUN --on=validation   # to choose by

Writes RUN/results/calibration.json, RUN/figures/calibration_*.png and a TensorBoard
log, with --on=validation under names that begin with validation_; docs/evaluation.md
says what each number is.
""",
    define,
    lambda values: evaluation_command.run_evaluation("calibration", evaluate, values),
)
