"""Trains with a lowered training step. Needs NumPy and JAX alone.

    python run.py FOLDER

FOLDER is what `jem-tf lower` wrote; `jem-tf import-lowered` makes a checkpoint of the
run from FOLDER/ckpt.npz. The same command continues from that file if it exists.
"""

import argparse
import hashlib
import json
import os
import pathlib
import time

import jax
import numpy as np
from jaxlib import _jax  # jax 0.10 and 0.11 have no public way to compile StableHLO

SECONDS = 10  # between the lines that show readings


def main(words=None):
    """The program."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--data", type=pathlib.Path, help="default: FOLDER/data.npz")
    parser.add_argument("--out", type=pathlib.Path, help="default: FOLDER/ckpt.npz")
    parser.add_argument("--steps", type=int, help="step to stop after")
    parser.add_argument("--checkpoint_every", type=int, help="steps")
    parser.add_argument("--benchmark", type=int, help="steps to time, on made-up data")
    given = parser.parse_args(words)
    folder, out = given.folder, given.out or given.folder / "ckpt.npz"
    manifest = json.loads((folder / "manifest.json").read_text())
    steps = manifest["steps"] if given.steps is None else given.steps
    every = manifest["checkpoint_every"] if (n := given.checkpoint_every) is None else n
    rows, seconds = np.zeros([0, len(manifest["readings"])], np.float32), 0.0
    if given.benchmark:
        values, out = make_up(manifest), None
        steps = every = manifest["step"] + given.benchmark
    else:
        values = read_data(given.data or folder / "data.npz", manifest)
        values |= np.load(folder / "state.npz")
        if out.exists():
            values |= np.load(out)
            if json.loads(str(values.pop("manifest"))) != manifest:
                raise SystemExit(f"run.py: {out} is of another lowered run.")
            rows, seconds = values.pop("readings"), float(values.pop("seconds"))
    device, text = jax.devices()[0], (folder / "step.stablehlo").read_text()
    program = compile_program(text, device)
    values = {name: jax.device_put(value, device) for name, value in values.items()}
    if every < 1 or (out and steps > manifest["steps"]):
        raise SystemExit("run.py: --checkpoint_every < 1, or --steps beyond the run.")
    train(program, values, rows, manifest, steps, every, seconds, out)


def read_data(path, manifest):
    """The training images and labels, which must be those of the run."""
    data = {name: np.load(path)[name] for name in ("images", "labels")}
    digest = hashlib.sha256(repr(tuple(data["images"].shape)).encode())
    digest.update(np.ascontiguousarray(data["images"], "uint8").data)
    digest.update(np.ascontiguousarray(data["labels"], "<i4").data)
    if digest.hexdigest() != manifest["data"]:
        raise SystemExit(f"run.py: {path} has other images or labels than the run.")
    return data


def make_up(manifest):
    """Values of the right shapes, to time steps with: small weights, the rest 0."""
    rng, values = np.random.default_rng(0), {}
    for each in manifest["arguments"]:
        values[each["name"]] = np.zeros(each["shape"], each["dtype"])
        if each["name"].startswith("network/") and each["dtype"] == "float32":
            values[each["name"]] += 0.02 * rng.standard_normal(each["shape"], "f")
    return values


def compile_program(text, device):
    """Compiles StableHLO for a device."""
    begin, devices = time.time(), _jax.DeviceList((device,))
    program = device.client.compile_and_load(text, devices, _jax.CompileOptions())
    memory = program.get_compiled_memory_stats()
    print(
        f"compiled for {device.device_kind} by jax {jax.__version__} in "
        f"{time.time() - begin:.0f} s; {memory.argument_size_in_bytes / 1e9:.3f} GB of "
        f"arguments, {memory.alias_size_in_bytes / 1e9:.3f} of them updated in place, "
        f"and {memory.temp_size_in_bytes / 1e9:.3f} beside them",
        flush=True,
    )
    return program


def train(program, values, rows, manifest, steps, every, seconds, out):
    """Takes the remaining steps, and saves a checkpoint now and then."""
    arguments, device = manifest["arguments"], next(iter(values["labels"].devices()))
    first = step = manifest["step"] + len(rows)
    begin, shown, rows, waiting = time.time(), 0.0, [rows], []
    while step < steps:
        count = min(manifest["steps_per_execution"], steps - step, every - step % every)
        values["count"] = jax.device_put(np.int32(count), device)
        results = program.execute_sharded([values[each["name"]] for each in arguments])
        results = [each[0] for each in results.disassemble_into_single_device_arrays()]
        for each in arguments:
            if each["result"] is not None:
                values[each["name"]] = results[each["result"]]
        step += count
        due = step == steps or step % every == 0
        # The readings of an execution are read while the device does the next one.
        waiting.append((results[0], count))
        while len(waiting) > (not due):
            done, count = waiting.pop(0)
            rows.append(np.asarray(done)[:count])
            known = step - sum(count for _, count in waiting)
            check(rows[-1], known, manifest["readings"])
        if due or (rows[1:] and time.time() - shown > SECONDS):
            shown = time.time()
            speed = f"{(known - first) / (shown - begin):.3g} steps/s"
            said = " ".join(map("{} {:.4g}".format, manifest["readings"], rows[-1][-1]))
            print(f"step {known}/{steps}, {speed}: {said}", flush=True)
        if due and out:
            save(out, values, np.concatenate(rows), seconds + shown - begin, manifest)
    print(f"{step - first} steps taken, now at step {step}", flush=True)


def check(rows, step, names):
    """Ends the program if a reading is not finite in rows [n, R] up to a step."""
    for place, column in np.argwhere(~np.isfinite(rows))[:1]:
        seen = f"{names[column]} is {rows[place, column]}"
        step += place + 1 - len(rows)
        raise SystemExit(f"run.py: {seen} at step {step}; training diverged.")


def save(out, values, rows, seconds, manifest):
    """Writes the checkpoint, whole or not at all, and a table of the readings."""
    changed = [each for each in manifest["arguments"] if each["result"] is not None]
    state = jax.device_get({e["name"]: values[e["name"]] for e in changed})
    part = out.with_name(out.name + ".part")
    with part.open("wb") as file:
        about = {"readings": rows, "seconds": seconds, "manifest": json.dumps(manifest)}
        np.savez(file, **state, **about)
        file.flush()
        os.fsync(file.fileno())
    part.replace(out)
    header = ",".join(manifest["readings"])
    np.savetxt(out.with_suffix(".csv"), rows, "%.9g", ",", header=header, comments="")


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)  # the number of the step is an int64
    main()
