"""Freezes what a change of structure must not change, as one JSON file of numbers.

    python tests/freeze.py BEFORE.json --keep=RUNS      # with the code as it was
    python tests/freeze.py AFTER.json                   # with the code as it is
    python tests/freeze.py RESTORED.json --runs=RUNS    # old runs, the code as it is
    diff BEFORE.json AFTER.json; diff BEFORE.json RESTORED.json

Trains the digits preset with seed 0 and a short run, then evaluates, samples and
exports the former, all by the programs. Arrays stand as their sha256: equal files mean
equal numbers bit for bit, on one kind of processor. Takes about ten minutes on two
cores.
"""

import argparse
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[1]
SHORT = (
    "--flagfile=flags/smoke.flags --steps=24 --checkpoint_every=12 "
    "--checkpoints_kept=9 --conditional --seed=3"
).split()
EVALUATIONS = {
    "calibration": [],
    "ood": [],
    "samples": ["--features=network", "--source=fresh", "--count=150", "--steps=20"],
    "robustness": "--limit=12 --steps=4 --eps_linf=4 --eps_l2=0.5".split(),
}
SAMPLES = {
    "grid": ["--labels=all", "--count=3", "--candidates=2"],
    "buffer": ["--count=20"],
    "chain": "--mode=chain --count=3 --steps=25 --frames=6 --seed=5".split(),
    "inpaint": "--mode=inpaint --image=test:0 --mask=right --steps=20".split(),
}


def main():
    """The program."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("--keep", help="a folder, where the trained runs stay")
    parser.add_argument("--runs", help="trained runs to look at, instead of training")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs = pathlib.Path(folder)
        if asked.runs:
            shutil.copytree(asked.runs, runs, dirs_exist_ok=True)
            newest = runs / "short" / "checkpoints" / "step-0000024"
            shutil.rmtree(newest)  # the run goes on from the one before
        else:
            program("-m", "jem_tf.train", f"--workdir={runs / 'digits'}")
        program("-m", "jem_tf.train", *SHORT, f"--workdir={runs / 'short'}")
        if asked.keep:
            shutil.copytree(runs, asked.keep)
        numbers = measure(runs / "digits") | {"short": trained(runs / "short")}
    text = json.dumps(numbers, indent=1, sort_keys=True)
    pathlib.Path(asked.out).write_text(text + "\n")


def measure(run):
    """Everything that is asked of the digits run."""
    for name, flags in EVALUATIONS.items():
        program(f"tools/evaluate_{name}.py", f"--workdir={run}", *flags)
    for name, flags in SAMPLES.items():
        out = f"--out={run / 'drawn' / name}"
        program("tools/sample.py", f"--workdir={run}", out, *flags)
    program("tools/diagnose_chains.py", f"--workdir={run}", "--steps=40", "--chains=8")
    program("tools/export.py", f"--workdir={run}", f"--out={run / 'served'}")
    numbers = {"train": trained(run)}
    for name in EVALUATIONS:
        found = json.loads((run / "results" / f"{name}.json").read_text())
        numbers[name] = found["metrics"]
    for name in SAMPLES:
        (place,) = (run / "drawn" / name).glob("*.npz")
        with np.load(place) as arrays:
            digests = {key: digest(arrays[key]) for key in arrays if key != "settings"}
        numbers[f"sample {name}"] = digests
    numbers["export"] = program("-c", ASK, str(run / "served" / "1"))
    numbers["api"] = program("-c", API, str(run))
    return numbers


def trained(run):
    """A run's results, but for how long it took."""
    found = json.loads((run / "results" / "train.json").read_text())
    return {name: value for name, value in found.items() if name != "seconds"}


def program(*arguments):
    """Runs Python on the checkout -> what it printed last, as JSON if it is."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, *arguments]
    print(" ".join(arguments[:2]).splitlines()[0], flush=True)
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"{command} failed:\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}")
    try:
        return json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        return None


def digest(array):
    """sha256 of an array's bytes."""
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]


COMMON = """
import hashlib, json, sys
import numpy as np, tensorflow as tf
def digest(x):
    x = np.asarray(x)
    x = x.astype("S") if x.dtype == object else x  # strings, not where they lie
    return hashlib.sha256(np.ascontiguousarray(x).tobytes()).hexdigest()[:16]
x = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 1), "uint8")
"""
ASK = (
    COMMON
    + """
model = tf.saved_model.load(sys.argv[1])
walk = dict(steps=tf.constant(9), seed=tf.constant(4), step_size=tf.constant(1.0),
            noise=tf.constant(0.01))
png = tf.io.encode_png(x[0])[None]
asked = {"classify": dict(images=tf.constant(x)), "score": dict(images=tf.constant(x)),
         "refine": dict(images=tf.constant(x), **walk),
         "sample": dict(n=tf.constant(5), **walk), "classify_encoded": dict(images=png)}
print(json.dumps({name: {key: digest(value) for key, value in
      model.signatures[name](**given).items()} for name, given in asked.items()}))
"""
)
API = (
    COMMON
    + """
import jem_tf
model = jem_tf.load(sys.argv[1])
found = {"predict": model.predict(x).probabilities, "density": model.log_density(x),
         "refine": model.refine(x, seed=2), "sample": model.sample(12, seed=1),
         "label": model.sample(5, label=3, seed=1),
         "noise": model.sample(5, start="noise", steps=30, seed=2),
         "candidates": model.model.sample(6, candidates=3, seed=4)}
found |= model.ood_score(x)
print(json.dumps({key: digest(value) for key, value in found.items()}))
"""
)

if __name__ == "__main__":
    main()
