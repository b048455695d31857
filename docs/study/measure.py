"""Measures a run of the study on validation images: writes RUN/results/study.json.

    python docs/study/measure.py RUN DATA_DIR IMAGES_DIR INCEPTION.pb [CKPT.npz]

DATA_DIR holds prepared TFDS sets, IMAGES_DIR the folders of outliers; of each set of
outliers the even half is looked at. No test image of the run's data is. CKPT.npz is the
lowered run's, with the readings of every step; of another run the TensorBoard log is
read, which has the means over each epoch.
"""

import json
import sys
import time

import numpy as np

import jem_tf.system.tensorflow_setup  # noqa: F401  before TensorFlow, whose chatter it mutes

# isort: split
import tensorflow as tf
from tensorboard.backend.event_processing import event_accumulator

from jem_tf.datasets import Split, outliers
from jem_tf.evaluation import (
    attacks,
    fitted_scores,
    inception_network,
    inference,
    monitoring,
    outlier_detection,
    reference,
    robustness,
    sample_quality,
    sample_sources,
)
from jem_tf.evaluation.scorer import Scorer
from jem_tf.runs import build, initial_weights, loading
from jem_tf.system import console, files

SAMPLES, OUTLIERS, ATTACKED = 5000, 1000, 200
SCORES = ["log_px", "max_p", "max_logit", "energy", "knn", "mahalanobis", "vim"]
SCORES += ["combined", "initial_log_px"]


def main(path: str, data_dir: str, images_dir: str, graph: str, ckpt: str = "") -> None:
    """Measures the run at `path`."""
    run = loading.read_run(path)
    data = loading.read_data(run, data_dir)
    results = {"step": run.step} | classify(run.model, data.validation)
    results |= detect(run, data, data_dir, images_dir)
    results |= attack(run.model, data.validation)
    if run.model.buffer is not None:
        results |= {"samples": judge_samples(run.model, data, graph)}
        gap = read_gap(ckpt) if ckpt else read_logged_gap(run.folder.tensorboard)
        fifths = np.array_split(gap, 5)
        results |= {"gap_by_fifths": [float(np.mean(part)) for part in fifths]}
    files.write_json(run.folder.result("study"), results)
    print(results)


def classify(model, validation):
    """Accuracy, NLL and ECE on all validation images."""
    logits = inference.logits(model, validation.images)
    return monitoring.classification_metrics(logits, validation.labels)


def detect(run, data, data_dir, images_dir):
    """AUROC of validation images against the even half of each set."""
    images = data.validation.images[:OUTLIERS]
    names = ["svhn_cropped", "cifar100", "uniform", "constant", "interpolation"]
    names += [f"folder:{images_dir}/{name}" for name in ("dtd32", "tinyimagenet32")]
    sets = {
        name: outliers.load_outliers(
            name, images, data_dir=data_dir, limit=OUTLIERS, half="even", seed=0
        )[0]
        for name in names
    }
    scorer = Scorer(run.model, initial=initial_weights.classifier_of(run))
    chosen = [name for name in SCORES if name in scorer.names]
    precision, _ = build.choose_precision(run.options)
    fitted_scores.attach(scorer, chosen, run.folder, data, precision=precision)
    metrics, _ = outlier_detection.evaluate_outliers(
        scorer, images, sets, names=chosen, positives="validation"
    )
    kept = {key: value for key, value in metrics.items() if "_ci" not in key}
    return {key: value for key, value in kept.items() if key.startswith("auroc")}


def attack(model, validation):
    """Accuracy of the first validation images under PGD-20 in L2."""
    split = Split(validation.images[:ATTACKED], validation.labels[:ATTACKED])
    metrics, _, _ = robustness.evaluate_robustness(
        model,
        split,
        defences=[robustness.Defence(0, None, 1, 1)],
        radii={"linf": [0.0, robustness.UNBOUNDED], "l2": [0.0, 0.25]},
        settings=attacks.AttackSettings(20, 1, 0, "pgd"),
    )
    return {key: value for key, value in metrics.items() if "/l2/" in key}


def judge_samples(model, data, graph):
    """FID and KID of the buffer as it is, against all but the test images."""
    bfloat16 = inception_network.in_bfloat16("auto")
    network = inception_network.Inception(graph, bfloat16=bfloat16)
    real, against = reference.choose_reference(data, network, split="train")
    count = min(SAMPLES, model.buffer.size)
    drawn = sample_sources.draw_samples(model, count)
    begin = time.time()
    metrics = sample_quality.evaluate_fidelity(drawn, network, real)
    console.say(f"{count} samples in {time.time() - begin:.0f} s")
    ages = sample_sources.ages_of_samples(model, count)
    return metrics | {
        "count": count,
        "reference": against["images"],
        "bfloat16": bool(bfloat16),
        "age_median": float(np.median(ages)),
    }


def read_gap(ckpt):
    """E(drawn) - E(real) in nats, of every step."""
    with np.load(ckpt) as file:
        names = json.loads(str(file["manifest"]))["readings"]
        return file["readings"][:, names.index("energy_gap")]


def read_logged_gap(folder):
    """The same, where each step has the mean of its epoch."""
    log = event_accumulator.EventAccumulator(str(folder))
    log.Reload()
    epochs = log.Tensors("energies/energy_gap")
    ends = np.array([each.step for each in epochs])
    means = [float(tf.make_ndarray(each.tensor_proto)) for each in epochs]
    return np.repeat(means, np.diff(ends, prepend=0))


if __name__ == "__main__":
    main(*sys.argv[1:])
