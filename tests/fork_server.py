"""Starts programs without their four seconds of `import tensorflow`.

A server has imported TensorFlow and Keras, nothing of jem_tf, and has run no operation:
it has no device and no thread of theirs. For each program it forks a child, which
imports and runs the program as a new Python would. A pytest worker has one server, and
the server ends with it.

    start(argv, out, err, cwd, env) -> Forked, which is used like subprocess.Popen
"""

import contextlib
import functools
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import types

LIBRARIES = (
    "tensorflow",
    "tensorflow_probability",
    "sklearn.datasets",
    "sklearn.decomposition",
    "sklearn.metrics",
)
LARGEST = 2**17  # bytes of a message: a program's arguments and environment


class Forked:
    """A program that runs: what tests need of subprocess.Popen."""

    def __init__(self, line, argv):
        self._line, self._argv, self.returncode = line, argv, None
        self.pid = int(self._line.recv(LARGEST) or 0)
        assert self.pid, "The fork server ended; try: python tests/fork_server.py"

    def poll(self):
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.wait(0)

    def wait(self, timeout=None):
        """The exit code, negative if a signal ended the program."""
        if self.returncode is None:
            if not select.select([self._line], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self._argv, timeout)
            with self._line:
                self.returncode = int(self._line.recv(LARGEST))
        return self.returncode

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)


def start(argv, *, stdout, stderr, cwd, env):
    """Runs "python" with these arguments."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        program = json.dumps([argv, str(cwd), env]).encode()
        files = [theirs.fileno(), stdout.fileno(), stderr.fileno()]
        socket.send_fds(_server(), [program], files)
    return Forked(ours, argv)


@functools.cache
def _server():
    """The end of a socket that programs are sent to; if it closes, the server ends."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    user = {name: os.environ[name] for name in os.environ if name != "TF_CONFIG"}
    with theirs:
        subprocess.Popen(
            [sys.executable, __file__, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=user
            | {
                "TF_CPP_MIN_LOG_LEVEL": "3"
            },  # as jem_tf.system.tensorflow_setup sets it
        )
    return ours


def serve(requests):
    """Forks for each request; returns in the children alone, with argv."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who wait
    while True:
        program, files, *_ = socket.recv_fds(requests, LARGEST, 3)
        if not program:
            os._exit(0)
        if not os.fork():
            requests.close()
            return _watch(json.loads(program), *files)
        for file in files:
            os.close(file)


def _watch(program, line, out, err):
    """Tells the program's pid, then its exit code; returns in the program."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if not pid:
        os.close(line)
        return _become(program, out, err)
    os.write(line, str(pid).encode())
    _, status = os.waitpid(pid, 0)
    os.write(line, str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _become(program, out, err):
    """What a new Python has: streams, folder, environment and Ctrl-C."""
    argv, cwd, env = program
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.close(out)
    os.close(err)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return argv


def run(first, *rest):
    """Runs `-m NAME ...`, `-c CODE ...` or `SCRIPT ...` as the interpreter does."""
    if first == "-m":
        sys.argv, sys.path[0] = list(rest), os.getcwd()
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    elif first == "-c":
        sys.argv, sys.path[0] = ["-c", *rest[1:]], ""
        sys.modules["__main__"] = main = types.ModuleType("__main__")
        exec(compile(rest[0], "<string>", "exec"), main.__dict__)
    else:
        sys.argv, sys.path[0] = [first, *rest], os.path.dirname(first)
        runpy.run_path(first, run_name="__main__")


if __name__ == "__main__":
    for name in LIBRARIES:
        importlib.import_module(name)
    gc.freeze()  # or each child would copy all of TensorFlow to collect it at its end
    run(*serve(socket.socket(fileno=int(sys.argv[1]))))
