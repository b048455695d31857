"""Names that a reader knows for the keys of metrics; an unknown key stands as it is.

Keys are those of RUN/results/*.json (docs/evaluation.md). `tables.lay_out` makes
titles, rows and columns of those with slashes.
"""

import re
from typing import NamedTuple

HIGHER, LOWER, NEITHER = "higher", "lower", ""  # which is better


class Name(NamedTuple):
    """What a metric is called.

    text: its name.
    unit: such as "nats"; "" for shares and counts.
    better: HIGHER, LOWER or NEITHER.
    """

    text: str
    unit: str = ""
    better: str = NEITHER


METRICS = {
    "accuracy": Name("Accuracy", "", HIGHER),
    "accuracy_noisy": Name("Accuracy with the paper's noise", "", HIGHER),
    "nll": Name("Negative log-likelihood", "nats", LOWER),
    "brier": Name("Brier score", "", LOWER),
    "brier_reliability": Name("Brier score: reliability", "", LOWER),
    "brier_resolution": Name("Brier score: resolution", "", HIGHER),
    "brier_uncertainty": Name("Brier score: uncertainty of the labels"),
    "brier_within_bins": Name("Brier score: within bins"),
    "ece": Name("Expected calibration error (ECE)", "", LOWER),
    "ece_adaptive": Name("ECE, bins of equally many images", "", LOWER),
    "ece_classwise": Name("ECE by class, mean", "", LOWER),
    "ece_classwise_adaptive": Name("ECE by class, equal bins", "", LOWER),
    "temperature": Name("Temperature that calibrates it"),
    "mean_corruption_error": Name("Mean error on corrupted images", "", LOWER),
    "fid": Name("Fréchet Inception distance (FID)", "", LOWER),
    "fid_infinity": Name("FID without the bias of few samples", "", LOWER),
    "kid": Name("Kernel Inception distance (KID)", "", LOWER),
    "inception_score": Name("Inception Score", "", HIGHER),
    "precision": Name("Precision: samples among real images", "", HIGHER),
    "recall": Name("Recall: real images among samples", "", HIGHER),
    "density": Name("Density", "", HIGHER),
    "coverage": Name("Coverage", "", HIGHER),
    "samples": Name("Samples"),
    "reference_images": Name("Real images compared with"),
    "manifold_images": Name("Images of precision, recall, density, coverage"),
    "chain_age": Name("Age of the chains", "training steps"),
    "ess": Name("Effective sample size of E(x)", "", HIGHER),
    "ess_share": Name("Effective sample size, share of draws", "", HIGHER),
    "rhat": Name("R-hat of E(x)", "1 if mixed", LOWER),
    "acceptance": Name("Steps accepted"),
    "energy_mean": Name("E(x), mean", "nats"),
    "energy_std": Name("E(x), standard deviation", "nats"),
    "energy_first": Name("E(x) at the start", "nats"),
    "log_px": Name("log p(x) + const, mean", "nats"),
    "auroc": Name("AUROC", "", HIGHER),
    "aupr": Name("AUPR, test images positive", "", HIGHER),
    "aupr_out": Name("AUPR, outliers positive", "", HIGHER),
    "fpr95": Name("FPR: outliers accepted with 95% of the test images", "", LOWER),
    "fpr95_out": Name("FPR: test images refused with 95% of the outliers", "", LOWER),
    "openood": Name("Groups of OpenOOD v1.5, means over their sets"),
    "by_class": Name("By class"),
    "memorisation": Name("Nearest training images"),
    "corrupted_accuracy": Name("Accuracy on corrupted images", "", HIGHER),
    "corrupted_ece": Name("ECE on corrupted images", "", LOWER),
    "robust_accuracy": Name("Accuracy under attack", "", HIGHER),
    "transfer_accuracy": Name("Accuracy under attacks on the baseline", "", HIGHER),
    "broken_by": Name("Images that an attack broke", "images", LOWER),
    "distal/reached": Name("Noise driven to a class: share that got there"),
    "distal/confidence": Name("Noise driven to a class: confidence"),
    "distal/steps": Name("Noise driven to a class", "steps"),
}
ENDINGS = {
    "_temperature_scaled": ", temperature-scaled",
    "_network": ", features of the run's own network",
    "_young": ", youngest third of the chains",
    "_middle": ", middle third of the chains",
    "_old": ", oldest third of the chains",
}
SCORES = {
    "log_px": "log p(x)",
    "max_p": "max p(y|x)",
    "approximate_mass": "approximate mass",
    "energy": "energy, calibrated",
    "max_logit": "largest logit",
    "knn": "nearest neighbours",
    "mahalanobis": "Mahalanobis",
    "vim": "ViM",
    "typicality": "typicality",
    "combined": "log p(x) and neighbours",
    "initial_log_px": "log p(x) of the classifier before",
    "initial_vim": "ViM of the classifier before",
}
SETS = {
    "test": "test images",
    "svhn": "SVHN",
    "svhn_cropped": "SVHN",
    "cifar10": "CIFAR-10",
    "cifar100": "CIFAR-100",
    "uniform": "uniform noise",
    "constant": "constant colours",
    "interpolation": "means of two images",
}
SPACES = {
    "pixels": "in pixels",
    "features": "in features",
    "features_network": "in features of the run's own network",
}
COLUMNS = {
    "straight_through": "straight-through gradient",
    "full": "full gradient",
    "apgd_ce": "APGD-CE",
    "apgd_t": "APGD-T",
    "fab_t": "FAB-T",
    "square": "Square attack",
    "predicted": "predicted so",
    "ece": "ECE",
    "ece_one_vs_rest": "ECE, one against the rest",
    "samples": "distance of samples",
    "held_out": "distance of test images",
    "nearer": "samples nearer than test images",
    "forward_passes": "forward passes",
    "backward_passes": "backward passes",
}
# {title of a grid: names of its rows}; the names of classes stand as they are
ROWS = {"openood": SCORES, "memorisation": SPACES} | dict.fromkeys(
    ("auroc", "aupr", "aupr_out", "fpr95", "fpr95_out", "log_px"), SETS
)
FIGURES = {
    "by_class": "calibration by class",
    "classes": "samples by class",
    "grid": "samples at random",
    "neighbours": "samples and their nearest training images",
    "distal": "noise driven to each class",
    "groups": "OpenOOD's groups, by score",
    "reliability": "accuracy by confidence",
    "confidence": "how often each confidence",
    "shift": "accuracy and ECE by severity",
    "accuracy": "accuracy by radius",
} | {score: f"{name} of test images and outliers" for score, name in SCORES.items()}
NORMS = {"linf": "L∞ {}/255", "l2": "L2 {}"}


