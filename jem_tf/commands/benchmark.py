"""`jem-tf benchmark`: how fast a training step is, and how fast it could be."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
from typing import Any

import numpy as np
import tensorflow as tf
from absl import flags

from jem_tf.benchmarks import timing, training_step
from jem_tf.commands.command import Command, FlagGroup
from jem_tf.errors import InputError, argument
from jem_tf.evaluation import inception_network
from jem_tf.options import Options
from jem_tf.runs import build, flagfiles, loading, option_checks
from jem_tf.system import files
from jem_tf.training import cluster

CHANNELS, FID_IMAGES, FEED_STEPS = 3, 200, 20
GRID = {
    "sampler_steps": (5, 10, 20, 40),
    "width": (1, 2, 4),
    "batch_size": (16, 32, 64),
}


def define(values: flags.FlagValues) -> None:
    """Defines the command's flags, and those of training."""
    group = FlagGroup(values, "The benchmark")
    group.integer("repeats", 5, "number of measurements; the median is shown", 1)
    group.text("json", None, "JSON file to write the numbers to. Unset: none")
    group.integer("side", 32, "pixels a side of the random images", 4)
    group.choice(
        "parts",
        "all",
        ["all", "step"],
        "what to measure. all: the training step, its parts and the machine's peak "
        "rates; step: the training step alone",
    )
    group.switch("replicas", False, "also measure the step on 2 logical CPUs")
    group.switch("feed", False, "also measure the batches of --dataset")
    group.text(
        "inception",
        None,
        "path of the Inception graph, to also measure FID's features. Unset: they are "
        "not measured",
    )
    group.switch(
        "sweep",
        False,
        "measure the step over a grid of sampler steps, widths and batch sizes instead",
    )
    flagfiles.define(values)


def run(values: flags.FlagValues) -> None:
    """Measures, prints the numbers and writes them to --json."""
    opts = flagfiles.from_flags(values)
    _check_flags(values)
    numbers = sweep(opts, values) if values.sweep else measure(opts, values)
    if not values.sweep:
        print_table(numbers)
    if values.json:
        try:
            files.write_json(values.json, numbers)
        except OSError as error:
            raise InputError(
                f"--json={values.json} cannot be written ({error.strerror}); name "
                "another file."
            ) from error


def _check_flags(values: Any) -> None:
    """Refuses, before anything is measured, what would be for nothing."""
    if values.json and not files.expand(values.json).parent.is_dir():
        raise InputError(
            f"--json={values.json}: its folder does not exist; make it, or name "
            "another file."
        )
    if values.sweep or values.parts == "step":
        for name in ("feed", "replicas", "inception"):
            if values[name].value:
                raise InputError(
                    f"--{name} is measured beside the other parts; leave out "
                    f"{'--sweep' if values.sweep else '--parts=step'}."
                )


def measure(opts: Options, values: Any) -> dict[str, Any]:
    """Measures one setting: {what: {name: number}}."""
    team, shape = (
        cluster.join_cluster(opts.training),
        (values.side, values.side, CHANNELS),
    )
    option_checks.check_options(opts, team.replicas)
    repeats = values.repeats
    print("measuring the training step, traced first", flush=True)
    model, step = training_step.measure_training(opts, team, shape, repeats)
    numbers = {"about": describe_setting(opts, values), "training step": step}
    if values.parts == "step":
        return numbers
    print("measuring its parts, and what the machine reaches", flush=True)
    if opts.objective.generative:
        numbers["chain"] = training_step.measure_chain(model, opts, repeats)
    numbers["evaluation"] = training_step.measure_evaluation(
        model, opts, shape, repeats
    )
    if values.inception:
        numbers["FID features"] = measure_features(opts, values.inception, repeats)
    if values.feed:
        data = loading.load_data(opts.data, data_dir=opts.data.data_dir)
        numbers["feed"] = training_step.measure_feed(
            opts, data, step["seconds"], FEED_STEPS
        )
    numbers["peaks"] = training_step.measure_peaks(opts, repeats)
    if values.replicas:
        print("measuring the step on 2 logical CPUs", flush=True)
        numbers["2 replicas"] = measure_elsewhere(
            "--strategy=mirrored", "--logical_cpus=2", hidden_gpus=True
        )
    return numbers


def describe_setting(opts: Options, values: Any) -> dict[str, Any]:
    """Describes what is measured, and on which machine: {name: value}."""
    policy, why = build.choose_precision(opts)
    return {
        "network": opts.network.network,
        "batch_size": opts.training.batch_size,
        "sampler_steps": opts.sampling.sampler_steps,
        "p_x_images": opts.objective.p_x_images,
        "image": [values.side, values.side, CHANNELS],
        "precision": policy,
        "why": why,
        "repeats": values.repeats,
        "cores": os.cpu_count(),
        "tensorflow": tf.__version__,
    }


def measure_features(opts: Options, graph: str, repeats: int) -> dict[str, float]:
    """Measures images a second through the Inception graph."""
    policy = build.choose_precision(opts)[0]
    network = inception_network.Inception(graph, bfloat16=policy == "mixed_bfloat16")
    images = np.random.default_rng(0).integers(0, 256, [FID_IMAGES, 32, 32, 3], "uint8")
    spent = timing.measure_seconds(
        lambda: tf.constant(network.extract(images).features[0, 0]), repeats
    )
    return {"seconds": spent, "images_per_second": FID_IMAGES / spent}


