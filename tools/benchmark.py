"""How fast is a training step here, and how fast could it be?

    python tools/benchmark.py --network=wrn-28-2 --batch_size=64 --sampler_steps=20
    python tools/benchmark.py --sweep --json=sweep.json

Images are random: only shapes count. GFLOP/s are counted as `jem_tf/speed/flops.py`
says, beside what this machine reaches in one large convolution and one matrix product.
All flags of `jem_tf.train` work; without others, they are the paper's for CIFAR-10.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import jem_tf.system.quiet  # noqa: F401  before TensorFlow, whose chatter it mutes

# isort: split
import numpy as np
import tensorflow as tf
from absl import app, flags

from jem_tf import datasets
from jem_tf.errors import InputError
from jem_tf.evaluation import inception_network
from jem_tf.runs import build, flagfiles
from jem_tf.speed import measurements, timing
from jem_tf.system import files, hardware
from jem_tf.training import cluster

REPEATS = flags.DEFINE_integer("repeats", 5, "measurements, of which the median", 1)
JSON = flags.DEFINE_string("json", None, "a file to write the numbers to as well")
SIDE = flags.DEFINE_integer("side", 32, "pixels a side of the random images", 4)
PARTS = flags.DEFINE_enum("parts", "all", ["all", "step"], "what to measure")
REPLICAS = flags.DEFINE_bool("replicas", False, "also on 2 logical CPUs")
FEED = flags.DEFINE_bool("feed", False, "also the batches of --dataset")
INCEPTION = flags.DEFINE_string("inception", None, "also FID's features, by this graph")
SWEEP = flags.DEFINE_bool("sweep", False, "how a step's cost grows, instead")
CHANNELS, FID_IMAGES, FEED_STEPS = 3, 200, 20
GRID = {"sampler_steps": (5, 10, 20, 40), "width": (1, 2, 4), "batch_size": (16, 32, 64)}


def run(opts):
    """Measures one setting -> {what: {name: number}}."""
    team, shape = cluster.join(opts.training), (SIDE.value, SIDE.value, CHANNELS)
    build.check_options(opts, team.replicas)
    repeats = REPEATS.value
    print("measuring the training step, traced first", flush=True)
    model, whole = measurements.train(opts, team, shape, repeats)
    found = {"about": about(opts), "training step": whole}
    if PARTS.value == "step":
        return found
    print("measuring its parts, and what the machine reaches", flush=True)
    if opts.objective.generative:
        found["chain"] = measurements.chain(model, opts, repeats)
    found["evaluation"] = measurements.evaluation(model, opts, shape, repeats)
    if INCEPTION.value:
        found["FID features"] = fid_features(opts)
    if FEED.value:
        data = datasets.load(opts.data.dataset, data_dir=opts.data.data_dir)
        found["feed"] = measurements.feed(opts, data, whole["seconds"], FEED_STEPS)
    found["peaks"] = measurements.peaks(opts, repeats)
    if REPLICAS.value:
        print("measuring the step on 2 logical CPUs", flush=True)
        found["2 replicas"] = elsewhere("--strategy=mirrored", "--logical_cpus=2")
    return found


def about(opts):
    """What was measured, on what."""
    policy, why = hardware.choose_precision(opts.training.precision)
    return {
        "network": opts.network.network,
        "batch_size": opts.training.batch_size,
        "sampler_steps": opts.sampling.sampler_steps,
        "p_x_images": opts.objective.p_x_images,
        "image": [SIDE.value, SIDE.value, CHANNELS],
        "precision": policy,
        "why": why,
        "repeats": REPEATS.value,
        "cores": os.cpu_count(),
        "tensorflow": tf.__version__,
    }


def fid_features(opts):
    """Images a second through the Inception graph."""
    bfloat16 = hardware.choose_precision(opts.training.precision)[0] == "mixed_bfloat16"
    network = inception_network.Inception(INCEPTION.value, bfloat16=bfloat16)
    images = np.random.default_rng(0).integers(0, 256, [FID_IMAGES, 32, 32, 3], "uint8")
    spent = timing.seconds(
        lambda: tf.constant(network.read(images).features[0, 0]), REPEATS.value
    )
    return {"seconds": spent, "images_per_second": FID_IMAGES / spent}


def elsewhere(*changes):
    """The training step with other flags, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "step.json"
        own = ["--parts=step", "--nosweep", f"--json={path}"]
        command = [sys.executable, __file__, *sys.argv[1:], *changes, *own]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            said = (done.stderr.strip() or "it was killed").splitlines()[-1]
            raise InputError(f"With {' '.join(changes)}: {said}")
        return json.loads(path.read_text())["training step"]