def name_metric(key: str) -> Name:
    """Names a single metric, or the title of a grid of them."""
    if key in METRICS:
        return METRICS[key]
    title, _, part = key.partition("/")
    if part and title in METRICS:
        whole = METRICS[title]
        return whole._replace(text=f"{whole.text}: {name_row(title, part)}")
    for ending, said in ENDINGS.items():
        stem = key.removesuffix(ending)
        if stem != key and stem in METRICS:
            return METRICS[stem]._replace(text=METRICS[stem].text + said)
    return Name(key)


def name_figure(evaluation: str, figure: str) -> str:
    """Names a figure of an evaluation."""
    if (evaluation, figure) == ("chains", "energy"):
        return "E(x) along the chains"
    return FIGURES.get(figure, figure.replace("_", " "))


def name_row(title: str, row: str) -> str:
    """Names a row of the grid `title`, such as a set, a class or a radius."""
    norm, _, radius = row.partition("/")
    if norm in NORMS and radius:
        return NORMS[norm].format(radius)
    if title.startswith("corrupted_"):
        return row.replace("_", " ")
    return ROWS.get(title, {}).get(row, row)


def name_column(title: str, column: str) -> str:
    """Names a column of the grid `title`, such as a score or JEM-k."""
    group, _, measure = column.partition("_")
    if title == "openood" and measure in METRICS:
        return f"{group}: {METRICS[measure].text.split(':')[0]}"
    if ROWS.get(title) is SETS:
        return SCORES.get(column, column)
    column = re.sub(r"^jem(\d+)", r"JEM-\1", column)
    parts = column.removeprefix("JEM-0/").split("/")
    names = (
        COLUMNS.get(part, part.replace("severity_", "severity ")) for part in parts
    )
    return ", ".join(names)
