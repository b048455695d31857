"""Which score `is_ood` of a served model goes by, and what it makes of uniform noise.

A score that takes uniform noise for images like those of training would be a silent
wrong, and some do: log p(x) of a plain classifier of 100 classes is larger on noise.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from jem_tf import ood_scores
from jem_tf.datasets import outliers
from jem_tf.evaluation.scorer import Scorer

MOST_IMAGES = 1000  # validation images that a threshold for the choice is found on
NOISE_IMAGES = 500
ACCEPT = 0.95  # share of the validation images that are not below this threshold
LEAST = 0.5  # share of the noise that must be below it


def choose(
    scorer: Scorer, images: Any, attach: Callable[[list[str]], Any]
) -> tuple[str, str]:
    """Chooses the first default that takes most uniform noise for unknown.

    Args:
      scorer: of the model.
      images: validation images uint8 [N, H, W, C]; the first MOST_IMAGES are used.
      attach: gives the scorer the state of the scores that it is called with.

    Returns:
      (the name of a score: of those of `ood_scores.DEFAULTS` that the model can have,
      the first for which at least LEAST of uniform noise is below the threshold that
      ACCEPT of the images are not below; the last if there is none; a phrase that says
      why it is this one).
    """
    images = images[:MOST_IMAGES]
    names = [name for name in ood_scores.DEFAULTS if name in scorer.names]
    failed: list[str] = []
    for name in names:
        attach([name])
        inside = scorer.scores(images, [name])[name]
        threshold = np.quantile(inside, 1 - ACCEPT, method="lower")
        if share_of_noise(scorer, name, float(threshold), images) >= LEAST:
            why = f" but for {', '.join(failed)}, {FAILS}" if failed else ""
            return name, f"the default for every such model{why}"
        failed.append(f"`{name}`")
    return names[-1], f"the last of the defaults ({', '.join(failed)}), {FAILS}"


FAILS = "by which most uniform noise would pass for an image like those of training"


def share_of_noise(scorer: Scorer, name: str, threshold: float, images: Any) -> float:
    """Returns the share of uniform noise that a score takes for unknown.

    Args:
      scorer: of the model, with the state of the score.
      name: of the score.
      threshold: of the score; an image below it counts as unknown.
      images: of the shape [N, H, W, C] whose [H, W, C] the noise is to have.
    """
    noise, _ = outliers.load_outliers(
        "uniform", images, limit=NOISE_IMAGES, half="even"
    )
    return float(np.mean(scorer.scores(noise, [name])[name] < threshold))
