"""`jem-tf evaluate calibration`: does a run's confidence match its accuracy?"""

from absl import flags

from jem_tf.commands import run_evaluation, run_flags
from jem_tf.commands.command import Command, FlagGroup
from jem_tf.evaluation import calibration_error, findings
from jem_tf.metrics import intervals
from jem_tf.metrics.calibration import BINS

SAME = ", which are those evaluated: errors at this temperature are too small"


def define(values: flags.FlagValues) -> None:
    """Defines the command's flags."""
    FlagGroup(values, "Calibration").number(
        "noise",
        0.03,
        "standard deviation of the noise of accuracy_noisy, in pixels of [-1, 1]",
        0,
    )
    run_flags.define(values, splits=True)


def evaluate(context: run_evaluation.Context) -> findings.Findings:
    """Measures accuracy and every error of the confidence."""
    on, noise = context.on, context.flags.noise
    validation = run_evaluation.first_images(context.data.validation, context.limit)
    evaluated = run_evaluation.evaluated_images(context)
    metrics, figures = calibration_error.evaluate_confidence(
        context.run.model,
        validation,
        evaluated,
        noise=noise,
        on=on,
        seed=context.seed,
    )
    protocol = {
        "images": run_evaluation.name_images(context.data, len(evaluated.labels), on),
        "validation_images": len(validation.labels),
        "bins": BINS,
        "accuracy_noisy": f"noise N(0, {noise}^2) on pixels of [-1, 1]",
        "temperature": "least NLL on the validation images" + SAME * (on != "test"),
        "accuracy_ci": "Wilson, 95%",
        "other_ci": f"bootstrap over {on} images, {intervals.RESAMPLES} draws, 95%",
    }
    return findings.Findings(metrics, protocol, figures)


COMMAND = Command(
    "evaluate calibration",
    """
Measures whether a trained run's confidence matches its accuracy on the test images:
accuracy, ECE, Brier score, NLL, and the temperature that calibrates it.

    jem-tf evaluate calibration --workdir=RUN
    jem-tf evaluate calibration --workdir=RUN --on=validation   # to choose by

Writes RUN/results/calibration.json, RUN/figures/calibration_*.png and a TensorBoard
log, with --on=validation under names that begin with validation_; docs/evaluation.md
says what each number is.
""",
    define,
    lambda values: run_evaluation.run_evaluation("calibration", evaluate, values),
)
