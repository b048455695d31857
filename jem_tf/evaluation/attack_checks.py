"""Sanity checks of measured robustness, which can reveal a broken attack.

Each check returns {"ok": bool, "measured": {...}} for the protocol. Source: Carlini et
al., "On Evaluating Adversarial Robustness" (2019, arXiv 1902.06705). `robust_accuracy`
defines shares. The checks take them as measured, before failures are carried over to
larger radii.
"""

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from jem_tf import pixels
from jem_tf.datasets import Split
from jem_tf.energy_model import EnergyModel
from jem_tf.evaluation import attacks, inference, robust_accuracy
from jem_tf.evaluation.refinement import Defence
from jem_tf.evaluation.robust_accuracy import TRANSFERRED, Outcomes, Radii, Shares


def check_larger_radii(outcomes: Outcomes, radii: Radii) -> dict[str, Any]:
    """Checks that accuracy never rises with the radius.

    Args:
      outcomes: {k: {kind: {norm: shares [E, N]}}} from the attacks. TRANSFERRED is
        left out: points of JEM-0 in a larger radius may be weaker against JEM-k.
      radii: {norm: eps [E]}, ascending.
    """
    measured = {
        f"{norm}/jem{k}/{kind}": shares.mean(axis=1).tolist()
        for k, kinds in outcomes.items()
        for kind, norms in _direct(kinds).items()
        for norm, shares in norms.items()
    }
    falls = all(np.all(np.diff(row) <= 1e-9) for row in measured.values())
    return {"ok": falls, "measured": {"eps": radii} | measured}


def check_zero_radius(outcomes: Outcomes, clean: Mapping[int, float]) -> dict[str, Any]:
    """Checks that the accuracy at radius 0 equals the clean accuracy.

    Args:
      outcomes: as in `check_larger_radii`; the first radius of each norm is 0.
      clean: {k: what `clean_accuracy` returned for JEM-k}.
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
    """Checks that the accuracy is 0 under an L-inf attack that may make any image.

    Args:
      outcomes: as in `check_larger_radii`; the last L-inf radius allows any image.
    """
    measured = {
        f"jem{k}/{kind}": float(norms["linf"][-1].mean())
        for k, kinds in outcomes.items()
        for kind, norms in _direct(kinds).items()
    }
    return {"ok": not any(measured.values()), "measured": measured}


def check_transfer(outcomes: Outcomes, radii: Radii) -> dict[str, Any]:
    """Checks that JEM-0's points break no more than both gradients of JEM-k do.

    A failure is a sign that the refinement hides its gradients from an attack (Athalye
    et al., "Obfuscated Gradients Give a False Sense of Security", ICML 2018, 3.1).

    Args:
      outcomes: as in `check_larger_radii`.
      radii: {norm: eps [E]}.
    """
    measured = {}
    for k, kinds in outcomes.items():
        if TRANSFERRED not in kinds:
            continue
        gradients = robust_accuracy.worst_of_kinds(_direct(kinds))
        for norm, shares in kinds[TRANSFERRED].items():
            measured[f"{norm}/jem{k}"] = {
                "gradients": gradients[norm].mean(axis=1).tolist(),
                "transferred": shares.mean(axis=1).tolist(),
            }
    weaker = all(
        np.all(np.subtract(row["transferred"], row["gradients"]) >= -1e-9)
        for row in measured.values()
    )
    return {"ok": weaker, "measured": {"eps": radii} | measured}


def clean_accuracy(
    model: EnergyModel, defence: Defence, *, split: Split, seed: int
) -> float:
    """Computes the accuracy on the images as they are, without an attack.

    It refines and classifies by other code than the attacks do, so that
    `check_zero_radius` compares two implementations.

    Args:
      model: the classifier.
      defence: JEM-k, which refines the images first.
      split: the images and their labels.
      seed: int; draw i of the noise has the seed [seed, i].

    Returns:
      A float in [0, 1], the mean over images and draws of the noise.
    """
    correct, walk = [], tf.function(_walk, reduce_retracing=True, autograph=False)
    for draw in range(defence.fresh):
        x = pixels.from_uint8(split.images)
        if defence.sampler is not None:
            refine = functools.partial(
                walk, model, defence.sampler, seed=tf.constant([seed, draw])
            )
            x = inference.map_batches(refine, x, batch_size=attacks.BATCH)
        correct.append(inference.is_right(inference.logits(model, x), split.labels))
    return float(np.mean(correct))


def _direct(kinds: Mapping[str, Shares]) -> dict[str, Shares]:
    """Leaves the kinds of attacks that query JEM-k itself."""
    return {kind: norms for kind, norms in kinds.items() if kind != TRANSFERRED}


def _walk(model: EnergyModel, sampler: Any, x: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    return sampler(model.energy(), x, seed=seed)[0]
