"""Attacks every JEM-k: by its gradients, and by points that JEM-0 gives.

A refinement can hide its gradients: an attack that follows them then finds little, and
the accuracy reported is too high. Points that attacks on JEM-0 found do not depend on
these gradients. JEM-0 is attacked once without a target and once towards each of T
classes, and JEM-k takes the point that is worst for it.

Letters: N images, E radii of a norm, ascending; y the correct class; T at most
`AttackSettings.targets`. Shares, float [E, N], are defined in `robust_accuracy`.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from jem_tf.datasets import Split
from jem_tf.energy_model import EnergyModel
from jem_tf.evaluation import (
    attack_gradients,
    attacks,
    inference,
    refinement,
    run_attacks,
)
from jem_tf.evaluation.attacks import AttackSettings
from jem_tf.evaluation.refinement import Defence
from jem_tf.evaluation.robust_accuracy import TRANSFERRED, Outcomes, Radii, Shares


def attack_defences(
    model: EnergyModel,
    defences: Sequence[Defence],
    *,
    split: Split,
    radii: Radii,
    settings: AttackSettings,
    each: Callable[[int], Any] = lambda cost: None,
) -> Outcomes:
    """Attacks every JEM-k by all kinds of attacks.

    Args:
      model, defences, split, radii, settings: as in
        `robustness.evaluate_robustness`.
      each: called with the cost of each part that is done; see `estimate_cost`.

    Returns:
      {k: {kind: {norm: shares [E, N]}}} as measured: failures are not carried over to
      larger radii. The kinds are those of `refinement.gradient_kinds`, and TRANSFERRED
      for k > 0.
    """
    how: dict[str, Any] = {
        "split": split,
        "radii": radii,
        "settings": settings,
        "each": each,
    }
    outcomes = {
        defence.k: run_attacks.attack_defence(model, defence, **how)
        for defence in defences
    }
    refined = [defence for defence in defences if defence.sampler is not None]
    if refined:
        for k, shares in attack_by_transfer(model, refined, **how).items():
            outcomes[k][TRANSFERRED] = shares
    return outcomes


def attack_by_transfer(
    model: EnergyModel,
    defences: Sequence[Defence],
    *,
    split: Split,
    radii: Radii,
    settings: AttackSettings,
    each: Callable[[int], Any] = lambda cost: None,
) -> dict[int, Shares]:
    """Classifies points of JEM-0 by JEM-k, which takes the worst point of each image.

    JEM-k chooses by its margin on the attack's noise, and is judged on fresh noise.

    Args:
      model, defences, split, radii, settings, each: as in `attack_defences`.

    Returns:
      {k: {norm: shares [E, N]}}.
    """
    x = np.asarray(split.images, "float32") / 255
    views = [run_attacks.make_view(model, defence, x.shape[1:]) for defence in defences]
    chosen: dict[int, dict[str, list[np.ndarray]]] = {
        defence.k: {norm: [] for norm in radii} for defence in defences
    }
    for norm, row in radii.items():
        for eps in row:
            candidates = list(
                _points_of_jem0(model, split, norm=norm, eps=eps, settings=settings)
            )
            for defence, view in zip(defences, views, strict=True):
                best = attack_gradients.BestPoints(
                    view,
                    x,
                    split.labels,
                    batch_size=run_attacks.batch_size(x.shape[1:], defence.eot),
                    stop_margin=run_attacks.stop_margin(defence),
                    seed=settings.seed,
                )
                for points in (x, *candidates):
                    best.look(points)
                chosen[defence.k][norm].append(best.points)
            each(_count_attacks(model.num_classes, settings))
    return {
        defence.k: run_attacks.judge_points(
            model, defence, chosen[defence.k], split.labels, settings
        )
        for defence in defences
    }


def estimate_cost(
    defences: Sequence[Defence], num_classes: int, settings: AttackSettings
) -> int:
    """Estimates what a radius costs; one attack on the network alone costs 1."""
    transfers = any(defence.sampler is not None for defence in defences)
    return transfers * _count_attacks(num_classes, settings) + sum(
        map(run_attacks.estimate_cost, defences)
    )


def _points_of_jem0(
    model: EnergyModel, split: Split, *, norm: str, eps: float, settings: AttackSettings
) -> Iterator[np.ndarray]:
    """Yields the best points of 1 + T attacks: arrays [N, H, W, C] in [0, 1].

    The attacks never stop early: points of larger margin transfer better.
    """
    x = np.asarray(split.images, "float32") / 255
    if not eps:
        return
    how: dict[str, Any] = {
        "norm": norm,
        "eps": eps,
        "steps": settings.steps,
        "restarts": settings.restarts,
        "batch_size": run_attacks.batch_size(x.shape[1:], 1),
        "stop_margin": np.inf,
        "seed": settings.seed,
    }
    attack = attacks.find_attack(settings.attack).attack
    classify = refinement.make_classifier(model)
    view = attack_gradients.make_attack_view(classify, x.shape[1:])
    yield attack(view, x, split.labels, **how)
    targeted = attack_gradients.make_targeted_view(classify, x.shape[1:])
    labels = np.asarray(split.labels, "int32")
    logits = inference.logits(model, split.images)
    others = attack_gradients.rank_others(logits, labels)
    for target in others[:, : settings.targets].T:
        yield attack(targeted, x, np.stack([labels, target], axis=1), **how)


def _count_attacks(num_classes: int, settings: AttackSettings) -> int:
    return 1 + min(settings.targets, num_classes - 1)
