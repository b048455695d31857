"""How accurate does a model stay under attack?

Letters: N images, E radii of a norm, ascending; JEM-k refines by k SGLD steps. "Right"
is, of an image, the share of fresh draws of the refinement's noise in which the best
point that an attack found is classified right: float [E, N].
"""

import collections

import numpy as np
import tensorflow as tf

from jem_tf.datasets import pixels
from jem_tf.evaluation import (
    attack_checks,
    attacks,
    inference,
    refinement,
    robust_accuracy,
)
from jem_tf.figures import plots

# k; the sampler with k steps bound, or None; draws of its noise: an attack's, fresh.
Defence = collections.namedtuple("Defence", "k walk eot fresh")
How = collections.namedtuple("How", "steps restarts seed")
PIXELS = 64 * 32 * 32  # of chains at once: full gradients hold all steps in memory
FRESH = 1_000_003  # apart from the attacks' seeds
UNBOUNDED = 255.0  # the L-inf radius of all images there are


def measure(model, split, defences, radii, how, *, baseline=None):
    """All that there is to measure of a model under attack.

    Args:
      model: an EnergyModel.
      split: of a Dataset, the images to attack and their labels.
      defences: [Defence], ascending.
      radii: {"linf": eps [E], "l2": eps [E]} in `attacks.UNITS`, ascending from 0, the
        last of L-inf UNBOUNDED.
      how: How.
      baseline: an EnergyModel whose adversarials are tried on the model, or None.

    Returns:
      ({metric: number or interval}, {check: see `sanity`}, {figure: matplotlib's}).
    """
    import tqdm

    images, labels = split.images, np.asarray(split.labels)
    within = sum(map(len, radii.values()))
    total = within * (sum(map(cost, defences)) + (baseline is not None))
    with tqdm.tqdm(total=total, desc="attacks", disable=None) as bar:
        raw = {
            defence.k: under_attack(
                model, defence, images, labels, radii, how, each=bar.update
            )
            for defence in defences
        }
        moved = baseline and transferred(
            model, defences, baseline, images, labels, radii, how, each=bar.update
        )
    metrics = robust_accuracy.metrics(raw, moved or {}, radii)
    clean_ = {of.k: clean(model, of, images, labels, how) for of in defences}
    checks = {
        "larger_eps_never_raises_accuracy": attack_checks.never_raises(raw, radii),
        "eps_0_equals_clean_accuracy": attack_checks.zero_is_clean(raw, clean_),
        "unbounded_attack_reaches_0": attack_checks.unbounded_wins(raw),
    }
    shown = {norm: [one for one in of if one < UNBOUNDED] for norm, of in radii.items()}
    curves = robust_accuracy.curves(metrics, list(raw), shown, moved is not None)
    return metrics, checks, {"accuracy": plots.accuracy_under_attack(curves)}


def cost(defence):
    """About how long an attack on it takes, in those of an attack on the network."""
    return sum(_cost(defence, kind) for kind in refinement.kinds(defence.walk))


def protocol(defences, radii, how):
    """What a protocol says of `measure`."""
    refined = next((of.walk.keywords for of in reversed(defences) if of.walk), {})
    return {
        "attack": "PGD (foolbox LinfPGD, L2PGD), untargeted, on the cross-entropy in "
        "its log-odds form log (1 - p(y|x)) / p(y|x)",
        "pgd_steps": how.steps,
        "pgd_step_size": f"{attacks.REACH:g} eps / steps",
        "restarts": f"{how.restarts}, each from a random point of the ball",
        "radii": radii,
        "radii_units": {"linf": "1/255", "l2": "L2 distance of pixels in [0, 1]"},
        "gradients": "of JEM-k with k > 0: straight_through (the refinement is the "
        "identity on the way back) and full (second order, through its steps)",
        "best_point": "of the clean image, all iterates and restarts, that of largest "
        "max_j log p(j|x) - log p(y|x), log p the mean over EOT draws; an image is "
        f"left alone once this is {attacks.ENOUGH:g} nat or more in every draw, "
        f"{attacks.ENOUGH_ALONE:g} where nothing is drawn",
        "robust_accuracy": "at the best point, on fresh noise; image by image the "
        "lesser of both gradients and, a smaller ball lying within a larger, of all "
        "smaller radii (.../straight_through and .../full: of one gradient alone)",
        "transfer_accuracy": "at the best points of the baseline's plain network, "
        "attacked to the last step; smaller radii count here too",
        "refinement": {
            "jem_k": [of.k for of in defences],
            "eot_draws": {f"jem{of.k}": of.eot for of in defences},
            "fresh_draws": {f"jem{of.k}": of.fresh for of in defences},
        }
        | {name: value for name, value in refined.items() if name != "steps"},
        "seeds": {"attack": how.seed, "fresh": how.seed + FRESH},
        "ci": "Wilson, 95%, of the number of images; a mean over draws is rounded",
    }


