"""JEM-k: a classifier that refines an image by k sampler steps before it classifies.

A classifier here is a function `Classify`; its seed determines all that is random.
Letters: B images [H, W, C], K classes, k steps. Source: Grathwohl et al., ICLR 2020
(arXiv 1912.03263), section 5.4.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from jem_tf.energy_model import EnergyModel

# (x [B, H, W, C] in [-1, 1], seed int [2]) -> logits float32 [B, K]
Classify = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]

KINDS = ("straight_through", "full")  # kinds of gradients through a refinement
PLAIN = "plain"  # the kind without a refinement


class Defence(NamedTuple):
    """JEM-k, and how often its noise is drawn.

    k: the number of refinement steps; 0 is the network alone.
    sampler: a `Sampler` with k steps bound; None for k = 0.
    eot: draws of the sampler's noise that an attack averages for each image.
    fresh: draws of fresh noise in which the points that an attack found are classified.
    """

    k: int
    sampler: functools.partial | None
    eot: int
    fresh: int

    @property
    def noisy(self) -> bool:
        """Whether it draws noise; a sampler without the argument has its own."""
        return self.sampler is not None and self.sampler.keywords.get("noise") != 0


def make_classifier(
    model: EnergyModel,
    sampler: functools.partial | None = None,
    *,
    kind: str = "straight_through",
) -> Classify:
    """Makes the classifier JEM-k.

    Args:
      model: gives the energy of the refinement, and the logits.
      sampler: as in `Defence`.
      kind: one of KINDS. "straight_through" treats the refinement as the identity in
        the backward pass; "full" differentiates through its steps, which takes second
        derivatives of E(x).

    Returns:
      A `Classify`.
    """

    def classify(x, seed):
        if sampler is not None:
            full = kind == "full"
            end, _ = sampler(model.energy(), x, seed=seed, differentiable=full)
            x = end if full else x + tf.stop_gradient(end - x)
        return model.network(x, training=False)

    return classify


def gradient_kinds(sampler: functools.partial | None) -> tuple[str, ...]:
    """Returns the kinds of gradients to use: KINDS, or PLAIN without a sampler."""
    return KINDS if sampler is not None else (PLAIN,)