def measure_elsewhere(*changes: str, hidden_gpus: bool = False) -> dict[str, float]:
    """Measures the training step with other flags, in a process of its own."""
    hidden = {"CUDA_VISIBLE_DEVICES": "-1"} if hidden_gpus else {}
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "step.json"
        left_out = ["--nosweep", "--nofeed", "--noreplicas", "--inception="]
        own = ["--parts=step", *left_out, f"--json={path}"]
        given = [word for word in sys.argv[1:] if word != "benchmark"]
        command = [sys.executable, "-m", "jem_tf.commands.main", "benchmark"]
        done = subprocess.run(
            [*command, *given, *changes, *own],
            capture_output=True,
            text=True,
            env=os.environ | hidden,
        )
        if done.returncode:
            last = (done.stderr.strip() or "it was killed").splitlines()[-1]
            raise InputError(f"With {' '.join(changes)}: {last}")
        return json.loads(path.read_text())["training step"]


def sweep(opts: Options, values: Any) -> dict[str, Any]:
    """Measures a step's cost over GRID, each setting in a process of its own.

    Raises:
      InputError: if the network has no width to vary.
    """
    if not re.fullmatch(r"wrn-\d+-\d+", opts.network.network):
        raise InputError(
            f"{argument('sweep', 'true')} varies the width, and "
            f"{argument('network', opts.network.network)} has none to vary; name one "
            "as wrn-28-2."
        )
    rows: list[dict[str, Any]] = []
    for what, sizes in GRID.items():
        for size in sizes:
            flag = f"--{what}={size}"
            if what == "width":
                name = re.sub(r"\d+$", str(size), opts.network.network)
                flag = f"--network={name}"
            rows.append({"of": what, "value": size} | measure_elsewhere(flag))
            print(format_row(f"{what} {size}", rows[-1]), flush=True)
    setting = describe_setting(opts, values)
    return {"about": setting, "rows": rows, "linear_in_steps": fit_line(rows)}


def fit_line(rows: list[dict[str, Any]]) -> float:
    """Computes R^2 of a straight line through the seconds over K."""
    steps, spent = zip(
        *(
            (row["value"], row["seconds"])
            for row in rows
            if row["of"] == "sampler_steps"
        ),
        strict=True,
    )
    return float(np.corrcoef(steps, spent)[0, 1] ** 2)


def format_row(name: str, row: dict[str, float], peak: float | None = None) -> str:
    """Formats one row of the table."""
    cells = f"{name:<16}{row['seconds']:>10.4g} s"
    if "images_per_second" in row:
        cells += f"{row['images_per_second']:>10.4g} images/s"
    if "gflops" in row:
        cells += f"{row['gflops']:>9.0f} GFLOP/s"
        cells += f"{row['gflops'] / peak:>5.0%} of peak" if peak else ""
    if "peak_memory_gb" in row:
        cells += f"{row['peak_memory_gb']:>7.2f} GB"
    return cells


def print_table(numbers: dict[str, Any]) -> None:
    """Prints the table of one setting."""
    peaks, facts = numbers.get("peaks", {}), numbers["about"]
    why = f" ({facts['why']})" if facts["why"] else ""
    print(
        f"{facts['network']}, batch {facts['batch_size']}, "
        f"K={facts['sampler_steps']}, {facts['precision']}{why}, {facts['cores']} "
        f"cores, median of {facts['repeats']}"
    )
    for name, row in numbers.items():
        if "seconds" in row:
            print(format_row(name, row, peaks.get("convolution")))
    for name, peak in peaks.items():
        print(f"{name + ' peak':<16}{peak:>31.0f} GFLOP/s")
    step = numbers["training step"]
    print(f"first step after {step['first_step_seconds']:.1f} s of tracing")
    if "2 replicas" in numbers:
        ratio = numbers["2 replicas"]["seconds"] / step["seconds"]
        print(f"2 replicas take {ratio:.2f} times as long as 1")
    if "feed" in numbers:
        print(f"a batch is read in {numbers['feed']['share']:.2%} of a step")


def parse(argv: list[str], values: flags.FlagValues) -> list[str]:
    """Parses flags over CIFAR-10's preset, unless they name another data set."""
    return flagfiles.parse([argv[0], "--dataset=cifar10", *argv[1:]], values)


COMMAND = Command(
    "benchmark",
    """
Measures how fast a training step is on this machine, and how fast it could be.

    jem-tf benchmark --network=wrn-28-2 --batch_size=64 --sampler_steps=20
    jem-tf benchmark --sweep --json=sweep.json

Images are random, because only their shape matters. `jem_tf/benchmarks/flops.py` says
how GFLOP/s are counted. The peaks are what this machine reaches in one large
convolution and in one matrix product.
All flags of `jem-tf train` work; their defaults are the paper's recipe for CIFAR-10.
""",
    define,
    run,
    parse=parse,
)
