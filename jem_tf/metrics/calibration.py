"""Calibration metrics: how well confidence matches accuracy.

Letters: N examples, K classes; logits float [N, K], labels int [N] or [N, 1] in [0, K),
of which others raise an InputError. p(y|x) is softmax of the logits, and the confidence
in an example is max_y p(y|x).
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from jem_tf.errors import InputError, argument

BINS = 20  # as in the JEM paper
TEMPERATURES = (0.02, 50.0)  # the range in which `best_temperature` searches


class Bins(NamedTuple):
    """The data of a reliability diagram with B bins of confidence."""

    edges: np.ndarray  # float [B + 1]
    counts: np.ndarray  # int [B], examples
    confidence: np.ndarray  # float [B], mean; NaN where a bin is empty
    accuracy: np.ndarray  # float [B], mean; NaN where a bin is empty


def expected_calibration_error(
    logits: ArrayLike, labels: ArrayLike, *, bins: int = BINS
) -> float:
    """Computes ECE: the mean gap between confidence and accuracy over bins.

    The bins of confidence have equal width (Guo et al., ICML 2017, equation 3).

    Args:
      logits: float [N, K].
      labels: int [N] in [0, K).
      bins: how many bins; the JEM paper has 20.

    Returns:
      A float in [0, 1]; 0 if the model is calibrated. NaN if a logit is not finite.
    """
    import tensorflow_probability as tfp

    numbers = class_numbers(labels, logits)
    if not np.isfinite(logits).all():
        return math.nan
    return float(
        tfp.stats.expected_calibration_error(
            bins, logits=np.asarray(logits, "float32"), labels_true=numbers
        )
    )


def adaptive_calibration_error(
    logits: ArrayLike, labels: ArrayLike, *, bins: int = BINS
) -> float:
    """Computes ECE over bins that hold equally many examples.

    Source: Nguyen & O'Connor (EMNLP 2015).

    Returns:
      A float in [0, 1]; 0 if the model is calibrated.
    """
    confidence, correct = confidences(logits, labels)
    order = np.argsort(confidence, kind="stable")
    gaps = [
        abs(confidence[rows].mean() - correct[rows].mean()) * len(rows)
        for rows in np.array_split(order, bins)
        if len(rows)
    ]
    return float(sum(gaps) / len(order))


def brier(logits: ArrayLike, labels: ArrayLike) -> float:
    """Computes Brier's (1950) score: the mean of sum_y (p(y|x) - [y is the label])^2.

    Returns:
      A float in [0, 2]; 0 if every prediction is certain and correct.
    """
    import tensorflow_probability as tfp

    numbers = class_numbers(labels, logits)
    scores = tfp.stats.brier_score(numbers, np.asarray(logits, "float32"))
    return float(np.mean(scores) + 1)  # TFP's score lies in [-1, 1]


def nll(logits: ArrayLike, labels: ArrayLike) -> float:
    """Computes the negative log-likelihood: the mean of -log p(label|x), in nats."""
    log_p = log_softmax(logits)
    return float(-np.mean(log_p[np.arange(len(log_p)), class_numbers(labels, logits)]))


def best_temperature(logits: ArrayLike, labels: ArrayLike) -> float:
    """Finds the T at which softmax(logits / T) has the smallest `nll`.

    This is the temperature scaling of Guo et al. (ICML 2017, section 4.2). Fit it on
    validation examples.

    Returns:
      A float within TEMPERATURES; above 1 if the logits were too confident. NaN if a
      logit is not finite.
    """
    import scipy.optimize

    logits = np.asarray(logits, "float64")
    if not np.isfinite(logits).all():
        return math.nan
    minimum = scipy.optimize.minimize_scalar(
        lambda log_t: nll(logits / np.exp(log_t), labels),
        bounds=np.log(TEMPERATURES),
        method="bounded",
    )
    return float(np.exp(minimum.x))


def reliability(logits: ArrayLike, labels: ArrayLike, *, bins: int = BINS) -> Bins:
    """Computes what a reliability diagram shows, over bins of equal width."""
    confidence, correct = confidences(logits, labels)
    return bin_means(confidence, correct, bins=bins)


def bin_means(confidence: np.ndarray, correct: np.ndarray, *, bins: int = BINS) -> Bins:
    """Computes the means in bins of equal width of any probabilities and outcomes.

    Args:
      confidence: float [N] in [0, 1], probabilities of an outcome.
      correct: float [N], 1 where the outcome came and 0 elsewhere.
      bins: how many bins.
    """
    places = bin_places(confidence, bins)
    counts = np.bincount(places, minlength=bins)
    with np.errstate(invalid="ignore"):
        means = [
            np.bincount(places, values, minlength=bins) / counts
            for values in (confidence, correct)
        ]
    return Bins(np.linspace(0, 1, bins + 1), counts, *means)


def bin_places(confidence: np.ndarray, bins: int) -> np.ndarray:
    """Numbers the bin of equal width of each probability, int in [0, bins)."""
    places = np.digitize(confidence, np.linspace(0, 1, bins + 1)) - 1
    return np.clip(places, 0, bins - 1)


def bin_gaps(logits: ArrayLike, labels: ArrayLike, *, bins: int = BINS) -> np.ndarray:
    """Computes each example's part of the ECE, which is sum_b |mean over N of them|.

    Returns:
      float64 [N, bins], confidence less correctness in the example's bin, else 0.
    """
    confidence, correct = confidences(logits, labels)
    gaps = np.zeros([len(confidence), bins])
    gaps[np.arange(len(gaps)), bin_places(confidence, bins)] = confidence - correct
    return gaps


def resampled_errors(gaps: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Computes the ECE of R resamples at once.

    Args:
      gaps: float [N, bins], from `bin_gaps`.
      counts: [R, N], how often each example is in a resample.

    Returns:
      float64 [R].
    """
    return np.abs(counts @ gaps).sum(axis=1) / counts.sum(axis=1)


