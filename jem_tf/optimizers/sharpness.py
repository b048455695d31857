"""Sharpness-aware minimisation: the gradient at the worst weights nearby.

Let g be the gradient of the loss at the weights theta. What is descended is not g but
the gradient at theta + eps, which is about the highest point of the loss nearby:

    eps = rho theta^2 g / || |theta| g ||    (elementwise; the norm is over all weights)

This is adaptive SAM (Kwon et al. 2021, arXiv 2102.11600) with |theta| as the scale of
every weight, biases too, as in SADA-JEM (Yang et al. 2023, arXiv 2209.07959, and its
`sam.py`). The ASAM authors' code adds .01 to |theta| and does not scale biases.

Foret et al. (2021, arXiv 2010.01412, "m-sharpness") let each device have an eps of its
own. Here g and the norm are those of all replicas together, so that training does not
depend on their number.
"""

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from jem_tf.errors import InputError, argument
from jem_tf.optimizers import clipping

TERMS = ("all", "p_x")  # of the loss: which are descended at theta + eps

# () -> ({term: this replica's share of it}, whatever else was computed on the way)
Evaluate = Callable[[], tuple[Mapping[str, tf.Tensor], Any]]
Gradients = list[tf.Tensor | None]  # None where no image reaches the weight


def check(rho: float, terms: str, generative: bool) -> None:
    """Raises InputError if these numbers of sharpness-aware minimisation are wrong.

    Args:
      rho: the radius; 0 for none.
      terms: one of TERMS.
      generative: whether the loss has a term of log p(x) or log p(x, y).
    """
    if not (math.isfinite(rho) and rho >= 0):
        raise InputError(f"{argument('sam_rho', rho)} is not a number at least 0.")
    if terms not in TERMS:
        raise InputError(
            f"{argument('sam_terms', terms)} is not known; choose one of "
            f"{', '.join(TERMS)}."
        )
    if rho and terms == "p_x" and not generative:
        raise InputError(
            f"{argument('sam_terms', terms)} needs log p(x) to have a weight; give it "
            f"one, or choose {argument('sam_terms', 'all')}."
        )


def perturbation(
    weights: Sequence[Any], gradients: Sequence[tf.Tensor], rho: float
) -> list[tf.Tensor]:
    """Computes eps, in the shapes of the weights; 0 where all gradients are 0.

    Args:
      weights: theta, float tensors or variables.
      gradients: g, of the whole loss, in the shapes of the weights.
      rho: the radius, at least 0; 2 in SADA-JEM.
    """
    scaled = [tf.abs(w) * g for w, g in zip(weights, gradients, strict=True)]
    length = tf.math.divide_no_nan(rho, tf.linalg.global_norm(scaled))
    return [tf.abs(w) * s * length for w, s in zip(weights, scaled, strict=True)]


def gradients(
    evaluate: Evaluate,
    weights: Sequence[keras.Variable],
    state: Sequence[keras.Variable],
    *,
    rho: float,
    terms: str = "all",
    scale_loss: Callable[[tf.Tensor], tf.Tensor] = tf.convert_to_tensor,
) -> tuple[Gradients, Any]:
    """The gradients of the loss, of some terms at theta + eps, of the others at theta.

    Both evaluations begin with the same state, and so have the same dropout. What the
    second would change of it is dropped: moving statistics are updated once, at theta.
    Call it within `strategy.run`.

    Args:
      evaluate: computes the terms of the loss; it is called twice, once if rho is 0.
      weights: theta.
      state: the other variables that `evaluate` reads or changes.
      rho: as of `perturbation`; 0 for the gradient at theta.
      terms: one of TERMS; eps is by their gradient alone.
      scale_loss: multiplies a loss by a factor, as float16 needs.

    Returns:
      (this replica's share of the gradients, times that factor; what `evaluate`
      returned beside the terms at theta).
    """
    before = [(variable, tf.identity(variable)) for variable in state if rho]
    with tf.GradientTape(persistent=rho > 0) as tape:
        losses, others = evaluate()
        here, nearby = _split(losses, terms if rho else None, scale_loss)
    parts = [] if here is None else [tape.gradient(here, weights)]
    if nearby is not None:
        climb = clipping.sum_over_replicas(tape.gradient(nearby, weights))
        worst = _worst(weights, climb, rho, scale_loss(tf.constant(1.0)))
        values = [*before, *zip(weights, worst, strict=True)]
        scope = keras.StatelessScope(values, collect_losses=True)
        with tf.GradientTape() as second, scope:
            second.watch(worst)
            _, nearby = _split(evaluate()[0], terms, scale_loss)
        parts.append(second.gradient(nearby, worst))
    return [_sum(several) for several in zip(*parts, strict=True)], others


def count_passes(rho: float, terms: str = "all") -> dict[str, int]:
    """Counts the passes of a step through the network: {"forward", "backward"}."""
    if not rho:
        return {"forward": 1, "backward": 1}
    return {"forward": 2, "backward": 2 if terms == "all" else 3}


def _split(
    losses: Mapping[str, tf.Tensor],
    terms: str | None,
    scale_loss: Callable[[tf.Tensor], tf.Tensor],
) -> list[tf.Tensor | None]:
    """What is descended at theta, and at theta + eps; None if it has no term."""
    nearby = [name for name in losses if terms in ("all", name)]
    parts = [name for name in losses if name not in nearby], nearby
    sums = (_sum([losses[name] for name in part]) for part in parts)
    return [None if loss is None else scale_loss(loss) for loss in sums]


def _worst(
    weights: Sequence[keras.Variable],
    gradients: Sequence[tf.Tensor | None],
    rho: float,
    scale: tf.Tensor,
) -> list[tf.Tensor]:
    """theta + eps; theta where no image reaches the weight."""
    unscaled = [
        tf.zeros(weight.shape) if gradient is None else gradient / scale
        for weight, gradient in zip(weights, gradients, strict=True)
    ]
    eps = perturbation(weights, unscaled, rho)
    return [tf.add(weight, e) for weight, e in zip(weights, eps, strict=True)]


def _sum(tensors: Sequence[tf.Tensor | None]) -> tf.Tensor | None:
    given = [tensor for tensor in tensors if tensor is not None]
    return functools.reduce(tf.add, given) if given else None
