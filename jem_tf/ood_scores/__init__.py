"""Scores of how much images are like the training images, by name; a table, SCORES.

    interface         the signature of a score; what it is computed from and fitted on
    whitening         a root of the inverse of a covariance
    log_px            log p(x) + const                          (the paper's three:)
    max_p             max p(y|x)
    approximate_mass  -||d log p(x) / dx||
    energy            the energy at the calibrated temperature
    max_logit         the largest logit
    knn               the distance to the nearest training images
    mahalanobis       the distance to the nearest class
    vim               virtual-logit matching
    typicality        how typical log p(x), its gradient and the confidence are
    combined          Fisher's combination of log_px and knn
    initial_log_px    log_px of the classifier that training began with
    initial_vim       vim of the classifier that training began with

Higher means more like the training images. Fitted scores are fitted on training or
validation images, never on outliers. To add a score, write `compute` and `fit` in a
file of its own and enter it in SCORES. `evaluation.scorer` computes what scores take
from a model. This folder imports `energies` and `metrics` alone.
"""

from collections.abc import Sequence

import numpy as np

from jem_tf.ood_scores import (
    approximate_mass,
    combined,
    energy,
    initial_log_px,
    initial_vim,
    knn,
    log_px,
    mahalanobis,
    max_logit,
    max_p,
    typicality,
    vim,
)
from jem_tf.ood_scores.interface import Known, Outputs, Score, State

# In the order in which they are fitted: the parts of a score stand before it.
SCORES: dict[str, Score] = {
    "log_px": log_px.SCORE,
    "max_p": max_p.SCORE,
    "approximate_mass": approximate_mass.SCORE,
    "energy": energy.SCORE,
    "max_logit": max_logit.SCORE,
    "knn": knn.SCORE,
    "mahalanobis": mahalanobis.SCORE,
    "vim": vim.SCORE,
    "typicality": typicality.SCORE,
    "combined": combined.SCORE,
    "initial_log_px": initial_log_px.SCORE,
    "initial_vim": initial_vim.SCORE,
}
PAPER = ("log_px", "max_p", "approximate_mass")

# The score that `is_ood` of an exported model uses unless another is asked for is the
# first of these that the model can have and that takes uniform noise for unknown
# (`evaluation.served_score`). Nothing else of the choice depends on the model, so that
# nobody chooses on the natural outliers that they measure with. The rule for the list:
# of the scores without a gradient, the one whose smallest AUROC over all sets of the
# study is the largest, validation images against the even halves of the sets
# (docs/study.md); the second is that one of a model of 100 classes, whose classifier's
# log p(x) is larger on noise (docs/results/cifar100.md). The last takes no features, so
# that every network has it.
DEFAULTS = ("initial_log_px", "initial_vim", "max_p")

CHUNK = 1000  # images that are scored at once


def default_of(names: Sequence[str]) -> str:
    """Of the scores that a model can have, the first of DEFAULTS."""
    return next(name for name in DEFAULTS if name in names)


def with_parts(names: Sequence[str]) -> list[str]:
    """Names the scores and those whose state they use, in the order of SCORES."""
    wanted = {part for name in names for part in (name, *SCORES[name].parts)}
    return [name for name in SCORES if name in wanted]


def fit(known: Known, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Fits the scores called `names`, and their parts.

    Args:
      known: outputs of training and validation images, as far as the scores need them.
      names: of SCORES.

    Returns:
      {"<score>/<name>": array}.
    """
    state: dict[str, np.ndarray] = {}
    for name in with_parts(names):
        fit_score = SCORES[name].fit
        state |= fit_score(known, state) if fit_score else {}
    return state


def compute(
    outputs: Outputs, state: State, names: Sequence[str]
) -> dict[str, np.ndarray]:
    """Computes scores of N images, CHUNK images at a time.

    Args:
      outputs: NumPy arrays.
      state: what `fit` returned for the scores.
      names: of SCORES.

    Returns:
      {name: float32 [N]}.
    """
    chunks = [
        Outputs(*(x if x is None else x[begin : begin + CHUNK] for x in outputs))
        for begin in range(0, len(outputs.logits), CHUNK)
    ]
    return {
        name: np.concatenate([SCORES[name].compute(x, state) for x in chunks])
        for name in names
    }
