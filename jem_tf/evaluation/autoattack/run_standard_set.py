"""Attacks a model by the standard set within every radius.

Letters: N images, E radii of a norm, ascending. Shares, float [E, N], are defined in
`robust_accuracy`; here they are 0 or 1.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from jem_tf.datasets import Split
from jem_tf.energy_model import EnergyModel
from jem_tf.evaluation import attacks, refinement, run_attacks
from jem_tf.evaluation.attack_gradients import UNITS
from jem_tf.evaluation.attacks import AttackSettings
from jem_tf.evaluation.autoattack import standard_set
from jem_tf.evaluation.robust_accuracy import Radii, Shares

Counts = dict[str, dict[str, np.ndarray]]  # {norm: {part of the set: int [E]}}


def attack_network(
    model: EnergyModel,
    *,
    split: Split,
    radii: Radii,
    settings: AttackSettings,
    each: Callable[[int], Any] = lambda cost: None,
) -> tuple[Shares, Counts]:
    """Attacks the network, JEM-0.

    Args:
      model, split, radii, settings: as in `robustness.evaluate_robustness`.
      each: called after each radius with its cost, 1.

    Returns:
      (shares as measured, the numbers of images that each part broke).
    """
    plain = refinement.make_classifier(model)
    classify = tf.function(plain, autograph=False)
    x = np.asarray(split.images, "float32") / 255
    height, width = x.shape[1:3]
    shares: Shares = {}
    counts: Counts = {}
    for norm, row in radii.items():
        parts = standard_set.make_parts(plain, norm)
        right, broken = [], []
        for eps in row:
            found = standard_set.run_parts(
                parts,
                classify,
                x,
                split.labels,
                radius=eps * UNITS[norm],
                settings=settings,
                batch_size=max(1, run_attacks.PIXELS // (height * width)),
            )
            right.append(attacks.correct_fraction(classify, found.points, split.labels))
            broken.append(_count_parts(found.part, right[-1]))
            each(1)
        shares[norm] = np.array(right)
        columns = np.array(broken).T
        counts[norm] = dict(zip(standard_set.PARTS, columns, strict=True))
    return shares, counts


def compute_counts(counts: Counts, radii: Radii) -> dict[str, int]:
    """Makes metrics of counts: {"broken_by/<norm>/<eps>/jem0/<part>": images}."""
    return {
        f"broken_by/{norm}/{eps:g}/jem0/{part}": int(number)
        for norm, parts in counts.items()
        for part, numbers in parts.items()
        for eps, number in zip(radii[norm], numbers, strict=True)
        if eps
    }


def check_square(counts: Counts, radii: Radii, images: int) -> dict[str, Any]:
    """Checks that Square attack broke few of the images that gradients did not break.

    More than `standard_set.SQUARE_ALONE` of the images is the authors' sign that
    gradients mislead the other attacks.

    Args:
      counts: from `attack_network`.
      radii: {norm: eps [E]}.
      images: N.
    """
    measured: dict[str, list[float]] = {
        norm: (parts["square"] / images).tolist() for norm, parts in counts.items()
    }
    most = standard_set.SQUARE_ALONE
    few = all(share <= most for row in measured.values() for share in row)
    return {"ok": few, "measured": {"eps": radii} | measured}


def _count_parts(part: np.ndarray, right: np.ndarray) -> list[int]:
    """The numbers of images of PARTS [N], among those that were judged wrong."""
    return [
        int(np.sum((part == i) & (right == 0))) for i in range(len(standard_set.PARTS))
    ]