def errors_by_chance(logits: ArrayLike, draws: int, *, seed: int = 0) -> np.ndarray:
    """Computes the ECE of draws of labels from p(y|x), under which the model is right.

    Source: Broecker & Smith (Weather and Forecasting 22, 2007), consistency resampling.

    Returns:
      float64 [draws]: what chance alone makes of N examples.
    """
    confidence = np.exp(log_softmax(logits).max(axis=1))
    places = bin_places(confidence, BINS)
    generator = np.random.default_rng([seed, 1])
    errors = np.empty(draws)
    for i in range(draws):
        gaps = confidence - (generator.random(len(confidence)) < confidence)
        errors[i] = np.abs(np.bincount(places, gaps)).sum() / len(confidence)
    return errors


def draw_labels(logits: ArrayLike, draws: int, *, seed: int = 0) -> list[np.ndarray]:
    """Draws labels from p(y|x), under which every error here is chance alone.

    Returns:
      As many arrays as `draws`, int [N] in [0, K).
    """
    sums = np.cumsum(np.exp(log_softmax(logits)), axis=1)
    generator = np.random.default_rng([seed, 1])
    return [
        np.sum(sums[:, :-1] < generator.random([len(sums), 1]), axis=1)
        for _ in range(draws)
    ]


def confidences(logits: ArrayLike, labels: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Computes the confidence in each example, and whether its class is correct.

    Returns:
      (max_y p(y|x), 1 where that y is the label and 0 elsewhere), both float64 [N].
    """
    log_p = log_softmax(logits)
    correct = np.argmax(log_p, axis=1) == class_numbers(labels, logits)
    return np.exp(log_p.max(axis=1)), correct.astype("float64")


def one_vs_rest(logits: ArrayLike, labels: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """(p(y|x), 1 where y is the label and 0 elsewhere), both float64 [N, K]."""
    probabilities = np.exp(log_softmax(logits))
    return probabilities, np.eye(probabilities.shape[1])[class_numbers(labels, logits)]


def class_numbers(labels: ArrayLike, logits: ArrayLike) -> np.ndarray:
    """The labels of N examples, [N] or [N, 1], as int32 [N].

    Raises:
      InputError: if they are not N numbers of the K classes of the logits.
    """
    n, classes = np.shape(logits)
    given = np.asarray(labels)
    numbers = given[:, 0] if given.shape == (n, 1) else given
    if numbers.shape != (n,) or numbers.dtype.kind not in "biuf":
        raise InputError(
            f"{argument('labels')} are {given.dtype} of shape {list(given.shape)}; "
            f"give class numbers, one for each of {n} rows of logits."
        )
    strange = numbers[~np.isin(numbers, np.arange(classes))]
    if len(strange):
        raise InputError(
            f"{argument('labels')} hold {strange[0]}; give class numbers, 0 to "
            f"{classes - 1}, and leave out examples without a class."
        )
    return numbers.astype("int32")


def log_softmax(logits: ArrayLike) -> np.ndarray:
    """Computes log p(y|x): float64 [N, K]."""
    import scipy.special

    return scipy.special.log_softmax(np.asarray(logits, "float64"), axis=1)