def under_attack(model, defence, images, labels, radii, how, *, each=lambda cost: None):
    """Attacks JEM-k within every radius, by every kind of gradient.

    Args:
      model: an EnergyModel.
      defence: Defence.
      images, labels: uint8 [N, H, W, C], int [N].
      radii: {norm: eps [E]}, ascending, in units of `attacks.UNITS`.
      how: How.
      each: called after each radius with its `cost`.

    Returns:
      {kind: {norm: right [E, N]}} as measured, nothing carried over.
    """
    answer = tf.function(refinement.classifier(model, defence.walk))
    right = {}
    for kind in refinement.kinds(defence.walk):
        points = _found(model, defence, kind, images, labels, radii, how, each)
        right[kind] = evaluated(answer, points, labels, defence, how)
    return right


def transferred(model, defences, baseline, images, labels, radii, how, *, each):
    """Attacks the baseline's network, and shows the points found to JEM-k's of model.

    Args:
      defences: [Defence].
      baseline: an EnergyModel.
      model, images, labels, radii, how, each: as in `under_attack`.

    Returns:
      {k: {norm: right [E, N]}}.
    """
    # To the end, not until one draw is wrong: the largest margins transfer best.
    alone = Defence(0, None, 1, 1)
    points = _found(
        baseline,
        alone,
        refinement.PLAIN,
        images,
        labels,
        radii,
        how,
        each,
        enough=np.inf,
    )
    right = {}
    for defence in defences:
        answer = tf.function(refinement.classifier(model, defence.walk))
        right[defence.k] = evaluated(answer, points, labels, defence, how)
    return right


def evaluated(answer, points, labels, defence, how):
    """Points {norm: [E, N, H, W, C] in [0, 1]} -> {norm: right [E, N]}."""
    asked = {"draws": defence.fresh, "seed": how.seed + FRESH}
    return {
        norm: np.array([attacks.right(answer, x, labels, **asked) for x in found])
        for norm, found in points.items()
    }


def clean(model, defence, images, labels, how):
    """Accuracy on the images as they are, on a way that knows of no attack.

    Image by image what radius 0 must give: the same fresh seeds, other code.
    """
    shares = []
    for draw in range(defence.fresh):
        x, seed = pixels(images), [how.seed + FRESH, draw]
        if defence.walk is not None:
            walk = tf.function(
                lambda x, s=seed: defence.walk(model.energy(), x, seed=s)
            )
            x = inference.each_batch(walk, x, batch_size=attacks.ASKED)
        shares.append(attacks.is_right(inference.logits(model, x), labels))
    return float(np.mean(shares))


def _found(model, defence, kind, images, labels, radii, how, each, enough=None):
    classify = refinement.classifier(model, defence.walk, kind=kind)
    look = attacks.looking(classify, images.shape[1:], draws=defence.eot)
    height, width = images.shape[1:3]
    at_once = max(1, PIXELS // (height * width * defence.eot))
    if enough is None:
        enough = attacks.ENOUGH if defence.eot > 1 else attacks.ENOUGH_ALONE
    found = {norm: [] for norm in radii}
    for norm, of in radii.items():
        for eps in of:
            points = attacks.pgd(
                look,
                np.asarray(images, "float32") / 255,
                labels,
                norm=norm,
                eps=eps,
                steps=how.steps if eps else 1,
                restarts=how.restarts if eps else 1,
                seed=how.seed,
                at_once=at_once,
                enough=enough,
            )
            found[norm].append(points)
            each(_cost(defence, kind))
    return found


def _cost(defence, kind):
    return 1 + defence.k * (3 if kind == "full" else 1)
