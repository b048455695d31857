"""Metrics: numbers computed from arrays, without models or files.

    calibration  does confidence match accuracy? ECE, Brier score, NLL, temperature
    ood          does a score separate outliers? AUROC, AUPR, FPR at 95% TPR
    inception    are samples like real images? Inception Score, FID, KID
    manifold     do samples and real images cover each other? precision, recall, ...
    intervals    95% confidence intervals of such numbers

This folder imports `jem_tf.errors` alone. Functions import the libraries that they use
beyond NumPy, so that importing this folder is quick.
"""

from jem_tf.metrics import calibration, inception, intervals, manifold, ood

__all__ = ["calibration", "inception", "intervals", "manifold", "ood"]
