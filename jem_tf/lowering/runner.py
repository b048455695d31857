"""Trains with a lowered training step. Needs NumPy and JAX alone.

    python run.py FOLDER

FOLDER is what `jem-tf lower` wrote; `jem-tf import-lowered` makes a checkpoint of the
run from CHECKPOINT.npz. The same command continues from CHECKPOINT.npz if it exists.
"""

import argparse
import hashlib
import json
import os
import pathlib
import time

import jax
import numpy as np

EVERY_SECONDS = 10  # between the lines that show readings


def main(words=None):
    """The program."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--data", type=pathlib.Path, help="default: FOLDER/data.npz")
    parser.add_argument("--steps", type=int, help="where to stop; default: the run's")
    parser.add_argument("--checkpoint_every", type=int, help="default: the run's")
    parser.add_argument("--out", type=pathlib.Path, help="default: FOLDER/ckpt.npz")
    given = parser.parse_args(words)
    out = given.out or given.folder / "ckpt.npz"
    manifest = json.loads((given.folder / "manifest.json").read_text())
    data = read_data(given.data or given.folder / "data.npz", manifest)
    fixed = dict(np.load(given.folder / "state.npz"))
    state, rows, seconds = read_state(out, fixed, manifest)
    text = (given.folder / "step.stablehlo").read_text()
    device = jax.devices()[0]
    program = compile_program(text, device)
    values = {
        name: jax.device_put(value, device)
        for name, value in (data | fixed | state).items()
    }
    del data, fixed, state
    steps = manifest["steps"] if given.steps is None else given.steps
    every = given.checkpoint_every or manifest["checkpoint_every"]
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


def read_state(out, first, manifest):
    """The state to go on from, the readings [n, R] so far, and the seconds spent."""
    if not out.exists():
        return first, np.zeros([0, len(manifest["readings"])], np.float32), 0.0
    with np.load(out) as file:
        values = dict(file)
    if json.loads(str(values.pop("manifest"))) != manifest:
        raise SystemExit(f"run.py: {out} is of another lowered run; name another file.")
    return values, values.pop("readings"), float(values.pop("seconds"))


def compile_program(text, device):
    """Compiles StableHLO for a device."""
    begin = time.time()
    try:
        from jaxlib import _jax as api  # jax 0.10 and 0.11
    except ImportError:
        from jaxlib import xla_client as api
    devices = api.DeviceList((device,))
    program = device.client.compile_and_load(text, devices, api.CompileOptions())
    memory = program.get_compiled_memory_stats()
    print(
        f"compiled for {device.device_kind} by jax {jax.__version__} in "
        f"{time.time() - begin:.0f} s; arguments "
        f"{memory.argument_size_in_bytes / 1e9:.3f} GB, of which "
        f"{memory.alias_size_in_bytes / 1e9:.3f} GB are updated in place; "
        f"{memory.temp_size_in_bytes / 1e9:.3f} GB beside them",
        flush=True,
    )
    return program


def train(program, values, rows, manifest, steps, every, seconds, out):
    """Takes the remaining steps, and saves a checkpoint now and then."""
    arguments, device = manifest["arguments"], next(iter(values["labels"].devices()))
    step, most = manifest["step"] + len(rows), manifest["steps_per_execution"]
    first, begin, shown, waiting = step, time.time(), 0.0, []
    rows = [rows]
    while step < steps:
        count = min(most, steps - step, every - step % every)
        values["count"] = jax.device_put(np.int32(count), device)
        results = program.execute_sharded([values[a["name"]] for a in arguments])
        results = [each[0] for each in results.disassemble_into_single_device_arrays()]
        for argument in arguments:
            if argument["result"] is not None:
                values[argument["name"]] = results[argument["result"]]
        waiting.append(results[0][:count])
        step += count
        due = step == steps or step % every == 0
        # The readings of an execution are read while the device does the next one.
        while len(waiting) > (0 if due else 1):
            rows.append(check(np.asarray(waiting.pop(0)), rows, manifest, out))
        if due or time.time() - shown > EVERY_SECONDS:
            shown = time.time()
            show(rows, manifest, steps, (sum(map(len, rows[1:]))) / (shown - begin))
        if due:
            save(out, values, np.concatenate(rows), seconds + shown - begin, manifest)
    print(f"step {step}: {step - first} steps taken; {out}", flush=True)


def check(new, rows, manifest, out):
    """The readings [n, R] of new steps, if all are finite."""
    if not np.isfinite(new).all():
        row, column = np.argwhere(~np.isfinite(new))[0]
        step = manifest["step"] + sum(map(len, rows)) + row + 1
        raise SystemExit(
            f"run.py: {manifest['readings'][column]} is {new[row, column]} at step "
            f"{step}; training diverged, and {out} has the last checkpoint before it."
        )
    return new


def show(rows, manifest, steps, speed):
    """Prints the readings of the last step that is known."""
    step = manifest["step"] + sum(map(len, rows))
    last = [each for each in rows if len(each)]
    if last:
        pairs = zip(manifest["readings"], last[-1][-1], strict=True)
        numbers = " ".join(f"{name} {value:.4g}" for name, value in pairs)
        print(f"step {step}/{steps}: {numbers} ({speed:.3g} steps/s)", flush=True)


def save(out, values, rows, seconds, manifest):
    """Writes the checkpoint, whole or not at all, and a table of the readings."""
    names = [a["name"] for a in manifest["arguments"] if a["result"] is not None]
    state = jax.device_get({name: values[name] for name in names})
    state |= {"readings": rows, "seconds": seconds, "manifest": json.dumps(manifest)}
    part = out.with_name(out.name + ".part")
    with part.open("wb") as file:
        np.savez(file, **state)
        file.flush()
        os.fsync(file.fileno())
    part.replace(out)
    table, header = out.with_suffix(".csv"), ",".join(manifest["readings"])
    np.savetxt(table, rows, "%.9g", ",", header=header, comments="")


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)  # the number of the step is an int64
    main()
