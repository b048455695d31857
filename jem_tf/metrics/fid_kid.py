"""Inception Score, FID and KID, from the predictions and features of any network.

Letters: N images, D features, K classes. The rows are taken in the order given, in
splits, groups and blocks, so shuffle rows that are sorted.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from jem_tf.errors import InputError

CHUNK = 5000  # rows that are in float64 at a time
LEAST_BLOCKS = 10  # of KID, however small they are
LEAST_RATIO = 2  # N / D from which FID is about linear in 1 / N, see `Distance`


class Statistics(NamedTuple):
    """Mean and covariance of features, float64."""

    mu: np.ndarray  # [D]
    sigma: np.ndarray  # [D, D]


class Distance(NamedTuple):
    """FID of N images against a reference.

    fid: as `frechet_distance`. It is biased upward, by about a constant over N.
    deviation: its standard error.
    infinity: where the line through FID at N and at fewer images is at 1/N = 0 (Chong &
      Forsyth 2020, section 3); its standard error is about the same. The correction is
      too large: by 7% at N = 2 D, 5% at 2.4 D and 2% at 5 D, on Gaussians with the
      covariance of 256 of Inception's features of CIFAR-10. None below N = 2 D.
    """

    fid: float
    deviation: float
    infinity: float | None


def inception_score(probabilities: ArrayLike, splits: int = 10) -> tuple[float, float]:
    """Computes exp E KL(p(y|x) || p(y)) (Salimans et al. 2016).

    Args:
      probabilities: float [N, K], p(y|x) of each image.
      splits: parts of the rows. Each part has its own p(y) and its own score.

    Returns:
      (mean, standard deviation) over the splits. The mean is in [1, K]; higher is
      better.

    Raises:
      InputError: if there are fewer images than splits.
    """
    from scipy.special import rel_entr

    rows = np.asarray(probabilities, "float64")
    if len(rows) < splits:
        raise InputError(
            f"{len(rows)} samples are too few for an Inception Score in {splits} "
            f"splits; give at least {splits}."
        )
    parts = np.array_split(rows, splits)
    scores = [np.exp(rel_entr(p, p.mean(0)).sum(1).mean()) for p in parts]
    return float(np.mean(scores)), float(np.std(scores))


def statistics(features: np.ndarray) -> Statistics:
    """Computes the mean and covariance of features [N, D].

    Raises:
      InputError: unless N > D. With fewer images the covariance has no full rank.
    """
    n, width = np.shape(features)
    if n <= width:
        raise InputError(
            f"{n} images are too few for a covariance of {width} features; give more "
            f"than {width}."
        )
    mu = np.mean(features, axis=0, dtype="float64")
    return Statistics(mu, _scatter(features, mu) / (n - 1))


def frechet_distance(
    mu1: np.ndarray, sigma1: np.ndarray, mu2: np.ndarray, sigma2: np.ndarray
) -> float:
    """Computes FID, the Frechet distance of two Gaussians.

    |mu1 - mu2|^2 + tr(sigma1 + sigma2 - 2 (sigma1 sigma2)^(1/2))

    This is equation 6 of Heusel et al. 2017. The trace of the root is computed as that
    of the symmetric (r sigma1 r)^(1/2), where r is the root of sigma2, so that rounding
    cannot make it complex.

    Args:
      mu1: [D].
      sigma1: [D, D], symmetric.
      mu2: [D].
      sigma2: [D, D], symmetric.

    Returns:
      A float; 0 for equal Gaussians, lower is better.
    """
    return _frechet(mu1, sigma1, mu2, sigma2, _root(sigma2))


def frechet_jackknife(
    features: np.ndarray, mu: np.ndarray, sigma: np.ndarray, groups: int = 10
) -> Distance:
    """Computes FID of features against a reference, its standard error and its limit.

    The error is that of a grouped jackknife, which leaves out one group of rows at a
    time. The mean FID without a group is the second point of the line in 1/N. Both
    count the reference as exact.

    Args:
      features: [N, D], N > D.
      mu: [D], of the reference.
      sigma: [D, D], of the reference.
      groups: how many.

    Raises:
      InputError: unless N > D.
    """
    n, root = len(features), _root(sigma)
    mean, covariance = statistics(features)
    fid = _frechet(mean, covariance, mu, sigma, root)
    scatter, fids, inverses = covariance * (n - 1), [], []
    for rows in np.array_split(features, groups):
        kept = n - len(rows)
        less = mean + (mean - np.mean(rows, axis=0, dtype="float64")) * len(rows) / kept
        # `rest` is the scatter of the kept rows about their own mean, which is `less`.
        # The other two scatters are about `mean`.
        rest = scatter - _scatter(rows, mean) - kept * np.outer(*[less - mean] * 2)
        fids.append(_frechet(less, rest / (kept - 1), mu, sigma, root))
        inverses.append(1 / kept)
    deviation = float(np.sqrt((groups - 1) * np.var(fids)))
    slope = (np.mean(fids) - fid) / (np.mean(inverses) - 1 / n)
    linear = n >= LEAST_RATIO * len(mean)
    return Distance(fid, deviation, float(fid - slope / n) if linear else None)


def kernel_distance(
    a: np.ndarray, b: np.ndarray, block: int = 1000
) -> tuple[float, float]:
    """Computes KID, the unbiased squared MMD under the kernel (x.y / D + 1)^3.

    Source: Binkowski et al. (ICLR 2018).

    Args:
      a: float [N, D].
      b: float [M, D].
      block: rows of `a` and of `b` in one estimate. There are fewer if there would not
        be 10 disjoint blocks.

    Returns:
      (mean over the blocks, its standard error). The expectation of the mean is 0 for
      equal distributions, so it can be negative.

    Raises:
      InputError: if N or M is less than 20.
    """
    n = min(len(a), len(b))
    block = min(block, n // LEAST_BLOCKS)
    if block < 2:
        raise InputError(
            f"{n} images are too few for a KID; give at least {2 * LEAST_BLOCKS}."
        )
    estimates = [
        _mmd(a[i : i + block], b[i : i + block]) for i in range(0, n - block + 1, block)
    ]
    error = np.std(estimates, ddof=1) / np.sqrt(len(estimates))
    return float(np.mean(estimates)), float(error)


def _mmd(a: np.ndarray, b: np.ndarray) -> float:
    a, b = np.asarray(a, "float64"), np.asarray(b, "float64")
    m, n, width = len(a), len(b), a.shape[1]
    aa, bb, ab = (((x @ y.T) / width + 1) ** 3 for x, y in ((a, a), (b, b), (a, b)))
    within = (aa.sum() - np.trace(aa)) / (m * (m - 1))
    return within + (bb.sum() - np.trace(bb)) / (n * (n - 1)) - 2 * ab.mean()


def _scatter(rows: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Sum of (row - centre) (row - centre)^T: [N, D], [D] -> [D, D]."""
    total = np.zeros([len(centre)] * 2)
    for begin in range(0, len(rows), CHUNK):
        centred = np.asarray(rows[begin : begin + CHUNK], "float64") - centre
        total += centred.T @ centred
    return total


def _root(sigma: np.ndarray) -> np.ndarray:
    """The symmetric square root of a covariance, [D, D] -> [D, D]."""
    values, vectors = np.linalg.eigh(sigma)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


def _frechet(
    mu1: np.ndarray,
    sigma1: np.ndarray,
    mu2: np.ndarray,
    sigma2: np.ndarray,
    root2: np.ndarray,
) -> float:
    product = root2 @ sigma1 @ root2
    values = np.linalg.eigvalsh((product + product.T) / 2)
    overlap = np.sqrt(np.maximum(values, 0)).sum()
    apart = np.sum((np.asarray(mu1) - mu2) ** 2)
    return float(apart + np.trace(sigma1) + np.trace(sigma2) - 2 * overlap)