def sweep(opts):
    """A step's cost over GRID, each setting in a process of its own -> rows."""
    rows = []
    for what, values in GRID.items():
        for value in values:
            flag = f"--{what}={value}"
            if what == "width":
                name = re.sub(r"\d+$", str(value), opts.network.network)
                flag = f"--network={name}"
            rows.append({"of": what, "value": value} | elsewhere(flag))
            print(line(f"{what} {value}", rows[-1]), flush=True)
    return {"about": about(opts), "rows": rows, "linear_in_steps": linear(rows)}


def linear(rows):
    """How well a straight line through the seconds over K fits: R^2."""
    steps, spent = zip(
        *((row["value"], row["seconds"]) for row in rows if row["of"] == "sampler_steps"),
        strict=True,
    )
    return float(np.corrcoef(steps, spent)[0, 1] ** 2)


def line(name, row, peak=None):
    """One row of the table."""
    cells = f"{name:<16}{row['seconds']:>10.4g} s"
    if "images_per_second" in row:
        cells += f"{row['images_per_second']:>10.4g} images/s"
    if "gflops" in row:
        cells += f"{row['gflops']:>9.0f} GFLOP/s"
        cells += f"{row['gflops'] / peak:>5.0%} of peak" if peak else ""
    if "peak_memory_gb" in row:
        cells += f"{row['peak_memory_gb']:>7.2f} GB"
    return cells


def show(found):
    """The table of one setting."""
    peaks = found.get("peaks", {})
    facts = found["about"]
    why = f" ({facts['why']})" if facts["why"] else ""
    print(
        f"{facts['network']}, batch {facts['batch_size']}, K={facts['sampler_steps']}, "
        f"{facts['precision']}{why}, {facts['cores']} cores, median of "
        f"{facts['repeats']}"
    )
    for name, row in found.items():
        if "seconds" in row:
            print(line(name, row, peaks.get("convolution")))
    for name, peak in peaks.items():
        print(f"{name + ' peak':<16}{peak:>31.0f} GFLOP/s")
    step = found["training step"]
    print(f"first step after {step['first_step_seconds']:.1f} s of tracing")
    if "2 replicas" in found:
        ratio = found["2 replicas"]["seconds"] / step["seconds"]
        print(f"2 replicas take {ratio:.2f} times as long as 1")
    if "feed" in found:
        print(f"a batch is read in {found['feed']['share']:.2%} of a step")


def main(argv):
    """The program."""
    if len(argv) > 1:
        sys.exit(f"jem_tf: {argv[1]!r} is not a flag; write --name=value.")
    try:
        opts = flagfiles.from_flags(flags.FLAGS)
        found = sweep(opts) if SWEEP.value else run(opts)
        if JSON.value:
            files.write_json(JSON.value, found)
    except InputError as error:
        sys.exit(f"jem_tf: {error}")
    except OSError as error:
        sys.exit(f"jem_tf: --json={JSON.value} cannot be written: {error}")
    if not SWEEP.value:
        show(found)


def parse(argv):
    """Flags over CIFAR-10's preset, the paper's recipe, unless they name another."""
    argv = [argv[0], "--dataset=cifar10", *argv[1:]]
    return flagfiles.parse_or_exit(argv, flags.FLAGS)


if __name__ == "__main__":
    flagfiles.define(flags.FLAGS)
    app.run(main, flags_parser=parse)
