"""Flags of `jem-tf evaluate robustness`, and the attacks and defences they choose."""

from typing import Any

from absl import flags

from jem_tf import samplers
from jem_tf.commands import run_flags
from jem_tf.commands.command import FlagGroup
from jem_tf.errors import InputError, argument, arguments_renamed
from jem_tf.evaluation import robustness
from jem_tf.evaluation.attacks import ATTACKS, STANDARD_SET
from jem_tf.runs import build
from jem_tf.runs.loading import TrainedRun

STEPS, STANDARD_STEPS = 20, 100  # without --steps: of PGD, of AutoAttack's parts
# {name of results beside those of robustness and autoattack: their attack}
RESULTS = {"small_radii": STANDARD_SET, "small_radii_pgd": "pgd"}


def define(values: flags.FlagValues) -> None:
    """Defines the command's flags."""
    define_attack(FlagGroup(values, "The attack"))
    define_refinement(FlagGroup(values, "The refinement (JEM-k)"))
    define_distal(FlagGroup(values, "Distal adversarials"))
    run_flags.define(values, splits=True, limit_of_0="100, or 1,000 of autoattack")


def define_attack(attack: FlagGroup) -> None:
    """Flags of the attack."""
    attack.choice(
        "attack",
        "pgd",
        [*ATTACKS, STANDARD_SET],
        "attack. autoattack: APGD-CE, APGD-T, FAB-T and Square attack, of JEM-0 alone",
    )
    attack.choice(
        "result",
        "",
        ["", *RESULTS],
        "name of the results. small_radii: those of autoattack within other radii, "
        "beside its own, as RUN/results/small_radii.json; small_radii_pgd: the same of "
        "pgd. Empty: robustness, or autoattack",
    )
    define_radii(attack)
    define_effort(attack)


def define_radii(attack: FlagGroup) -> None:
    """Flags of how far an attack may go."""
    attack.texts(
        "eps_linf",
        ["1", "2", "4", "8"],
        "L-inf radii in 1/255; 0 and 255 are always among them",
    )
    attack.texts(
        "eps_l2",
        ["0.25", "0.5", "1"],
        "L2 radii in pixels of [0, 1]; 0 is always among them",
    )


def define_effort(attack: FlagGroup) -> None:
    """Flags of how hard an attack tries, and from which network."""
    attack.integer(
        "steps",
        None,
        f"steps of the attack. Unset: {STEPS}, and {STANDARD_STEPS} of autoattack",
        1,
    )
    attack.integer("restarts", 1, "restarts, each from a random point of the ball", 1)
    attack.integer(
        "targets",
        9,
        "classes that targeted attacks try in turn: APGD-T and FAB-T of autoattack, "
        "and those on JEM-0 whose points JEM-k gets",
        1,
    )
    attack.integer("queries", 5000, "of autoattack: queries of Square attack", 1)
    attack.integer(
        "eot", 2, "draws of the refinement's noise that an attack averages", 1
    )
    attack.integer(
        "fresh_draws", 5, "draws of the noise that judge the points an attack found", 1
    )
    attack.text(
        "baseline",
        None,
        "RUN2, another run; the adversarial images of its network are tried too",
    )


def define_refinement(defence: FlagGroup) -> None:
    """Flags of what images go through before they are classified."""
    defence.texts(
        "refine_steps",
        None,
        "k, sampler steps before the image is classified. Unset: 0,1,10, and 0 of a "
        "plain classifier or under autoattack, which attacks no other",
    )
    defence.number(
        "refine_noise",
        None,
        "standard deviation of a step's noise, in pixels of [-1, 1]. Unset: the run's",
        0,
    )
    defence.number(
        "refine_step_size",
        None,
        "a, which multiplies the score. Unset: the run's",
        above=0,
    )
    defence.number(
        "refine_temperature",
        None,
        "temperature, of mala only. Unset: the run's",
        above=0,
    )


def define_distal(noise: FlagGroup) -> None:
    """Flags of noise that is driven to classes."""
    noise.number(
        "distal_confidence",
        0.9,
        "confidence that noise is driven to, below 1",
        0.0,
        0.9999,
    )
    noise.integer("distal_steps", 1000, "steps at most, to get there", 1)


def choose_settings(given: Any, seed: int) -> robustness.AttackSettings:
    """How the flags say that the run is attacked."""
    steps = STANDARD_STEPS if given.attack == STANDARD_SET else STEPS
    return robustness.AttackSettings(
        steps=given.steps or steps,
        restarts=given.restarts,
        seed=seed,
        attack=given.attack,
        targets=given.targets,
        queries=given.queries,
    )


def choose_radii(given: Any) -> dict[str, list[float]]:
    """{norm: eps, ascending from 0; of L-inf up to an unbounded one}."""
    linf, l2 = (parse_numbers(n, given[n].value) for n in ("eps_linf", "eps_l2"))
    if max(linf, default=0) > robustness.UNBOUNDED:
        raise InputError(
            f"{argument('eps_linf', ','.join(given.eps_linf))} is in 1/255; give at "
            "most 255."
        )
    bounds = {0.0, robustness.UNBOUNDED}
    return {"linf": sorted(bounds | set(linf)), "l2": sorted({0.0, *l2})}


def choose_defences(run: TrainedRun, given: Any) -> list[robustness.Defence]:
    """JEM-k for each k of --refine_steps, ascending."""
    refines = run.model.generative and given.attack != STANDARD_SET
    usual = ["0", "1", "10"] if refines else ["0"]
    texts = usual if given.refine_steps is None else given.refine_steps
    if not texts:
        raise InputError(
            f"{argument('refine_steps', '')} lists nothing; give numbers, as 0,1,10."
        )
    names = {name: f"refine_{name}" for name in samplers.HYPERPARAMETERS}
    numbers = {name: given[flag].value for name, flag in names.items()}
    defences = []
    for k in sorted(set(parse_numbers("refine_steps", texts, int))):
        sampler = None
        if k:
            with arguments_renamed(**names):
                sampler = build.make_sampler(run.options.sampling, steps=k, **numbers)
        defence = robustness.Defence(k, sampler, eot=1, fresh=1)
        if defence.noisy:
            defence = defence._replace(eot=given.eot, fresh=given.fresh_draws)
        defences.append(defence)
    return defences


def parse_numbers(name: str, texts: list[str], kind: type = float) -> list:
    """The numbers, at least 0, of a flag that lists them."""
    try:
        numbers = [kind(text) for text in texts]
        if all(0 <= number < float("inf") for number in numbers):
            return numbers
    except ValueError:
        pass
    what = "whole numbers" if kind is int else "numbers"
    raise InputError(
        f"{argument(name, ','.join(texts))} must list {what} of at least 0, with "
        "commas between them."
    )
