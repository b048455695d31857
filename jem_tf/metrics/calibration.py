"""How well confidence matches accuracy.

Letters: N examples, K classes; logits float [N, K], labels int [N] in [0, K); p is
softmax of the logits, the confidence max p(y|x).
"""

import collections

import numpy as np

BINS = 20  # the paper's
TEMPERATURES = (0.02, 50.0)  # between which the best is looked for

Bins = collections.namedtuple("Bins", "edges counts confidence accuracy")


def expected_calibration_error(logits, labels, *, bins=BINS):
    """ECE: the mean gap between confidence max p(y|x) and accuracy, by bins of it.

    Args:
      logits: float [N, K].
      labels: int [N] in [0, K).
      bins: how many; Guo et al. (ICML 2017, equation 3), of which the paper takes 20.

    Returns:
      A float in [0, 1], 0 being calibrated.
    """
    import tensorflow_probability as tfp

    return float(
        tfp.stats.expected_calibration_error(
            bins,
            logits=np.asarray(logits, "float32"),
            labels_true=np.asarray(labels, "int32"),
        )
    )


def adaptive_calibration_error(logits, labels, *, bins=BINS):
    """The same over bins of equally many examples (Nguyen & O'Connor, EMNLP 2015).

    Returns:
      A float in [0, 1], 0 being calibrated.
    """
    confidence, right = confidences(logits, labels)
    order = np.argsort(confidence, kind="stable")
    gaps = [
        abs(confidence[some].mean() - right[some].mean()) * len(some)
        for some in np.array_split(order, bins)
        if len(some)
    ]
    return float(sum(gaps) / len(order))


def brier(logits, labels):
    """Brier's (1950) score: the mean of sum_y (p(y|x) - [y is right])^2, in [0, 2]."""
    import tensorflow_probability as tfp

    scores = tfp.stats.brier_score(
        np.asarray(labels, "int32"), np.asarray(logits, "float32")
    )
    return float(np.mean(scores) + 1)  # TFP's lies in [-1, 1]


def nll(logits, labels):
    """The mean of -log p(y|x), in nats."""
    log_p = _log_softmax(np.asarray(logits, "float64"))
    return float(-np.mean(log_p[np.arange(len(log_p)), labels]))


def best_temperature(logits, labels):
    """The T at which softmax(logits / T) has the least `nll`.

    Temperature scaling of Guo et al. (ICML 2017, section 4.2); fit it on validation
    examples.

    Returns:
      A float within TEMPERATURES; above 1 the logits were too sure.
    """
    import scipy.optimize

    logits = np.asarray(logits, "float64")
    found = scipy.optimize.minimize_scalar(
        lambda log_t: nll(logits / np.exp(log_t), labels),
        bounds=np.log(TEMPERATURES),
        method="bounded",
    )
    return float(np.exp(found.x))


def reliability(logits, labels, *, bins=BINS):
    """What a reliability diagram shows, over bins of equal width.

    Returns:
      Bins(edges [bins + 1], counts int [bins], confidence [bins], accuracy [bins]: the
      means of either, NaN where a bin is empty).
    """
    confidence, right = confidences(logits, labels)
    edges = np.linspace(0, 1, bins + 1)
    where = np.clip(np.digitize(confidence, edges) - 1, 0, bins - 1)
    counts = np.bincount(where, minlength=bins)
    with np.errstate(invalid="ignore"):
        means = [
            np.bincount(where, values, minlength=bins) / counts
            for values in (confidence, right)
        ]
    return Bins(edges, counts, *means)


def confidences(logits, labels):
    """(max p(y|x), whether it is right as 0 or 1), both float [N]."""
    log_p = _log_softmax(np.asarray(logits, "float64"))
    right = np.argmax(log_p, axis=1) == np.asarray(labels)
    return np.exp(log_p.max(axis=1)), right.astype("float64")


def _log_softmax(logits):
    import scipy.special

    return scipy.special.log_softmax(logits, axis=1)
