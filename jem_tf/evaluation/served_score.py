"""Which score `is_ood` of a served model goes by, and what it makes of uniform noise.

Some scores take uniform noise for images like those of training, and nobody would see
it: log p(x) of a plain classifier of 100 classes is larger on noise (docs/results).
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from jem_tf import ood_scores
from jem_tf.datasets import outliers
from jem_tf.evaluation.scorer import Scorer

MOST_IMAGES = 1000  # validation images that a threshold for the choice is found on
NOISE_IMAGES = 500
SEED = 59_316  # of the noise: a draw that no evaluation measures, unless asked for
LEAST = 0.5  # share of the noise that must be below the threshold
PASSES = "most uniform noise would pass for an image like those of training"


def choose(
    scorer: Scorer,
    images: Any,
    attach: Callable[[list[str]], Any],
    accept: float = 0.95,
) -> tuple[str, str]:
    """Chooses the first default that takes most uniform noise for unknown.

    Args:
      scorer: of the model.
      images: validation images uint8 [N, H, W, C]; the first MOST_IMAGES are used.
      attach: gives the scorer the state of the scores that it is called with.
      accept: in (0, 1], the share of these images that are not below the threshold.

    Returns:
      (the name of a score: of those of `ood_scores.DEFAULTS` that the model can have,
      the first that takes at least LEAST of uniform noise for unknown; the last if
      there is none; a phrase that says why it is this one).

    Raises:
      InputError: as `attach` does.
    """
    images = images[:MOST_IMAGES]
    names = [name for name in ood_scores.DEFAULTS if name in scorer.names]
    failed: list[str] = []
    for name in names:
        attach([name])
        inside = scorer.scores(images, [name])[name]
        threshold = np.quantile(inside, 1 - accept, method="lower")
        if share_of_noise(scorer, name, float(threshold), images) >= LEAST:
            why = f"; by {' and by '.join(failed)} {PASSES}" if failed else ""
            return name, f"the first of the defaults that tells noise{why}"
        failed.append(f"`{name}`")
    return names[-1], f"the last of the defaults; by {' and by '.join(failed)} {PASSES}"


def share_of_noise(scorer: Scorer, name: str, threshold: float, images: Any) -> float:
    """Returns the share of uniform noise that a score takes for unknown.

    Args:
      scorer: of the model, with the state of the score.
      name: of the score.
      threshold: of the score; an image below it counts as unknown, and so does one
        whose score is not finite.
      images: of the shape [N, H, W, C] whose [H, W, C] the noise is to have.
    """
    noise, _ = outliers.load_outliers("uniform", images, limit=NOISE_IMAGES, seed=SEED)
    scores = scorer.scores(noise, [name])[name]
    return float(1 - np.mean(np.isfinite(scores) & (scores >= threshold)))
