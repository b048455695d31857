"""Do the chains of a trained run mix? ESS and R-hat of E(x) over parallel chains.

    python tools/diagnose_chains.py --workdir=RUN --chains=32 --steps=500

Writes RUN/results/chains.json and RUN/figures/chains.png.
"""

import math

import jem_tf.system.quiet  # before TensorFlow, whose chatter it mutes  # noqa: F401

# isort: split
import tensorflow as tf
from absl import app, flags

from jem_tf import figures, samplers
from jem_tf.commands import command
from jem_tf.errors import InputError
from jem_tf.evaluation import mixing
from jem_tf.figures import plots
from jem_tf.runs import build, loading
from jem_tf.system import files

WORKDIR = flags.DEFINE_string("workdir", None, "the run to look at", required=True)
CHAINS = flags.DEFINE_integer("chains", 32, "how many in parallel", lower_bound=2)
STEPS = flags.DEFINE_integer("steps", 500, "of SGLD, the first half warm-up", 8)
START = flags.DEFINE_enum("start", "buffer", ["buffer", "noise"], "where they start")
SEED = flags.DEFINE_integer("seed", 0, "of start and noise")
PROTOCOL = ("chains", "steps", "start", "seed")


def run():
    """Walks, measures, writes, prints -> {name: number}."""
    root, model, opts, _, at = loading.read(WORKDIR.value)
    if not model.generative:
        raise InputError(
            f"--workdir={root} is a plain classifier, which has no chains."
        )
    walk = build.make_sampler(opts.sampling, samplers.chains, steps=STEPS.value)
    noise = START.value == "noise"
    trace = mixing.energy_traces(model, walk, CHAINS.value, noise=noise, seed=SEED.value)
    found = mixing.mixing_statistics(trace)
    numbers = {k: v if math.isfinite(v) else None for k, v in found.items()}  # JSON's
    protocol = {name: flags.FLAGS[name].value for name in PROTOCOL}
    protocol["checkpoint_step"] = at
    files.write_json(root / "results" / "chains.json", numbers | protocol)
    chart = plots.lines(trace, "SGLD step", "E(x), nats", "a chain")
    figures.save_plot(root / "figures" / "chains.png", chart)
    writer = tf.summary.create_file_writer(str(root / "tensorboard"))
    with writer.as_default(step=at):
        for name, value in found.items():
            tf.summary.scalar(f"diagnose_chains/{name}", value)
    print(f"E(x) of {CHAINS.value} chains from the {START.value}, {STEPS.value} steps")
    for name, value in found.items():
        print(f"  {name:<14}{value:>10.4g}")
    print(root / "results" / "chains.json", root / "figures" / "chains.png", sep="\n")
    return found


if __name__ == "__main__":
    app.run(lambda argv: command.end_well(run, argv, WORKDIR.value))
