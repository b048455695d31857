"""`jem-tf evaluate robustness`: how accurate does a run stay under attack?"""

from collections.abc import Mapping
from typing import Any

from absl import flags

from jem_tf import samplers
from jem_tf.commands import run_evaluation, run_flags
from jem_tf.commands.command import Command, FlagGroup
from jem_tf.energy_model import EnergyModel
from jem_tf.errors import InputError, argument, arguments_renamed
from jem_tf.evaluation import distal, findings, robustness
from jem_tf.evaluation.attacks import ATTACKS, STANDARD_SET
from jem_tf.evaluation.autoattack import standard_set
from jem_tf.runs import build, loading
from jem_tf.runs.loading import TrainedRun
from jem_tf.runs.run_folder import RunFolder
from jem_tf.system import console

IMAGES = 100  # without --limit: an attack takes long
STANDARD_IMAGES = 1000  # without --limit, of AutoAttack
STEPS, STANDARD_STEPS = 20, 100  # without --steps: of PGD, of AutoAttack's parts
SAME = "the run's own"
SMALL_RADII = "small_radii"  # results of AutoAttack beside its own


def define(values: flags.FlagValues) -> None:
    """Defines the command's flags."""
    define_attack(FlagGroup(values, "The attack"))
    define_refinement(FlagGroup(values, "The refinement (JEM-k)"))
    define_distal(FlagGroup(values, "Distal adversarials"))
    run_flags.define(values, splits=True)


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
        ["", SMALL_RADII],
        "name of the results. small_radii: those of autoattack within other radii, "
        "beside its own, as RUN/results/small_radii.json. Empty: robustness, or "
        "autoattack",
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


def evaluate(context: run_evaluation.Context) -> findings.Findings:
    """Attacks the run by every radius and refinement, and drives noise to classes."""
    run, given = context.run, context.flags
    radii, defences = choose_radii(given), choose_defences(run, given)
    settings = choose_settings(given, context.seed)
    standard = settings.attack == STANDARD_SET
    if standard:
        standard_set.check_attacked(defences, len(run.class_names))
    baseline = read_baseline(run, given.baseline)
    usual = STANDARD_IMAGES if standard else IMAGES
    split = run_evaluation.evaluated_images(context, usual)
    models = {"run": run.model} | ({"baseline": baseline.model} if baseline else {})
    learned_from = baseline and compare_data(run.folder, baseline.folder, on=context.on)
    if learned_from not in (None, SAME):
        console.say(f"warning: --baseline={given.baseline} has {learned_from}")
    metrics, checks, figures = robustness.evaluate_robustness(
        run.model,
        split,
        defences=defences,
        radii=radii,
        settings=settings,
        baseline=models.get("baseline"),
    )
    for name in (name for name, check in checks.items() if not check["ok"]):
        console.say(f"warning: {name} does not hold; see the protocol's sanity")
    protocol = {
        "images": run_evaluation.name_images(
            context.data, len(split.labels), context.on
        ),
        "fewer_images": name_fewer(len(split.labels), usual),
        **robustness.describe_robustness(defences, radii, settings),
        "baseline": baseline and findings.provenance(baseline, context.data),
        "baseline_data": learned_from,
        "sanity": checks,
    }
    measured = findings.Findings(metrics, protocol, figures)
    return measured if standard else add_distal(measured, models, context)


def add_distal(
    measured: findings.Findings,
    models: Mapping[str, EnergyModel],
    context: run_evaluation.Context,
) -> findings.Findings:
    """Drives noise to classes, and adds what came of it to the findings."""
    given = context.flags
    goal = {"confidence": given.distal_confidence, "max_steps": given.distal_steps}
    goal["seed"] = context.seed
    driven, strip = distal.evaluate_distal(models, context.run.class_names, **goal)
    described = {"distal": distal.describe_distal(**goal)}
    return findings.Findings(
        measured.metrics | driven,
        measured.protocol | described,
        measured.figures | {"distal": strip},
    )


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


def name_fewer(count: int, usual: int) -> str | None:
    """Says in a protocol that fewer images than usual were attacked, or None."""
    if count >= usual:
        return None
    return f"{count} images were attacked, and not {usual:,}: the intervals are wider"


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
    names = {name: f"refine_{name}" for name in samplers.HYPERPARAMETERS}
    numbers = {name: given[flag].value for name, flag in names.items()}
    defences = []
    for k in sorted(set(parse_numbers("refine_steps", texts, int))):
        sampler = None
        if k:
            with arguments_renamed(**names):
                sampler = build.make_sampler(run.options.sampling, steps=k, **numbers)
        # A sampler without the argument has noise of its own.
        noisy = sampler is not None and sampler.keywords.get("noise") != 0
        draws = (given.eot, given.fresh_draws) if noisy else (1, 1)
        defences.append(robustness.Defence(k, sampler, *draws))
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


def read_baseline(run: TrainedRun, path: str | None) -> TrainedRun | None:
    """The trained run that --baseline names, of images and classes like run's."""
    if path is None:
        return None
    named = argument("baseline", path)
    try:
        baseline = loading.read_run(path)
    except InputError as error:
        raise InputError(f"{named}: {error}") from error
    shapes = [other.model.network.input_shape[1:] for other in (run, baseline)]
    if shapes[0] != shapes[1] or run.class_names != baseline.class_names:
        raise InputError(
            f"{named} has other images or classes than "
            f"{argument('workdir', run.folder)}; name a run of the same data."
        )
    return baseline


def compare_data(run: RunFolder, baseline: RunFolder, *, on: str = "test") -> str:
    """Says whether two runs have the same images and labels, by their digests.

    Args:
      run, baseline: folders of runs with as many classes, of the same names.
      on: the split that is attacked.

    Returns:
      SAME, or what is other, for a line and the protocol.
    """
    own, its = run.read_description(), baseline.read_description()
    if own is None or its is None or not own.digests or not its.digests:
        return "data that cannot be compared: a run of before has no digest of them"
    if changed := own.changed_splits(its):
        return (
            f"other images or labels to {', '.join(changed)} than the run; the images "
            f"attacked are the run's {on} images, which it may have been trained on"
        )
    return SAME


def run(values: flags.FlagValues) -> None:
    """Evaluates; the results of AutoAttack do not replace those of PGD."""
    standard = values.attack == STANDARD_SET
    if values.result and not standard:
        raise InputError(
            f"{argument('result', values.result)} is for "
            f"{argument('attack', STANDARD_SET)}; give this, or leave it out."
        )
    usual = STANDARD_SET if standard else "robustness"
    run_evaluation.run_evaluation(values.result or usual, evaluate, values)


COMMAND = Command(
    "evaluate robustness",
    """
Measures how accurate a trained run stays under attack: PGD in L-inf and L2, of JEM-0,
JEM-1 and JEM-10, which refine an image by that many sampler steps first.

    jem-tf evaluate robustness --workdir=RUN --baseline=RUN2
    jem-tf evaluate robustness --workdir=RUN --limit=20 --steps=10
    jem-tf evaluate robustness --workdir=RUN --on=validation    # to choose by
    jem-tf evaluate robustness --workdir=RUN --attack=autoattack

Attacks the first --limit (100) images. Writes RUN/results/robustness.json,
RUN/figures/robustness_{accuracy,distal}.png and TensorBoard's; docs/evaluation.md says
what each number is. AutoAttack attacks JEM-0 alone, on 1,000 images, and writes
RUN/results/autoattack.json.
""",
    define,
    run,
)
