"""How accurate does a trained run stay under attack? PGD in L-inf and L2, JEM-0/1/10.

    python tools/evaluate_robustness.py --workdir=RUN --baseline=RUN2
    python tools/evaluate_robustness.py --workdir=RUN --limit=20 --steps=10

Attacks the first --limit (100) test images. Writes RUN/results/robustness.json,
RUN/figures/robustness_{accuracy,distal}.png and TensorBoard's; docs/evaluation.md says
what each number is.
"""

import jem_tf.system.quiet  # before TensorFlow, whose chatter it mutes  # noqa: F401

# isort: split
from absl import flags

from jem_tf.commands import command
from jem_tf.errors import InputError
from jem_tf.evaluation import distal, findings, robustness
from jem_tf.runs import build, loading
from jem_tf.system import log

IMAGES = 100  # without --limit: an attack takes long
EPS_LINF = flags.DEFINE_list("eps_linf", "1,2,4,8", "radii in 1/255, and 0 and 255")
EPS_L2 = flags.DEFINE_list("eps_l2", "0.25,0.5,1", "radii, pixels in [0, 1], and 0")
REFINE_STEPS = flags.DEFINE_list(
    "refine_steps",
    None,
    "k, SGLD steps before classifying. Default: 0,1,10; of a plain classifier 0",
)
NOISE = flags.DEFINE_float("refine_noise", None, "theirs, if not the run's", 0)
STEP_SIZE = flags.DEFINE_float("refine_step_size", None, "theirs, likewise", 0)
STEPS = flags.DEFINE_integer("steps", 20, "of PGD", 1)
RESTARTS = flags.DEFINE_integer("restarts", 1, "of PGD, each from a random point", 1)
EOT = flags.DEFINE_integer("eot", 2, "draws of noise that an attack averages", 1)
FRESH = flags.DEFINE_integer("fresh_draws", 5, "of noise, to judge what it found", 1)
BASELINE = flags.DEFINE_string("baseline", None, "RUN2, its adversarials are tried too")
CONFIDENCE = flags.DEFINE_float(
    "distal_confidence", 0.9, "that noise is driven to", 0.0, 0.9999
)
DISTAL_STEPS = flags.DEFINE_integer("distal_steps", 1000, "at most, to get there", 1)


def evaluate(subject):
    """What `program.start` runs."""
    run = subject.run
    radii, defences, baseline = radii_of(), defences_of(run), baseline_of(run)
    settings = robustness.AttackSettings(STEPS.value, RESTARTS.value, subject.seed)
    split = command.first(subject.data.test, subject.limit or IMAGES)
    models = {"run": run.model} | ({"baseline": baseline.model} if baseline else {})
    metrics, checks, figures = robustness.evaluate_robustness(
        run.model,
        split,
        defences=defences,
        radii=radii,
        settings=settings,
        baseline=models.get("baseline"),
    )
    to = {"confidence": CONFIDENCE.value, "max_steps": DISTAL_STEPS.value}
    to["seed"] = subject.seed
    driven, strip = distal.evaluate_distal(models, run.class_names, **to)
    for name in (name for name, check in checks.items() if not check["ok"]):
        log.say(f"warning: {name} does not hold; see the protocol's sanity")
    protocol = {
        "images": f"the first {len(split.labels)} of the test split",
        **robustness.describe_robustness(defences, radii, settings),
        "distal": distal.describe_distal(**to),
        "baseline": baseline and findings.provenance(baseline, subject.data),
        "sanity": checks,
    }
    return findings.Findings(metrics | driven, protocol, figures | {"distal": strip})


def radii_of():
    """{norm: eps, ascending from 0; of L-inf up to an unbounded one}."""
    linf, l2 = numbers("eps_linf", EPS_LINF), numbers("eps_l2", EPS_L2)
    if max(linf, default=0) > robustness.UNBOUNDED:
        raise InputError(
            f"--eps_linf={','.join(EPS_LINF.value)} is in 1/255; give at most 255."
        )
    bounds = {0.0, robustness.UNBOUNDED}
    return {"linf": sorted(bounds | set(linf)), "l2": sorted({0.0, *l2})}


def defences_of(run):
    """[robustness.Defence], JEM-k for each k of --refine_steps, ascending."""
    sampling, usual = run.options.sampling, "0,1,10" if run.model.generative else "0"
    if REFINE_STEPS.value is None:
        steps = [int(k) for k in usual.split(",")]
    else:
        steps = numbers("refine_steps", REFINE_STEPS, int)
    given = {"noise": NOISE.value, "step_size": STEP_SIZE.value}
    changes = {name: value for name, value in given.items() if value is not None}
    found = []
    for k in sorted(set(steps)):
        sampler = build.make_sampler(sampling, steps=k, **changes) if k else None
        noisy = sampler is not None and sampler.keywords["noise"] > 0
        draws = (EOT.value, FRESH.value) if noisy else (1, 1)
        found.append(robustness.Defence(k, sampler, *draws))
    return found


def numbers(name, flag, kind=float):
    """The numbers, at least 0, of a flag that lists them."""
    try:
        found = [kind(word) for word in flag.value]
        if all(0 <= number < float("inf") for number in found):
            return found
    except ValueError:
        pass
    what = "whole numbers" if kind is int else "numbers"
    raise InputError(
        f"--{name}={','.join(flag.value)} must list {what} of at least 0, by commas."
    )


def baseline_of(run):
    """The trained run that --baseline names, of images and classes like run's."""
    if BASELINE.value is None:
        return None
    try:
        baseline = loading.read(BASELINE.value)
    except InputError as error:
        raise InputError(f"--baseline={BASELINE.value}: {error}") from error
    shapes = [one.model.network.input_shape[1:] for one in (run, baseline)]
    if shapes[0] != shapes[1] or run.class_names != baseline.class_names:
        raise InputError(
            f"--baseline={BASELINE.value} has other images or classes than "
            f"--workdir={run.root}; name a run of the same data."
        )
    return baseline


if __name__ == "__main__":
    command.define(flags.FLAGS)
    command.start("robustness", evaluate, flags.FLAGS)
