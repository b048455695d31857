"""`jem-tf evaluate calibration`: is a trained run as sure as it is right?"""

from absl import flags

from jem_tf.commands import run_flags
from jem_tf.commands.command import Command, Subject
from jem_tf.evaluation import confidence, findings
from jem_tf.metrics import intervals
from jem_tf.metrics.calibration import BINS


def define(values: flags.FlagValues) -> None:
    """Defines the command's flags."""
    Subject(values, "Calibration").number(
        "noise",
        0.03,
        "standard deviation of the noise of accuracy_noisy, in pixels of [-1, 1]",
        0,
    )
    run_flags.define(values)


def evaluate(asked: run_flags.Asked) -> findings.Findings:
    """Measures accuracy and every error of the confidence, on test images."""
    validation, test = (
        run_flags.first_images(split, asked.limit)
        for split in (asked.data.validation, asked.data.test)
    )
    noise = asked.flags.noise
    metrics, figures = confidence.evaluate_confidence(
        asked.run.model, validation, test, noise=noise, seed=asked.seed
    )
    protocol = {
        "images": f"the first {len(test.labels)} of the test split",
        "validation_images": len(validation.labels),
        "bins": BINS,
        "accuracy_noisy": f"noise N(0, {noise}^2) on pixels of [-1, 1]",
        "temperature": "least NLL on the validation images",
        "accuracy_ci": "Wilson, 95%",
        "other_ci": f"bootstrap over test images, {intervals.RESAMPLES} draws, 95%",
    }
    return findings.Findings(metrics, protocol, figures)


COMMAND = Command(
    "evaluate calibration",
    """
Measures whether a trained run is as sure as it is right, on its test images: accuracy,
ECE, Brier score, NLL, and the temperature that calibrates it.

    jem-tf evaluate calibration --workdir=RUN

Writes RUN/results/calibration.json, RUN/figures/calibration_*.png and TensorBoard's;
docs/evaluation.md says what each number is.
""",
    define,
    lambda values: run_flags.evaluate("calibration", evaluate, values),
)
