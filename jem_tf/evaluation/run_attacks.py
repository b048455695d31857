"""Attacks a model, and measures how often each image is still classified correctly.

Letters: N images, E radii of a norm, ascending. Shares, float [E, N], are defined in
`robust_accuracy`. They are measured on fresh draws of the refinement's noise.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from jem_tf.datasets import Split
from jem_tf.energy_model import EnergyModel
from jem_tf.evaluation import attack_gradients, attacks, refinement
from jem_tf.evaluation.attacks import AttackSettings
from jem_tf.evaluation.refinement import Classify, Defence
from jem_tf.evaluation.robust_accuracy import TRANSFERRED, Outcomes, Radii, Shares

PIXELS = 64 * 32 * 32  # pixels attacked at once; a full gradient holds all steps


def attack_defences(
    model: EnergyModel,
    defences: Sequence[Defence],
    *,
    split: Split,
    radii: Radii,
    settings: AttackSettings,
    each: Callable[[int], Any] = lambda cost: None,
) -> Outcomes:
    """Attacks every JEM-k by its gradients, and those that refine by transfer too.

    Every JEM-k with k > 0 also classifies the points that one attack on JEM-0 found.
    They do not depend on gradients through the refinement, which may mislead an attack.

    Args:
      model, defences, split, radii, settings: as in
        `robustness.evaluate_robustness`.
      each: as in `attack_defence`.

    Returns:
      {k: {kind: {norm: shares [E, N]}}} as measured. The kinds are those of
      `refinement.gradient_kinds`, and TRANSFERRED for k > 0.
    """
    how: dict[str, Any] = {
        "split": split,
        "radii": radii,
        "settings": settings,
        "each": each,
    }
    outcomes = {
        defence.k: attack_defence(model, defence, **how) for defence in defences
    }
    refined = [defence for defence in defences if defence.sampler is not None]
    if refined:
        points_of_jem0 = transfer_attack(model, refined, baseline=model, **how)
        for k, shares in points_of_jem0.items():
            outcomes[k][TRANSFERRED] = shares
    return outcomes


def attack_defence(
    model: EnergyModel,
    defence: Defence,
    *,
    split: Split,
    radii: Radii,
    settings: AttackSettings,
    each: Callable[[int], Any] = lambda cost: None,
) -> dict[str, Shares]:
    """Attacks JEM-k within every radius, by every kind of gradient.

    Args:
      model, split, radii, settings: as in `robustness.evaluate_robustness`.
      defence: the JEM-k to attack.
      each: called after each radius with its cost; see `estimate_cost`.

    Returns:
      {kind: {norm: shares [E, N]}} as measured: failures are not carried over to
      larger radii.
    """
    classify = tf.function(
        refinement.make_classifier(model, defence.sampler), autograph=False
    )
    outcomes = {}
    for kind in refinement.gradient_kinds(defence.sampler):
        points = _find_points(
            model, defence, kind, split=split, radii=radii, settings=settings, each=each
        )
        outcomes[kind] = _judge(classify, points, defence, split.labels, settings)
    return outcomes


def transfer_attack(
    model: EnergyModel,
    defences: Sequence[Defence],
    *,
    baseline: EnergyModel,
    split: Split,
    radii: Radii,
    settings: AttackSettings,
    each: Callable[[int], Any] = lambda cost: None,
) -> dict[int, Shares]:
    """Attacks the network of a baseline, and classifies the points with JEM-k.

    Args:
      model, defences, baseline, split, radii, settings: as in
        `robustness.evaluate_robustness`.
      each: as in `attack_defence`.

    Returns:
      {k: {norm: shares [E, N]}}.
    """
    # The attack never stops early: points of larger margin transfer better.
    points = _find_points(
        baseline,
        Defence(k=0, sampler=None, eot=1, fresh=1),
        refinement.PLAIN,
        split=split,
        radii=radii,
        settings=settings,
        each=each,
        stop_margin=np.inf,
    )
    outcomes = {}
    for defence in defences:
        classify = tf.function(
            refinement.make_classifier(model, defence.sampler), autograph=False
        )
        outcomes[defence.k] = _judge(classify, points, defence, split.labels, settings)
    return outcomes


def estimate_cost(defences: Sequence[Defence]) -> int:
    """Estimates what `attack_defences` costs; to attack the network alone costs 1."""
    transfers = any(defence.sampler is not None for defence in defences)
    return transfers + sum(
        _cost(defence, kind)
        for defence in defences
        for kind in refinement.gradient_kinds(defence.sampler)
    )


def _find_points(
    model: EnergyModel,
    defence: Defence,
    kind: str,
    *,
    split: Split,
    radii: Radii,
    settings: AttackSettings,
    each: Callable[[int], Any],
    stop_margin: float | None = None,
) -> dict[str, list[np.ndarray]]:
    """Finds the best points in each radius: {norm: E arrays [N, H, W, C] in [0, 1]}."""
    attack = attacks.find_attack(settings.attack).attack
    classify = refinement.make_classifier(model, defence.sampler, kind=kind)
    height, width, channels = split.images.shape[1:]
    view = attack_gradients.make_attack_view(
        classify, (height, width, channels), draws=defence.eot
    )
    if stop_margin is None:
        stop_margin = (
            attack_gradients.STOP_MARGIN
            if defence.eot > 1
            else attack_gradients.STOP_MARGIN_WITHOUT_NOISE
        )
    points: dict[str, list[np.ndarray]] = {norm: [] for norm in radii}
    for norm, row in radii.items():
        for eps in row:
            best = attack(
                view,
                np.asarray(split.images, "float32") / 255,
                split.labels,
                norm=norm,
                eps=eps,
                steps=settings.steps if eps else 1,
                restarts=settings.restarts if eps else 1,
                batch_size=max(1, PIXELS // (height * width * defence.eot)),
                stop_margin=stop_margin,
                seed=settings.seed,
            )
            points[norm].append(best)
            each(_cost(defence, kind))
    return points


def _judge(
    classify: Classify,
    points: Mapping[str, Sequence[np.ndarray]],
    defence: Defence,
    labels: Any,
    settings: AttackSettings,
) -> Shares:
    """Classifies points on fresh noise: {norm: shares [E, N]}."""
    fresh: dict[str, int] = {"draws": defence.fresh, "seed": settings.fresh_seed}
    return {
        norm: np.array(
            [attacks.correct_fraction(classify, x, labels, **fresh) for x in row]
        )
        for norm, row in points.items()
    }


def _cost(defence: Defence, kind: str) -> int:
    return 1 + defence.k * (3 if kind == "full" else 1)
