"""Sanity checks of measured robustness, which would reveal a broken attack.

Each check returns {"ok": bool, "measured": {...}} for the protocol. Source: Carlini et
al., "On Evaluating Adversarial Robustness" (2019, arXiv 1902.06705). Shares are those
of `robust_accuracy`, as measured, before any is carried over to larger radii.
"""

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from jem_tf import pixels
from jem_tf.datasets import Split
from jem_tf.energy_model import EnergyModel
from jem_tf.evaluation import attacks, inference
from jem_tf.evaluation.refinement import Defence
from jem_tf.evaluation.robust_accuracy import Outcomes, Radii


def check_larger_radii(outcomes: Outcomes, radii: Radii) -> dict[str, Any]:
    """Checks that accuracy never rises with the radius.

    Args:
      outcomes: of the attacks.
      radii: {norm: eps [E]}, ascending.
    """
    measured = {
        f"{norm}/jem{k}/{kind}": shares.mean(axis=1).tolist()
        for k, kinds in outcomes.items()
        for kind, norms in kinds.items()
        for norm, shares in norms.items()
    }
    falls = all(np.all(np.diff(row) <= 1e-9) for row in measured.values())
    return {"ok": falls, "measured": {"eps": radii} | measured}


def check_zero_radius(outcomes: Outcomes, clean: Mapping[int, float]) -> dict[str, Any]:
    """Checks that attacks of radius 0 leave the clean accuracy.

    Args:
      outcomes: of the attacks; the first radius of each norm is 0.
      clean: {k: `clean_accuracy`}.
    """
    measured = {
        f"jem{k}": {"clean": clean[k]}
        | {
            f"{norm}/{kind}": float(shares[0].mean())
            for kind, norms in kinds.items()
            for norm, shares in norms.items()
        }
        for k, kinds in outcomes.items()
    }
    same = all(np.ptp(list(row.values())) <= 1e-9 for row in measured.values())
    return {"ok": same, "measured": measured}


def check_unbounded_radius(outcomes: Outcomes) -> dict[str, Any]:
    """Checks that L-inf attacks which may make any image leave nothing right.

    Args:
      outcomes: of the attacks; the last radius of L-inf bounds nothing.
    """
    measured = {
        f"jem{k}/{kind}": float(norms["linf"][-1].mean())
        for k, kinds in outcomes.items()
        for kind, norms in kinds.items()
    }
    return {"ok": not any(measured.values()), "measured": measured}


def clean_accuracy(
    model: EnergyModel, defence: Defence, *, split: Split, seed: int
) -> float:
    """Computes the accuracy on images that nobody attacked.

    It shares no code with the attacks: `check_zero_radius` compares the two.

    Args:
      model: classifies.
      defence: refines the images first.
      split: the images and their labels.
      seed: int; draw i of the noise has the seed [seed, i].
    """
    outcomes, walk = [], tf.function(_walk, reduce_retracing=True, autograph=False)
    for draw in range(defence.fresh):
        x = pixels.from_uint8(split.images)
        if defence.sampler is not None:
            refine = functools.partial(
                walk, model, defence.sampler, seed=tf.constant([seed, draw])
            )
            x = inference.map_batches(refine, x, batch_size=attacks.BATCH)
        outcomes.append(attacks.is_right(inference.logits(model, x), split.labels))
    return float(np.mean(outcomes))


def _walk(model: EnergyModel, sampler: Any, x: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    return sampler(model.energy(), x, seed=seed)[0]
