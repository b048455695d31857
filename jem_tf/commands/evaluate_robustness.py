"""`jem-tf evaluate robustness`: how accurate does a run stay under attack?"""

from collections.abc import Mapping
from typing import Any

from absl import flags

from jem_tf.commands import evaluate_robustness_flags, evaluation_command
from jem_tf.commands.command import Command
from jem_tf.energy_model import EnergyModel
from jem_tf.errors import InputError, argument
from jem_tf.evaluation import distal, findings, robustness
from jem_tf.evaluation.attacks import STANDARD_SET
from jem_tf.evaluation.autoattack import standard_set
from jem_tf.runs import loading
from jem_tf.runs.loading import TrainedRun
from jem_tf.runs.run_folder import RunFolder
from jem_tf.system import console

IMAGES = 100  # without --limit: an attack takes long
STANDARD_IMAGES = 1000  # without --limit, of AutoAttack
SAME = "the run's own"


def evaluate(context: evaluation_command.Context) -> findings.Findings:
    """Attacks the run by every radius and refinement, and drives noise to classes.

    Noise is driven for `robustness` alone: it knows no radii.
    """
    run, given = context.run, context.flags
    radii = evaluate_robustness_flags.choose_radii(given)
    defences = evaluate_robustness_flags.choose_defences(run, given)
    settings = evaluate_robustness_flags.choose_settings(given, context.seed)
    standard = settings.attack == STANDARD_SET
    if standard:
        standard_set.check_attacked(defences, len(run.class_names))
    baseline = read_baseline(run, given)
    usual = STANDARD_IMAGES if standard else IMAGES
    split = evaluation_command.evaluated_images(context, usual)
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
        "images": evaluation_command.name_images(
            context.data, len(split.labels), context.on
        ),
        "fewer_images": name_fewer(len(split.labels), usual),
        **robustness.describe_robustness(defences, radii, settings),
        "baseline": baseline and findings.provenance(baseline, context.data),
        "baseline_data": learned_from,
        "sanity": checks,
    }
    measured = findings.Findings(metrics, protocol, figures)
    if standard or given.result:
        return measured
    return add_distal(measured, models, context)


def add_distal(
    measured: findings.Findings,
    models: Mapping[str, EnergyModel],
    context: evaluation_command.Context,
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


def name_fewer(count: int, usual: int) -> str | None:
    """Says in a protocol that fewer images than usual were attacked, or None."""
    if count >= usual:
        return None
    return f"{count} images were attacked, and not {usual:,}: the intervals are wider"


def read_baseline(run: TrainedRun, given: Any) -> TrainedRun | None:
    """The trained run that --baseline names, of images and classes like run's."""
    if given.baseline is None:
        return None
    named = argument("baseline", given.baseline)
    try:
        baseline = loading.read_run(
            given.baseline, best=given.best, precision=given.precision or None
        )
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
    needed = evaluate_robustness_flags.RESULTS.get(values.result, values.attack)
    if values.attack != needed:
        raise InputError(
            f"{argument('result', values.result)} is for {argument('attack', needed)}; "
            "give this, or leave it out."
        )
    usual = STANDARD_SET if values.attack == STANDARD_SET else "robustness"
    evaluation_command.run_evaluation(values.result or usual, evaluate, values)


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
    evaluate_robustness_flags.define,
    run,
)
