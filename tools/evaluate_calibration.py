"""Is a trained run as sure as it is right? Accuracy, ECE, Brier, NLL, temperature.

    python tools/evaluate_calibration.py --workdir=RUN

Writes RUN/results/calibration.json, RUN/figures/calibration_*.png and TensorBoard's;
docs/evaluation.md says what each number is.
"""

import jem_tf.system.quiet  # before TensorFlow, whose chatter it mutes  # noqa: F401

# isort: split
from absl import flags

from jem_tf.commands import command
from jem_tf.evaluation import confidence, findings
from jem_tf.metrics import intervals
from jem_tf.metrics.calibration import BINS

NOISE = flags.DEFINE_float(
    "noise", 0.03, "of accuracy_noisy, deviation in pixels of [-1, 1]", 0
)


def evaluate(subject):
    """What `program.start` runs."""
    validation, test = (
        command.first(split, subject.limit)
        for split in (subject.data.validation, subject.data.test)
    )
    metrics, figures = confidence.evaluate_confidence(
        subject.run.model, validation, test, noise=NOISE.value, seed=subject.seed
    )
    protocol = {
        "images": f"the first {len(test.labels)} of the test split",
        "validation_images": len(validation.labels),
        "bins": BINS,
        "accuracy_noisy": f"noise N(0, {NOISE.value}^2) on pixels of [-1, 1]",
        "temperature": "least NLL on the validation images",
        "accuracy_ci": "Wilson, 95%",
        "other_ci": f"bootstrap over test images, {intervals.RESAMPLES} draws, 95%",
    }
    return findings.Findings(metrics, protocol, figures)


if __name__ == "__main__":
    command.define(flags.FLAGS)
    command.start("calibration", evaluate, flags.FLAGS)
