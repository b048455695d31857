"""How accurate a model stays under adversarial attack.

Letters: N images, E radii of a norm, ascending; JEM-k refines an image by k steps of
the sampler before it classifies. Shares, float [E, N], are defined in
`robust_accuracy`; they are measured on fresh draws of the refinement's noise.
"""

from collections.abc import Sequence
from typing import Any

from jem_tf.datasets import Split
from jem_tf.energy_model import EnergyModel
from jem_tf.evaluation import (
    attack_checks,
    attack_gradients,
    attacks,
    defence_attacks,
    refinement,
    robust_accuracy,
    run_attacks,
)
from jem_tf.evaluation.attacks import AttackSettings
from jem_tf.evaluation.autoattack import run_standard_set, standard_set
from jem_tf.evaluation.autoattack.run_standard_set import Counts
from jem_tf.evaluation.refinement import Defence
from jem_tf.evaluation.robust_accuracy import Outcomes, Radii, Shares
from jem_tf.figures import plots

UNBOUNDED = 255.0  # the L-inf radius within which all images lie


def evaluate_robustness(
    model: EnergyModel,
    split: Split,
    *,
    defences: Sequence[Defence],
    radii: Radii,
    settings: AttackSettings,
    baseline: EnergyModel | None = None,
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Measures the accuracy of JEM-k under attack, and checks the attacks.

    Args:
      model: the model to attack.
      split: the images to attack and their labels.
      defences: the JEM-k to attack, by ascending k.
      radii: {"linf": eps [E], "l2": eps [E]} in `attack_gradients.UNITS`, ascending
        from 0; the last of L-inf is UNBOUNDED.
      settings: how the attacks are run. The standard set attacks JEM-0 alone.
      baseline: a model whose adversarial images are tried on `model`, or None.

    Returns:
      ({metric: number or interval}, {check: its result, see `attack_checks`}, {figure:
      matplotlib Figure}).

    Raises:
      InputError: if the attack is not known, or is the standard set and there are other
        defences than JEM-0 or too few classes.
    """
    outcomes, transferred, counts = _attack(
        model, split, defences, radii, settings, baseline=baseline
    )
    metrics = robust_accuracy.compute_accuracies(outcomes, transferred, radii)
    clean = {
        defence.k: attack_checks.clean_accuracy(
            model, defence, split=split, seed=settings.fresh_seed
        )
        for defence in defences
    }
    checks = {
        "larger_eps_never_raises_accuracy": attack_checks.check_larger_radii(
            outcomes, radii
        ),
        "eps_0_equals_clean_accuracy": attack_checks.check_zero_radius(outcomes, clean),
        "unbounded_attack_reaches_0": attack_checks.check_unbounded_radius(outcomes),
    }
    if any(robust_accuracy.TRANSFERRED in kinds for kinds in outcomes.values()):
        checks["transfer_breaks_no_more_than_gradients"] = attack_checks.check_transfer(
            outcomes, radii
        )
    if counts:
        metrics |= run_standard_set.compute_counts(counts, radii)
        checks["square_attack_breaks_few_more"] = run_standard_set.check_square(
            counts, radii, len(split.labels)
        )
    shown = {
        norm: [eps for eps in row if eps < UNBOUNDED] for norm, row in radii.items()
    }
    curves = robust_accuracy.make_curves(
        metrics, list(outcomes), shown, transferred=baseline is not None
    )
    return metrics, checks, {"accuracy": plots.accuracy_under_attack(curves)}


def describe_robustness(
    defences: Sequence[Defence], radii: Radii, settings: AttackSettings
) -> dict[str, Any]:
    """Describes in a protocol what `evaluate_robustness` does with these arguments.

    Raises:
      InputError: if the attack is not known.
    """
    refined: dict[str, Any] = {}
    samplers = [defence.sampler for defence in defences if defence.sampler is not None]
    if samplers:
        refined = {"sampler": samplers[-1].func.__name__} | samplers[-1].keywords
        del refined["steps"]  # k
    return {
        **_describe_attack(settings),
        "radii": radii,
        "radii_units": {"linf": "1/255", "l2": "L2 distance of pixels in [0, 1]"},
        "transfer_accuracy": "at the best points of the baseline's plain network, "
        "attacked by PGD to the last step; smaller radii count here too",
        "refinement": {
            "jem_k": [defence.k for defence in defences],
            "eot_draws": {f"jem{defence.k}": defence.eot for defence in defences},
            "fresh_draws": {f"jem{defence.k}": defence.fresh for defence in defences},
        }
        | refined,
        "seeds": {"attack": settings.seed, "fresh": settings.fresh_seed},
        "ci": "Wilson, 95%, of the number of images; a mean over draws is rounded",
    }


def _describe_attack(settings: AttackSettings) -> dict[str, Any]:
    """Describes the attack in a protocol, and what counts of its points."""
    if settings.attack == attacks.STANDARD_SET:
        return {
            **standard_set.describe_standard_set(settings),
            "robust_accuracy": "at the points found; a smaller ball lying within a "
            "larger, a point of a smaller radius counts too",
            "broken_by": "images that a part of the set broke, of those that the parts "
            "before it left; each radius by itself",
        }
    describe = attacks.find_attack(settings.attack).describe
    return {
        **describe(steps=settings.steps, restarts=settings.restarts),
        "gradients": "of JEM-k with k > 0: straight_through (the refinement is the "
        "identity on the way back) and full (second order, through its steps)",
        "transferred": "JEM-k with k > 0 also classifies the best points of attacks on "
        f"JEM-0, one without a target and one towards each of {settings.targets} "
        "classes, or all others, the most likely first; none stops early or knows of "
        "the refinement, and of their points JEM-k takes the worst by its margin",
        "best_point": "of the clean image, all iterates and restarts, that of largest "
        "max_j log p(j|x) - log p(y|x), log p the mean over EOT draws; an image is "
        f"left alone once this is {attack_gradients.STOP_MARGIN:g} nat or more in "
        f"every draw, {attack_gradients.STOP_MARGIN_WITHOUT_NOISE:g} where nothing is "
        "drawn",
        "robust_accuracy": "at the best point, on fresh noise; image by image the "
        "least of both gradients, of the transferred points and, a smaller ball lying "
        "within a larger, of all smaller radii (.../straight_through, .../full and "
        ".../transferred: of one alone)",
    }


def _attack(
    model: EnergyModel,
    split: Split,
    defences: Sequence[Defence],
    radii: Radii,
    settings: AttackSettings,
    *,
    baseline: EnergyModel | None,
) -> tuple[Outcomes, dict[int, Shares], Counts]:
    """Attacks all defences, and the baseline if there is one, on one progress bar."""
    import tqdm

    standard = settings.attack == attacks.STANDARD_SET
    if standard:
        standard_set.check_attacked(defences, model.num_classes)
    outcomes: Outcomes
    transferred: dict[int, Shares] = {}
    counts: Counts = {}
    cost = len(defences)  # each radius of the standard set counts 1
    if not standard:
        cost = defence_attacks.estimate_cost(defences, model.num_classes, settings)
    total = sum(map(len, radii.values())) * (cost + (baseline is not None))
    with tqdm.tqdm(total=total, desc="attacks", disable=None) as bar:
        how: dict[str, Any] = {"split": split, "radii": radii, "each": bar.update}
        if standard:
            shares, counts = run_standard_set.attack_network(
                model, settings=settings, **how
            )
            outcomes = {0: {refinement.PLAIN: shares}}
        else:
            outcomes = defence_attacks.attack_defences(
                model, defences, settings=settings, **how
            )
        if baseline is not None:
            # Points that barely break one network rarely break another.
            pgd = settings._replace(attack="pgd") if standard else settings
            transferred = run_attacks.transfer_attack(
                model, defences, baseline=baseline, settings=pgd, **how
            )
    return outcomes, transferred, counts
