"""Does a trained run know what it was not trained on? AUROC, AUPR, FPR at 95% TPR.

    python tools/evaluate_ood.py --workdir=RUN
    python tools/evaluate_ood.py --workdir=RUN --sets=svhn,uniform,folder:/data/textures

Writes RUN/results/ood.json, RUN/figures/ood_log_px.png and TensorBoard's;
docs/evaluation.md says what each number is.
"""

import jem_tf.system.quiet  # before TensorFlow, whose chatter it mutes  # noqa: F401

# isort: split
import numpy as np
from absl import flags

from jem_tf.commands import command
from jem_tf.datasets import outliers
from jem_tf.errors import InputError
from jem_tf.evaluation import findings, inference, outlier_detection
from jem_tf.metrics import calibration, intervals
from jem_tf.system import log

SETS = flags.DEFINE_list(
    "sets",
    ["auto"],
    "outliers: svhn, cifar10, another TFDS set, folder:PATH, interpolation, uniform, "
    "constant; auto: those three and what is on the disk of svhn, cifar10, cifar100",
)
TEMPERATURE = flags.DEFINE_float(
    "energy_temperature", 0, "of the energy score; 0: the one that calibrates", 0
)


def evaluate(subject):
    """What `program.start` runs."""
    run, data, limit, seed, _ = subject
    test = command.first(data.test, limit).images
    sets, about = load_sets(subject, test)
    temperature = TEMPERATURE.value or calibrating(run.model, data.validation)
    metrics, figures = outlier_detection.evaluate_outliers(
        run.model, test, sets, temperature=temperature, seed=seed
    )
    protocol = {
        "images": f"the first {len(test)} of the test split, the positives",
        "sets": about,
        "energy_temperature": temperature,
        "energy_temperature_source": "--energy_temperature"
        if TEMPERATURE.value
        else "least NLL on the validation images",
        "scores": "log_px = logsumexp f(x); max_p = max p(y|x); approximate_mass = "
        "-||d log p(x)/dx||, pixels in [-1, 1]; energy = T logsumexp(f(x)/T)",
        "auroc_ci": "DeLong, 95%",
        "other_ci": f"bootstrap over both sets, {intervals.RESAMPLES} draws, 95%",
    }
    return findings.Findings(metrics, protocol, figures)


def load_sets(subject, test):
    """({name: images}, {name in the metrics: what it is, in words})."""
    names, data_dir = SETS.value, subject.data_dir
    if names == ["auto"]:
        trained_on = subject.run.options.data.dataset
        names, absent = outliers.default_sets(trained_on, data_dir)
        if absent:
            log.say(f"left out, not on the disk: {', '.join(absent)} (see --data_dir)")
    short = [outliers.shorten_name(name) for name in names]
    if len(set(short)) < len(short) or not names:
        raise InputError(
            f"--sets={','.join(names)} must name sets, none of them twice."
        )
    sets, about = {}, {}
    for key, name in zip(short, names, strict=True):
        sets[name], how = outliers.load_outliers(
            name, test, data_dir=data_dir, limit=subject.limit, seed=subject.seed
        )
        about[key] = f"{len(sets[name])} images: {how}"
    return sets, about


def calibrating(model, validation):
    """The temperature with the least NLL on validation images."""
    logits = inference.logits(model, validation.images, progress="validation images")
    return calibration.best_temperature(logits, np.asarray(validation.labels))


if __name__ == "__main__":
    command.define(flags.FLAGS)
    command.start("ood", evaluate, flags.FLAGS)
