"""The standard set: APGD-CE, APGD-T, FAB-T and Square attack, in this order.

An image that one of them broke is not given to the next (2003.01690, section 5).
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from jem_tf.errors import InputError, argument
from jem_tf.evaluation import attack_gradients, attacks, inference
from jem_tf.evaluation.attacks import AttackSettings
from jem_tf.evaluation.autoattack import apgd, fab, losses, square
from jem_tf.evaluation.autoattack.image_states import Found, Images
from jem_tf.evaluation.refinement import Classify, Defence

PARTS = ("apgd_ce", "apgd_t", "fab_t", "square")
LEADERBOARD = {"linf": 8.0, "l2": 0.5}  # RobustBench's radii of CIFAR-10, in UNITS
SQUARE_ALONE = 0.002  # share of the images; the authors' bound for a warning

# (images, *, radius, settings, batch_size) -> Found
Part = Callable[..., Found]


class Broken(NamedTuple):
    """What the set found.

    points: float32 [N, H, W, C] in [0, 1]; the image itself where it was not broken.
    part: int [N], the index in PARTS of the attack that broke the image; -1 where none
      did, or where it was classified wrongly without an attack.
    """

    points: np.ndarray
    part: np.ndarray


def make_parts(classify: Classify, norm: str) -> dict[str, Part]:
    """Makes the attacks of the set on a classifier, by their names in PARTS.

    Args:
      classify: the classifier: deterministic, with at least `losses.LEAST_CLASSES`
        classes; see `check_attacked`.
      norm: "linf" or "l2".
    """
    raise_entropy = apgd.make_apgd(classify, norm=norm, loss=losses.cross_entropy)
    raise_dlr = apgd.make_apgd(classify, norm=norm, loss=losses.targeted_dlr)
    approach = fab.make_fab(classify, norm=norm)
    change_squares = square.make_square(classify, norm=norm)

    def apgd_ce(images, *, settings, **how):
        return _in_turn(
            lambda left, restart: raise_entropy(
                left,
                left.labels,
                steps=settings.steps,
                seed=[settings.seed, 0, restart],
                **how,
            ),
            images,
            settings.restarts,
        )

    def apgd_t(images, *, settings, **how):
        return _in_turn(
            lambda left, turn: raise_dlr(
                left,
                left.others[:, turn],
                steps=settings.steps,
                seed=[settings.seed, 1, turn],
                **how,
            ),
            images,
            count_targets(images, settings),
        )

    def fab_t(images, *, settings, **how):
        return _in_turn(
            lambda left, turn: approach(
                left, left.others[:, turn], steps=settings.steps, **how
            ),
            images,
            count_targets(images, settings),
        )

    def square_attack(images, *, settings, **how):
        return change_squares(
            images, queries=settings.queries, seed=[settings.seed, 2], **how
        )

    return dict(zip(PARTS, (apgd_ce, apgd_t, fab_t, square_attack), strict=True))


def count_targets(images: Images, settings: AttackSettings) -> int:
    """The number of classes that the targeted attacks try, most likely first."""
    return min(settings.targets, images.others.shape[1])


def describe_images(x: Any, labels: Any, logits: np.ndarray) -> Images:
    """Makes `Images` of x [N, H, W, C] in [0, 1], labels y [N] and their logits."""
    labels = np.asarray(labels, "int32")
    others = attack_gradients.rank_others(logits, labels)
    return Images(np.asarray(x, "float32"), labels, others, np.arange(len(labels)))


def run_parts(
    parts: dict[str, Part],
    classify: Classify,
    x: Any,
    labels: Any,
    *,
    radius: float,
    settings: AttackSettings,
    batch_size: int,
) -> Broken:
    """Runs attacks in turn, each on the images that those before it did not break.

    Args:
      parts: from `make_parts`, all or some of them.
      classify: the classifier that they attack; a `tf.function` of it is quicker. An
        image is broken once this, in batches of its own, is wrong at the point found.
      x: float [N, H, W, C] in [0, 1].
      labels: int [N], y.
      radius: in pixels of [0, 1]; at 0 nothing is attacked.
      settings: steps, restarts of APGD-CE, targets, queries and seed of the attacks.
      batch_size: images in a batch.
    """
    x = np.asarray(x, "float32")
    seed = tf.zeros([2], tf.int32)
    logits = inference.map_batches(
        lambda batch: classify(batch, seed), 2 * x - 1, batch_size=attacks.BATCH
    )
    images = describe_images(x, labels, logits)
    points, part = x.copy(), np.full(len(x), -1)
    left = inference.is_right(logits, images.labels)
    for name, attack in parts.items() if radius else ():
        rows = np.flatnonzero(left)
        if not len(rows):
            break
        found = attack(
            images.take(rows), radius=radius, settings=settings, batch_size=batch_size
        )
        rows, near = rows[found.broken], found.points[found.broken]
        wrong = _are_wrong(classify, near, images.labels[rows])
        points[rows[wrong]] = near[wrong]
        part[rows[wrong]], left[rows[wrong]] = PARTS.index(name), False
    return Broken(points, part)


def check_attacked(defences: Sequence[Defence], classes: int) -> None:
    """Checks that the set can attack these: JEM-0 alone, of at least four classes.

    Raises:
      InputError: if a defence refines its images, or there are too few classes for the
        targeted DLR loss.
    """
    named, other = argument("attack", attacks.STANDARD_SET), argument("attack", "pgd")
    refined = [f"JEM-{defence.k}" for defence in defences if defence.k]
    if refined:
        raise InputError(
            f"{named} stands for attacks on a deterministic classifier, JEM-0, and "
            f"{', '.join(refined)} would refine the images by a sampler whose noise "
            f"and gradients it does not know; choose {other}, which averages over the "
            "noise and takes both gradients of the refinement."
        )
    if classes < losses.LEAST_CLASSES:
        raise InputError(
            f"{named} needs at least {losses.LEAST_CLASSES} classes for its targeted "
            f"DLR loss, and the model has {classes}; choose {other}."
        )


def describe_standard_set(settings: AttackSettings) -> dict[str, Any]:
    """Describes the set with these settings for a protocol."""
    targets = f"{settings.targets} classes, or all others, the most likely first"
    numbers = (settings.steps, settings.restarts, settings.targets, settings.queries)
    standard = numbers == (100, 1, 9, 5000)
    version = "of the standard version" if standard else "NOT the standard version's"
    return {
        "attack": "AutoAttack: APGD-CE, APGD-T, FAB-T, Square attack in this order; an "
        f"image that one broke is not given to the next; parameters {version}",
        "standard": standard,
        "apgd_ce": f"{settings.steps} steps, {settings.restarts} restarts, "
        "cross-entropy in its log-odds form log (1 - p(y|x)) / p(y|x)",
        "apgd_t": f"{settings.steps} steps, targeted DLR loss towards {targets}",
        "fab_t": f"{settings.steps} steps towards {targets}",
        "square": f"{settings.queries} queries after the first, margin loss, p = "
        "0.8, halved as for 10,000 queries",
        "why_jem_0_alone": "AutoAttack's name stands for deterministic classifiers; a "
        "classifier that refines its images, or draws noise, is measured by PGD over "
        "draws of the noise with both gradients of the refinement",
    }


def _in_turn(
    attack: Callable[[Images, int], Found], images: Images, turns: int
) -> Found:
    """Repeats an attack, each time on the images that are not broken yet."""
    points, broken = images.x.copy(), np.zeros(len(images.x), bool)
    for turn in range(turns):
        rows = np.flatnonzero(~broken)
        if not len(rows):
            break
        found = attack(images.take(rows), turn)
        points[rows[found.broken]] = found.points[found.broken]
        broken[rows] = found.broken
    return Found(points, broken)


def _are_wrong(classify: Classify, points: np.ndarray, labels: Any) -> np.ndarray:
    if not len(points):
        return np.zeros(0, bool)
    return attacks.correct_fraction(classify, points, labels) == 0
