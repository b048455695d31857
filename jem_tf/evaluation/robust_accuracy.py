"""Accuracies under attack: metrics and curves from the shares that attacks leave.

Letters: N images, E radii of a norm, ascending. JEM-k is random if its refinement has
noise. The share of an image is the fraction of draws of this noise in which the best
point that an attack found is classified correctly.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jem_tf.figures import plots
from jem_tf.metrics import intervals

Radii = Mapping[str, Sequence[float]]  # {norm: eps [E]}
Shares = dict[str, np.ndarray]  # {norm: shares, float [E, N]}
Outcomes = Mapping[int, Mapping[str, Shares]]  # {k of JEM-k: {kind of attack: ...}}

TRANSFERRED = "transferred"  # the kind of attack on JEM-k by the points of JEM-0


def compute_accuracies(
    outcomes: Outcomes, transferred: Mapping[int, Shares], radii: Radii
) -> dict[str, Any]:
    """Computes the accuracies of JEM-k under attacks on it, and on a baseline.

    Args:
      outcomes: {k: {kind of attack: {norm: shares}}} under attacks on JEM-k.
      transferred: {k: {norm: shares}} at the points that attacks on a baseline found.
      radii: {norm: eps [E]}.

    Returns:
      {"<name>/<norm>/<eps>/jem<k>": accuracy, the same key with "_ci": [low, high]};
      the name is robust_accuracy or transfer_accuracy. If there are several kinds of
      attacks, ".../jem<k>" counts the worst of them for each image, and
      ".../jem<k>/<kind>" is the accuracy under one of them.
    """
    metrics: dict[str, Any] = {}
    for k, kinds in outcomes.items():
        metrics |= _accuracies(
            "robust_accuracy", worst_of_kinds(kinds), radii, f"jem{k}"
        )
        for kind, shares in kinds.items() if len(kinds) > 1 else ():
            metrics |= _accuracies("robust_accuracy", shares, radii, f"jem{k}/{kind}")
    for k, shares in transferred.items():
        metrics |= _accuracies("transfer_accuracy", shares, radii, f"jem{k}")
    return metrics


def make_curves(
    metrics: Mapping[str, Any],
    refinement_steps: Sequence[int],
    radii: Radii,
    *,
    transferred: bool,
) -> dict[str, list[plots.Curve]]:
    """Makes curves of accuracy over eps, one for each JEM-k; transfer is dashed.

    Args:
      metrics: from `compute_accuracies`.
      refinement_steps: [k].
      radii: {norm: eps to show}.
      transferred: whether there are accuracies at a baseline's points.

    Returns:
      {norm: [Curve]}.
    """
    names = ["robust_accuracy"] + ["transfer_accuracy"] * transferred
    return {
        norm: [
            _curve(metrics, name, norm, eps, k)
            for name in names
            for k in refinement_steps
        ]
        for norm, eps in radii.items()
    }


def carry_failures(shares: np.ndarray) -> np.ndarray:
    """Carries failures over to larger radii: shares [E, N] -> shares [E, N].

    A point within a small radius of an image is within all larger radii too, so the
    share of an image never rises with the radius.
    """
    return np.minimum.accumulate(shares, axis=0)


def worst_of_kinds(kinds: Mapping[str, Shares]) -> dict[str, np.ndarray]:
    """Takes the smallest share of each image over the kinds of attacks.

    Args:
      kinds: {kind: {norm: shares [E, N]}}.

    Returns:
      {norm: shares [E, N]}.
    """
    norms = next(iter(kinds.values()))
    return {
        norm: np.min([shares[norm] for shares in kinds.values()], axis=0)
        for norm in norms
    }


def _curve(
    metrics: Mapping[str, Any], name: str, norm: str, radii: Sequence[float], k: int
) -> plots.Curve:
    keys = [f"{name}/{norm}/{eps:g}/jem{k}" for eps in radii]
    dashed = name == "transfer_accuracy"
    return plots.Curve(
        radii,
        [metrics[key] for key in keys],
        [metrics[f"{key}_ci"] for key in keys],
        label=f"JEM-{k}" + (", from baseline" if dashed else ""),
        group=k,
        dashed=dashed,
    )


def _accuracies(name: str, shares: Shares, radii: Radii, last: str) -> dict[str, Any]:
    """Computes metrics `<name>/<norm>/<eps>/<last>` with their 95% intervals."""
    metrics: dict[str, Any] = {}
    for norm, measured in shares.items():
        for eps, row in zip(radii[norm], carry_failures(measured), strict=True):
            key = f"{name}/{norm}/{eps:g}/{last}"
            metrics[key] = float(row.mean())
            metrics[f"{key}_ci"] = intervals.proportion(row.sum(), len(row))
    return metrics
