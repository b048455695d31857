"""Metrics: numbers computed from arrays, without models or files.

    calibration             does confidence match accuracy? ECE, Brier, NLL, temperature
    classwise_calibration   the same of every class: class-wise and adaptive ECE
    brier_decomposition     Brier's score as reliability, resolution and uncertainty
    ood                     does a score separate outliers? AUROC, AUPR, FPR at 95% TPR
    ood_intervals           their 95% confidence intervals
    fid_kid                 are samples like real images? Inception Score, FID, KID
    manifold                do samples and real images cover each other? precision, ...
    intervals               95% confidence intervals of numbers of other kinds

This folder imports `jem_tf.errors` alone. Functions import the libraries that they use
beyond NumPy, so that importing this folder is quick.
"""

from jem_tf.metrics import (
    brier_decomposition,
    calibration,
    classwise_calibration,
    fid_kid,
    intervals,
    manifold,
    ood,
    ood_intervals,
)

__all__ = [
    "brier_decomposition",
    "calibration",
    "classwise_calibration",
    "fid_kid",
    "intervals",
    "manifold",
    "ood",
    "ood_intervals",
]
