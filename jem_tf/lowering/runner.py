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

SECONDS = 10  # between the lines that show readings


def main(words=None):
    """The program."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--data", type=pathlib.Path, help="default: FOLDER/data.npz")
    parser.add_argument("--out", type=pathlib.Path, help="default: FOLDER/ckpt.npz")
    parser.add_argument("--steps", type=int, help="step to stop after")
    parser.add_argument("--checkpoint_every", type=int, help="steps")
    about = "take so many steps of made-up data and state, and save nothing"
    parser.add_argument("--benchmark", type=int, help=about)
    given = parser.parse_args(words)
    out = given.out or given.folder / "ckpt.npz"
    manifest = json.loads((given.folder / "manifest.json").read_text())
    steps, every = manifest["steps"], manifest["checkpoint_every"]
    rows, seconds = np.zeros([0, len(manifest["readings"])], np.float32), 0.0
    if given.benchmark:
        values, out = make_up(manifest), None
        steps = every = manifest["step"] + given.benchmark
    else:
        values = read_data(given.data or given.folder / "data.npz", manifest)
        with np.load(given.folder / "state.npz") as file:
            values.update(file)
        if out.exists():
            state, rows, seconds = read_checkpoint(out, manifest)
            values.update(state)
        steps = steps if given.steps is None else given.steps
        every = given.checkpoint_every or every
    device = jax.devices()[0]
    program = compile_program((given.folder / "step.stablehlo").read_text(), device)
    values = {name: jax.device_put(value, device) for name, value in values.items()}
    train(program, values, rows, manifest, steps, every, seconds, out)


def read_data(path, manifest):
    """The training images and labels, which must be those of the run."""
    with np.load(path) as file:
        images, labels = file["images"], file["labels"]
    digest = hashlib.sha256(repr(tuple(images.shape)).encode())
    digest.update(np.ascontiguousarray(images, "uint8").data)
    digest.update(np.ascontiguousarray(labels, "<i4").data)
    if digest.hexdigest() != manifest["data"]:
        raise SystemExit(f"run.py: {path} has other images or labels than the run.")
    return {"images": images, "labels": labels}


def read_checkpoint(path, manifest):
    """(The variables, the readings [n, R] so far, the seconds spent)."""
    with np.load(path) as file:
        values = dict(file)
    if json.loads(str(values.pop("manifest"))) != manifest:
        raise SystemExit(f"run.py: {path} is of another lowered run; name another.")
    return values, values.pop("readings"), float(values.pop("seconds"))


def make_up(manifest):
    """Values of the right shapes, to time steps with: small weights, the rest 0."""
    rng, values = np.random.default_rng(0), {}
    for each in manifest["arguments"]:
        value = np.zeros(each["shape"], each["dtype"])
        if each["name"].startswith("network/") and value.dtype == np.float32:
            value = 0.02 * rng.standard_normal(value.shape, np.float32)
        values[each["name"]] = value
    return values


def compile_program(text, device):
    """Compiles StableHLO for a device."""
    from jaxlib import _jax  # jax 0.10 and 0.11 have no public way

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
            check(rows, manifest, out)
        if due or time.time() - shown > SECONDS:
            shown = time.time()
            show(rows, manifest, steps, shown - begin)
        if due and out:
            save(out, values, np.concatenate(rows), seconds + shown - begin, manifest)
    print(f"{step - first} steps taken, now at step {step}; {out}", flush=True)


def check(rows, manifest, out):
    """Ends the program if a reading of the last execution is not finite."""
    bad = np.argwhere(~np.isfinite(rows[-1]))
    if len(bad):
        step = manifest["step"] + sum(map(len, rows[:-1])) + bad[0][0] + 1
        raise SystemExit(
            f"run.py: {manifest['readings'][bad[0][1]]} is {rows[-1][tuple(bad[0])]} "
            f"at step {step}; training diverged. {out} is from before, if it exists."
        )


def show(rows, manifest, steps, seconds):
    """Prints the readings of the last step that is known, and the speed."""
    step, taken = manifest["step"] + sum(map(len, rows)), sum(map(len, rows[1:]))
    if taken:
        pairs = zip(manifest["readings"], rows[-1][-1], strict=True)
        numbers = " ".join(f"{name} {value:.4g}" for name, value in pairs)
        print(
            f"step {step}/{steps}, {taken / seconds:.3g} steps/s: {numbers}", flush=True
        )


def save(out, values, rows, seconds, manifest):
    """Writes the checkpoint, whole or not at all, and a table of the readings."""
    names = [
        each["name"] for each in manifest["arguments"] if each["result"] is not None
    ]
    state = jax.device_get({name: values[name] for name in names})
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
