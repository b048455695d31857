"""The processes and replicas that train together.

The replicas are those of this process alone, or of all processes that TF_CONFIG names.
"""

import json
import os
import re
import signal
import socket
import sys
import threading
from typing import Any, NoReturn

import tensorflow as tf

from jem_tf.errors import InputError, argument
from jem_tf.options import Training

EXAMPLE = (
    '{"cluster": {"worker": ["HOST:PORT", "HOST:PORT"]}, '
    '"task": {"type": "worker", "index": 0}}'
)
# The processes of these jobs are numbered in this order; number 0 is the chief.
JOBS = ("chief", "worker")
LOST = (  # what a collective operation raises when another process is gone
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
)
JOIN_MINUTES = 10  # how long processes wait for each other at the start


class Cluster:
    """The processes that train together, each with replicas of its own.

    Args:
      strategy: the tf.distribute.Strategy of all replicas.
      processes: how many processes there are.
      index: number of this process. Process 0 is the chief; only it writes shared
        files.
    """

    def __init__(
        self, strategy: tf.distribute.Strategy, *, processes: int = 1, index: int = 0
    ):
        self.strategy, self.processes, self.index = strategy, processes, index
        self.chief = index == 0
        self.replicas: int = strategy.num_replicas_in_sync
        local = self.replicas // processes
        self.own = range(index * local, (index + 1) * local)
        self._compiled_sum = tf.function(self._sum, autograph=False)

    @property
    def devices(self) -> tuple[str, ...] | None:
        """The devices of this process's replicas; None if there is one replica."""
        return self.strategy.extended.worker_devices if self.replicas > 1 else None

    def all_true(self, flag: bool) -> bool:
        """Whether `flag` holds in every process.

        Every process must call it, at the same point.
        """
        return self._total(bool(flag)) == self.processes

    def from_chief(self, number: int) -> int:
        """Returns the chief's `number`, an int >= 0, in every process.

        Every process must call it, at the same point.
        """
        return self._total(number if self.chief else 0)

    def _total(self, number: int) -> int:
        if self.processes == 1:
            return int(number)
        share = tf.constant(number / len(self.own), tf.float64)
        return round(float(self._compiled_sum(share)))

    def _sum(self, share: tf.Tensor) -> tf.Tensor:
        shares = self.strategy.run(tf.identity, args=(share,))
        return self.strategy.reduce("sum", shares, axis=None)


def join_cluster(training: Training) -> Cluster:
    """Makes the cluster that the options describe, and waits for all its processes.

    Call it before any other use of TensorFlow, because it makes the logical CPUs.

    Raises:
      InputError: if TF_CONFIG is missing or wrong, or its port is taken.
    """
    if training.logical_cpus > 1:
        _make_cpus(training)
    if training.strategy == "default":
        return Cluster(tf.distribute.get_strategy())
    if training.strategy == "mirrored":
        return Cluster(_mirrored())
    addresses, index = _task()
    print(
        f"worker {index} of {len(addresses)}: waiting for {', '.join(addresses)}",
        flush=True,
    )
    late = threading.Timer(60 * JOIN_MINUTES, _give_up, [addresses])
    late.daemon = True
    late.start()
    try:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    finally:
        late.cancel()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # TensorFlow's handler ignores it
    return Cluster(strategy, processes=len(addresses), index=index)


def _make_cpus(training: Training) -> None:
    count = argument("logical_cpus", training.logical_cpus)
    if training.strategy == "multiworker":
        raise InputError(
            f"{count} is for {argument('strategy', 'mirrored')}; each process of "
            f"{argument('strategy', 'multiworker')} has one CPU."
        )
    cpu = tf.config.list_physical_devices("CPU")[0]
    configuration = [tf.config.LogicalDeviceConfiguration()] * training.logical_cpus
    try:
        tf.config.set_logical_device_configuration(cpu, configuration)
    except RuntimeError as error:
        raise InputError(
            f"{count} cannot be set once TensorFlow is in use; start a new process."
        ) from error


def _give_up(addresses: list[str]) -> NoReturn:
    print(
        f"jem_tf: not all of {', '.join(addresses)} were reached within {JOIN_MINUTES} "
        "minutes; find out why, and start all of them again.",
        file=sys.stderr,
        flush=True,
    )
    os._exit(1)


def explain(error: Exception) -> str:
    """Explains an error of LOST in a sentence that names the lost process if known."""
    tasks = re.findall(r"/job:(\w+)/(?:replica:\d+/)?task:(\d+)", str(error))
    who = f" (heard of {tasks[-1][0]} {tasks[-1][1]})" if tasks else ""
    return (
        f"Another process of TF_CONFIG's cluster is gone{who}; start all of them again "
        "with the same commands to go on from the last checkpoint. "
        f"[{str(error).splitlines()[0]}]"
    )


def _mirrored() -> tf.distribute.Strategy:
    kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    devices = [device.name for device in tf.config.list_logical_devices(kind)]
    reduction = None if kind == "GPU" else tf.distribute.ReductionToOneDevice()
    return tf.distribute.MirroredStrategy(devices, cross_device_ops=reduction)


def _task() -> tuple[list[str], int]:
    """Reads TF_CONFIG -> (addresses of all processes, number of this process)."""
    text = os.environ.get("TF_CONFIG", "")
    if not text:
        raise InputError(
            f"{argument('strategy', 'multiworker')} needs TF_CONFIG in the environment "
            f"of each process, such as TF_CONFIG='{EXAMPLE}'."
        )
    try:
        addresses, ports, index = _parse(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        why = f"it lacks {error}" if isinstance(error, KeyError) else error
        raise InputError(
            f"TF_CONFIG={' '.join(text.split())} is malformed ({why}); write it as "
            f"{EXAMPLE}."
        ) from error
    _check_port(addresses[index], ports[index])
    return addresses, index


def _parse(config: dict[str, Any]) -> tuple[list[str], list[int], int]:
    """TF_CONFIG's JSON -> (addresses, their ports, number of this process)."""
    jobs, task = config["cluster"], config["task"]
    if unknown := sorted(set(jobs) - set(JOBS)):
        raise ValueError(f"it has a job {unknown[0]!r}")
    if not all(isinstance(names, list) for names in jobs.values()):
        raise ValueError("a job is a list of addresses")
    if len(jobs.get("chief", [])) > 1:
        raise ValueError("it has more than one chief")
    places = [(job, i) for job in JOBS for i in range(len(jobs.get(job, [])))]
    addresses = [jobs[job][i] for job, i in places]
    ports = [_port(address) for address in addresses]
    if len(set(addresses)) < len(addresses):
        raise ValueError("it names one address twice")
    if (task["type"], task["index"]) not in places:
        raise ValueError(f"its cluster has no {task['type']} {task['index']!r}")
    return addresses, ports, places.index((task["type"], task["index"]))


def _port(address: str) -> int:
    match = re.fullmatch(r".+:(\d{1,5})", address)
    if not match or not 0 < int(match[1]) < 2**16:
        raise ValueError(f"{address!r} is no HOST:PORT")
    return int(match[1])


def _check_port(address: str, port: int) -> None:
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("", port))
    except (OSError, OverflowError) as error:
        raise InputError(
            f"TF_CONFIG gives this process the address {address}, but port {port} "
            f"cannot be used here ({error}); end what uses it or name another."
        ) from error
