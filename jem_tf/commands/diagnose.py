"""`jem-tf diagnose`: do the chains of a trained run mix?"""

import functools
import math
from typing import Any

from absl import flags

from jem_tf import samplers
from jem_tf.commands import run_flags
from jem_tf.commands.command import Command, FlagGroup
from jem_tf.errors import InputError, argument
from jem_tf.evaluation import findings, mcmc_diagnostics, tables
from jem_tf.figures import plots
from jem_tf.runs import build, loading

CHAINS = 32  # without --chains


def define(values: flags.FlagValues) -> None:
    """Defines the command's flags."""
    group = FlagGroup(values, "The chains")
    run_flags.define_workdir(group)
    group.integer(
        "chains",
        None,
        f"chains in parallel. Unset: {CHAINS}, or all samples of a smaller buffer",
        2,
    )
    group.integer("steps", 500, "steps of the sampler, the first half warm-up", 8)
    group.choice(
        "start",
        "buffer",
        ["buffer", "noise"],
        "where chains start. buffer: they continue the run's; noise: U(-1, 1)",
    )
    group.integer("seed", 0, "seed of the start and the noise", 0, 2**31 - 1)
    flags.mark_flag_as_required("workdir", values)


def run(values: flags.FlagValues) -> None:
    """Walks, measures, writes and prints."""
    run_flags.use_own_folder(values)
    trained = loading.read_run(values.workdir)
    if not trained.model.generative:
        raise InputError(
            f"{argument('workdir', trained.folder)} is a plain classifier, which has "
            "no chains."
        )
    findings.check_writable(trained.folder)
    measured = diagnose(trained, values)
    print(
        f"E(x) of {measured.protocol['chains']} chains from the {values.start}, "
        f"{values.steps} steps"
    )
    print("\n".join(tables.format_metrics(measured.metrics)))
    written = findings.write_findings(trained.folder, "chains", measured, trained.step)
    print(*written, sep="\n")


def diagnose(trained: loading.TrainedRun, given: Any) -> findings.Findings:
    """Walks the chains that the flags ask for, and measures how well they mix."""
    sampler = build.make_sampler(trained.options.sampling, steps=given.steps)
    walk = functools.partial(samplers.trace, sampler, steps=given.steps)
    noise, buffer = given.start == "noise", trained.model.buffer
    most = CHAINS if noise else max(2, int(buffer.count_samples().sum()))
    chains = given.chains or min(CHAINS, most)
    record = mcmc_diagnostics.record_chains(
        trained.model, walk, chains, noise=noise, seed=given.seed
    )
    statistics = mcmc_diagnostics.mixing_statistics(*record)
    metrics = {k: v if math.isfinite(v) else None for k, v in statistics.items()}
    asked = {name: given[name].value for name in ("steps", "start", "seed")}
    asked["chains"] = chains
    protocol = findings.describe_run(trained) | asked | samplers.describe(sampler)
    protocol["chains_of"] = "p(x): they walk down E(x), from all classes' images"
    figure = plots.lines(record.energy, "sampler step", "E(x), nats", "a chain")
    return findings.Findings(metrics, protocol, {"energy": figure})


COMMAND = Command(
    "diagnose",
    """
Measures whether chains of p(x) of a trained run mix: the effective sample size and
R-hat of E(x) over parallel chains. (Chains of p(x|y) stay in their class.)

    jem-tf diagnose --workdir=RUN --chains=32 --steps=500

Writes RUN/results/chains.json, RUN/figures/chains_energy.png and TensorBoard's; they
stand in the report, too.
""",
    define,
    run,
)
