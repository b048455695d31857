"""Inception Score, FID and KID: of predictions and features, whatever network's.

Letters: N images, D features, K classes. Rows are taken in the order given, in splits,
groups and blocks: shuffle what is sorted.
"""

import collections

import numpy as np

from jem_tf.errors import InputError

Statistics = collections.namedtuple("Statistics", "mu sigma")
CHUNK = 5000  # rows at a time in float64
LEAST_BLOCKS = 10  # of KID, whatever their size


def inception_score(probabilities, splits=10):
    """exp E KL(p(y|x) || p(y)) (Salimans et al. 2016): in [1, K], higher is better.

    Args:
      probabilities: float [N, K], p(y|x) of each image.
      splits: parts of the rows, each with a score and a p(y) of its own.

    Returns:
      (mean, standard deviation) over the splits.
    """
    from scipy.special import rel_entr

    parts = np.array_split(np.asarray(probabilities, "float64"), splits)
    if not len(parts[-1]):
        raise InputError(
            f"{len(probabilities)} samples are too few for an Inception Score in "
            f"{splits} splits; give at least {splits}."
        )
    scores = [np.exp(rel_entr(p, p.mean(0)).sum(1).mean()) for p in parts]
    return float(np.mean(scores)), float(np.std(scores))


def statistics(features):
    """Mean and covariance: [N, D] -> Statistics(mu [D], sigma [D, D]), float64.

    Raises:
      InputError: unless N > D, without which the covariance has no full rank.
    """
    n, width = np.shape(features)
    if n <= width:
        raise InputError(
            f"{n} images are too few for a covariance of {width} features; give more "
            f"than {width}."
        )
    mu = np.mean(features, axis=0, dtype="float64")
    return Statistics(mu, _scatter(features, mu) / (n - 1))


def frechet_distance(mu1, sigma1, mu2, sigma2):
    """FID, of two Gaussians: lower is better, 0 for equal ones.

    |mu1 - mu2|^2 + tr(sigma1 + sigma2 - 2 (sigma1 sigma2)^(1/2))

    Heusel et al. 2017, equation 6. The trace of the root is that of the symmetric
    (r sigma1 r)^(1/2), r being the root of sigma2: real, whatever the rounding.

    Args:
      mu1, mu2: [D].
      sigma1, sigma2: [D, D], symmetric.
    """
    return _frechet(mu1, sigma1, mu2, sigma2, _root(sigma2))


def frechet_jackknife(features, mu, sigma, groups=10):
    """FID of features against a reference, and how far chance among them moves it.

    The grouped jackknife leaves out a group of rows at a time; the reference counts as
    exact, and the root of its covariance is taken once.

    Args:
      features: [N, D], N > D.
      mu, sigma: of the reference, [D] and [D, D].
      groups: how many.

    Returns:
      (FID, its standard error).
    """
    n, root = len(features), _root(sigma)
    mean, covariance = statistics(features)
    fid = _frechet(mean, covariance, mu, sigma, root)
    scatter, without = covariance * (n - 1), []
    for rows in np.array_split(features, groups):
        kept = n - len(rows)
        less = mean + (mean - np.mean(rows, axis=0, dtype="float64")) * len(rows) / kept
        # Of the rows kept, round their own mean, from all those round the mean of all.
        rest = scatter - _scatter(rows, mean) - kept * np.outer(*[less - mean] * 2)
        without.append(_frechet(less, rest / (kept - 1), mu, sigma, root))
    return fid, float(np.sqrt((groups - 1) * np.var(without)))


def kernel_distance(a, b, block=1000):
    """KID, the unbiased squared MMD under (x.y / D + 1)^3 (Binkowski et al. 2018).

    Args:
      a, b: float [N, D] and [M, D].
      block: rows of each in one estimate; fewer where there would not be 10 disjoint
        blocks.

    Returns:
      (mean over the blocks, its standard error); the mean's expectation is 0 for equal
      distributions, so that it may be negative.
    """
    n = min(len(a), len(b))
    block = min(block, n // LEAST_BLOCKS)
    if block < 2:
        raise InputError(
            f"{n} images are too few for a KID; give at least {2 * LEAST_BLOCKS}."
        )
    found = [
        _mmd(a[i : i + block], b[i : i + block]) for i in range(0, n - block + 1, block)
    ]
    return float(np.mean(found)), float(np.std(found, ddof=1) / np.sqrt(len(found)))


def _mmd(a, b):
    a, b = np.asarray(a, "float64"), np.asarray(b, "float64")
    m, n, width = len(a), len(b), a.shape[1]
    aa, bb, ab = (((x @ y.T) / width + 1) ** 3 for x, y in ((a, a), (b, b), (a, b)))
    within = (aa.sum() - np.trace(aa)) / (m * (m - 1))
    return within + (bb.sum() - np.trace(bb)) / (n * (n - 1)) - 2 * ab.mean()


def _scatter(rows, centre):
    total = np.zeros([len(centre)] * 2)
    for begin in range(0, len(rows), CHUNK):
        centred = np.asarray(rows[begin : begin + CHUNK], "float64") - centre
        total += centred.T @ centred
    return total


def _root(sigma):
    values, vectors = np.linalg.eigh(sigma)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


def _frechet(mu1, sigma1, mu2, sigma2, root2):
    product = root2 @ sigma1 @ root2
    values = np.linalg.eigvalsh((product + product.T) / 2)
    shared = np.sqrt(np.maximum(values, 0)).sum()
    apart = np.sum((np.asarray(mu1) - mu2) ** 2)
    return float(apart + np.trace(sigma1) + np.trace(sigma2) - 2 * shared)
