"""Metrics: numbers computed from arrays, without models or files.

    calibration  does confidence match accuracy? ECE, Brier score, NLL, temperature
    ood          does a score separate outliers? AUROC, AUPR, FPR at 95% TPR
    inception    are samples like real images? Inception Score, FID, KID
    intervals    95% confidence intervals of such numbers

This room imports `jem_tf.errors` alone. Libraries beyond NumPy are imported by the
functions that use them, so that importing this room is quick.
"""

from jem_tf.metrics import calibration, inception, intervals, ood

__all__ = ["calibration", "inception", "intervals", "ood"]
