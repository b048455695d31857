"""Processes of the program, for tests that do them harm; none outlives its block."""

import collections
import contextlib
import functools
import io
import json
import os
import pathlib
import runpy
import socket
import subprocess
import sys
import tempfile
import time

import numpy as np
import tensorflow as tf
from absl import flags

from jem_tf import train
from jem_tf.commands import main
from jem_tf.runs import flagfiles
from tests import fork_server

ROOT = pathlib.Path(__file__).resolve().parent.parent
SMOKE = f"--flagfile={ROOT / 'flags' / 'smoke.flags'}"
PROGRAM = ("-m", "jem_tf.train")
MUTED = ("TF_CPP_MIN_LOG_LEVEL", "TF_CONFIG")  # a user's environment has neither
PATIENCE = 300  # seconds, on a machine that others keep busy
GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"

# Before a script: its process finds no jem_tf.
ALONE = """
import importlib.abc, json, sys
class Hidden(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "jem_tf":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Hidden())
"""

Ended = collections.namedtuple("Ended", "code out err")


def new_python(argv, **how):
    return subprocess.Popen([sys.executable, *argv], **how)


class Process:
    """Python with these arguments, killed at the end of its `with` block.

    `start` is how it starts; `forked` is quicker, where that is no matter.
    """

    def __init__(self, *argv, start=new_python, **environment):
        with contextlib.ExitStack() as stack:
            out, err = (stack.enter_context(tempfile.TemporaryFile()) for _ in "oe")
            self._files, self._closing = (out, err), stack.pop_all()
        user = {name: os.environ[name] for name in os.environ if name not in MUTED}
        self._process = start(
            [*map(str, argv)], stdout=out, stderr=err, cwd=ROOT, env=user | environment
        )
        self.pid, self.signal = self._process.pid, self._process.send_signal

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        self._closing.close()

    def until(self, happened, patience=PATIENCE, *, pause=0.002):
        """Waits until happened(), which must be before the process ends."""
        patience += time.monotonic()
        while not happened():
            assert self._process.poll() is None, self.said()
            assert time.monotonic() < patience, self.said()
            time.sleep(pause)

    def end(self, patience=PATIENCE):
        """Waits for the end of the process -> Ended."""
        try:
            return Ended(self._process.wait(patience), *self.said())
        except subprocess.TimeoutExpired:
            raise AssertionError(f"It does not end: {self.said()}") from None

    def said(self):
        """[standard output, standard error] so far."""
        return [os.pread(file.fileno(), 10**6, 0).decode() for file in self._files]


forked = functools.partial(Process, start=fork_server.start)


@contextlib.contextmanager
def two_workers(workdir, *more, argv=PROGRAM, each=((), ()), start=fork_server.start):
    """The two processes of a cluster on this machine; `each` has flags for one."""
    addresses = [f"localhost:{port}" for port in free_ports(2)]
    with contextlib.ExitStack() as stack:
        yield [
            stack.enter_context(
                Process(
                    *argv,
                    SMOKE,
                    f"--workdir={workdir}",
                    "--strategy=multiworker",
                    *more,
                    *each[index],
                    start=start,
                    TF_CONFIG=json.dumps(
                        {
                            "cluster": {"worker": addresses},
                            "task": {"type": "worker", "index": index},
                        }
                    ),
                )
            )
            for index in range(2)
        ]


def free_ports(count):
    """Ports of this machine that nobody listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("localhost", 0))
        return [one.getsockname()[1] for one in sockets]


def run_here(workdir, *more):
    """The same run in this process: no Python and no TensorFlow to start."""
    values = flags.FlagValues()
    flagfiles.define(values)
    flagfiles.parse(["train", SMOKE, f"--workdir={workdir}", *more], values)
    return train.run(flagfiles.from_flags(values))


def tool_here(tool, *argv):
    """A tool of ours in this process -> Ended: no Python and no TensorFlow to start."""
    return _end(tool, argv, lambda: runpy.run_path(str(tool), run_name="__main__"))


def command_here(name, *argv):
    """`jem-tf NAME ARGV` in this process -> Ended."""
    words = [*name.split(), *map(str, argv)]
    return _end("jem-tf", words, lambda: main.main(words))


def _end(program, argv, function):
    ours, out, err = set(flags.FLAGS), io.StringIO(), io.StringIO()
    before, sys.argv = sys.argv, [str(program), *map(str, argv)]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            function()
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=err)
        code = int(bool(end.code))
        return Ended(code, out.getvalue(), err.getvalue())
    finally:
        sys.argv = before
        flags.FLAGS.remove_flag_values(set(flags.FLAGS) - ours)
        flags.FLAGS.unparse_flags()
    raise AssertionError("A program of absl ends by itself.")


def steps(workdir):
    """The steps of the checkpoints of a run, ascending."""
    names = [path.name for path in (workdir / "checkpoints").glob("step-???????")]
    return sorted(int(name.removeprefix("step-")) for name in names)


def checkpoint(workdir, step):
    return workdir / "checkpoints" / f"step-{step:07d}"


def tensors(place):
    """{(file, name): array} of all that a checkpoint holds."""
    found = {}
    for index in place.glob("*.index"):
        reader = tf.train.load_checkpoint(str(index.with_suffix("")))
        names = set(reader.get_variable_to_shape_map()) - {GRAPH}
        found |= {(index.stem, name): reader.get_tensor(name) for name in names}
    return found


def results(workdir):
    """What a run measured, but for the seconds it took."""
    found = json.loads((workdir / "results" / "train.json").read_text())
    return found | {"seconds": None}


def assert_equal_ends(one, other):
    """That two runs ended with equal weights, optimiser, buffer and results."""
    assert results(one) == results(other)
    assert steps(one)[-1] == steps(other)[-1]
    ours, theirs = (tensors(checkpoint(run, steps(run)[-1])) for run in (one, other))
    assert ours.keys() == theirs.keys()
    assert any("buffer/shard_0" in name for _, name in ours)
    for name, value in ours.items():
        np.testing.assert_array_equal(value, theirs[name], str(name))


def contents(workdir):
    """{path: bytes} of all files in a folder but the lock, which knows its process."""
    files = [path for path in workdir.rglob("*") if path.is_file()]
    return {path: path.read_bytes() for path in files if path.name != "lock"}
