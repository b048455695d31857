"""Adversarial attacks by name, and how often classifiers are right at their points.

`pgd` is the attack of the paper. To add an attack, write a function with the signature
`Attack` in a file of its own, and a function that describes the attack in a protocol.
Enter both in ATTACKS: `AttackSettings.attack` then takes its name, and
`tests/evaluation/test_attacks.py` tests it. AutoAttack is a set of attacks, in a folder
of its own. Letters as in `attack_gradients`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from jem_tf.errors import InputError, argument
from jem_tf.evaluation import inference
from jem_tf.evaluation.attack_gradients import AttackView
from jem_tf.evaluation.pgd import describe_pgd, pgd
from jem_tf.evaluation.refinement import Classify

BATCH = 100  # images classified at once
STANDARD_SET = "autoattack"  # not one attack, but four; see `autoattack`
FRESH_SEED = 1_000_003  # added to an attack's seed: fresh noise for the points it found


class Attack(Protocol):
    """The signature of all attacks."""

    def __call__(
        self,
        view: AttackView,
        x: Any,
        labels: Any,
        *,
        norm: str,
        eps: float,
        steps: int,
        restarts: int,
        batch_size: int,
        stop_margin: float,
        seed: int,
    ) -> np.ndarray:
        """Finds points within eps of images at which a classifier is wrong.

        Args:
          view: the classifier, by `attack_gradients.make_attack_view`.
          x: float [N, H, W, C] in [0, 1].
          labels: int [N], y; of a targeted view, int [N, 2]. They go to `view` alone.
          norm: "linf" or "l2".
          eps: the radius, in UNITS[norm]; at 0 the images are returned.
          steps: steps of each restart, at least 1.
          restarts: how often the attack starts anew, at least 1.
          batch_size: images in a call of `view`.
          stop_margin: an image is finished once its margin at a point is at least
            this, in nats, in every draw of the noise; inf never stops early.
          seed: int; equal seeds give equal points.

        Returns:
          float32 [N, H, W, C] in [0, 1], for each image the point of largest margin
          among all evaluated points, which include the image itself.
        """


class AttackEntry(NamedTuple):
    """An attack in the table.

    attack: finds the points.
    describe: (steps=, restarts=) -> its entries in a protocol, {key: JSON value}.
    """

    attack: Attack
    describe: Callable[..., dict[str, Any]]


ATTACKS: dict[str, AttackEntry] = {"pgd": AttackEntry(pgd, describe_pgd)}


class AttackSettings(NamedTuple):
    """How classifiers are attacked.

    steps, restarts, seed: as in `Attack`.
    attack: a key of ATTACKS, or STANDARD_SET.
    targets: the classes that targeted attacks try, those of the standard set and those
      on JEM-0 whose points JEM-k classifies.
    queries: of the standard set, the queries of Square attack.
    """

    steps: int
    restarts: int
    seed: int
    attack: str = "pgd"
    targets: int = 9
    queries: int = 5000

    @property
    def fresh_seed(self) -> int:
        """The seed of the fresh noise under which found points are classified."""
        return self.seed + FRESH_SEED


def find_attack(attack: str) -> AttackEntry:
    """Looks an attack up by its name.

    Raises:
      InputError: if ATTACKS has none of this name.
    """
    if attack not in ATTACKS:
        names = ", ".join([*ATTACKS, STANDARD_SET])
        raise InputError(
            f"{argument('attack', attack)} is not known; choose one of {names}."
        )
    return ATTACKS[attack]


def correct_fraction(
    classify: Classify, points: Any, labels: Any, *, draws: int = 1, seed: int = 0
) -> np.ndarray:
    """Computes how often points are classified correctly, over draws of the noise.

    Args:
      classify: the classifier; a `tf.function` of it is quicker.
      points: float [N, H, W, C] in [0, 1].
      labels: int [N].
      draws: how often each point is classified.
      seed: int; draw i has the seed [seed, i].

    Returns:
      float [N], for each point the share of draws in which it is.
    """
    x = 2 * np.asarray(points, "float32") - 1
    correct = [
        inference.is_right(_classify_all(classify, x, [seed, draw]), labels)
        for draw in range(draws)
    ]
    return np.mean(correct, axis=0)


def _classify_all(classify: Classify, x: np.ndarray, seed: list[int]) -> np.ndarray:
    seed = tf.constant(seed, tf.int32)
    return inference.map_batches(lambda x: classify(x, seed), x, batch_size=BATCH)
