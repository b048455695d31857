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
from jem_tf.evaluation.attack_gradients import AttackView
from jem_tf.evaluation.attacks import AttackSettings
from jem_tf.evaluation.refinement import Defence
from jem_tf.evaluation.robust_accuracy import Radii, Shares

PIXELS = 64 * 32 * 32  # pixels attacked at once; a full gradient holds all steps


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
    outcomes = {}
    for kind in refinement.gradient_kinds(defence.sampler):
        points = _find_points(
            model, defence, kind, split=split, radii=radii, settings=settings, each=each
        )
        outcomes[kind] = judge_points(model, defence, points, split.labels, settings)
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
        margin=np.inf,
    )
    return {
        defence.k: judge_points(model, defence, points, split.labels, settings)
        for defence in defences
    }


def make_view(
    model: EnergyModel, defence: Defence, image_shape: Sequence[int], kind: str = ""
) -> AttackView:
    """Makes the view by which an attack queries JEM-k, averaged over `defence.eot`.

    Args:
      model, defence: the JEM-k.
      image_shape: (H, W, C).
      kind: as in `refinement.make_classifier`; the first of the defence's by default.
    """
    kind = kind or refinement.gradient_kinds(defence.sampler)[0]
    classify = refinement.make_classifier(model, defence.sampler, kind=kind)
    return attack_gradients.make_attack_view(classify, image_shape, draws=defence.eot)


def batch_size(image_shape: Sequence[int], draws: int) -> int:
    """The number of images [H, W, C] to attack at once, each with draws of noise."""
    height, width, _ = image_shape
    return max(1, PIXELS // (height * width * draws))


def stop_margin(defence: Defence) -> float:
    """The margin in nats, in every draw of the noise, at which an attack stops."""
    return (
        attack_gradients.STOP_MARGIN
        if defence.noisy
        else attack_gradients.STOP_MARGIN_WITHOUT_NOISE
    )


def estimate_cost(defence: Defence) -> int:
    """Estimates the cost to attack a defence by its gradients; of JEM-0 it is 1."""
    kinds = refinement.gradient_kinds(defence.sampler)
    return sum(_cost(defence, kind) for kind in kinds)


def _find_points(
    model: EnergyModel,
    defence: Defence,
    kind: str,
    *,
    split: Split,
    radii: Radii,
    settings: AttackSettings,
    each: Callable[[int], Any],
    margin: float | None = None,
) -> dict[str, list[np.ndarray]]:
    """Finds the best points in each radius: {norm: E arrays [N, H, W, C] in [0, 1]}."""
    attack = attacks.find_attack(settings.attack).attack
    shape = split.images.shape[1:]
    view = make_view(model, defence, shape, kind)
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
                batch_size=batch_size(shape, defence.eot),
                stop_margin=stop_margin(defence) if margin is None else margin,
                seed=settings.seed,
            )
            points[norm].append(best)
            each(_cost(defence, kind))
    return points


def judge_points(
    model: EnergyModel,
    defence: Defence,
    points: Mapping[str, Sequence[np.ndarray]],
    labels: Any,
    settings: AttackSettings,
) -> Shares:
    """Classifies points by JEM-k on fresh noise.

    Args:
      model, defence: the JEM-k.
      points: {norm: E arrays [N, H, W, C] in [0, 1]}.
      labels: int [N].
      settings: their fresh seed is that of the noise.

    Returns:
      {norm: shares [E, N]}.
    """
    classify = tf.function(
        refinement.make_classifier(model, defence.sampler), autograph=False
    )
    fresh: dict[str, int] = {"draws": defence.fresh, "seed": settings.fresh_seed}
    return {
        norm: np.array(
            [attacks.correct_fraction(classify, x, labels, **fresh) for x in row]
        )
        for norm, row in points.items()
    }


def _cost(defence: Defence, kind: str) -> int:
    return 1 + defence.k * (3 if kind == "full" else 1)
