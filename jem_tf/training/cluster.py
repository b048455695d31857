"""Which replicas train, and in which processes: in this one, or all TF_CONFIG names."""

import json
import os
import re
import signal
import socket
import sys
import threading

import tensorflow as tf

from jem_tf.errors import InputError

EXAMPLE = (
    '{"cluster": {"worker": ["HOST:PORT", "HOST:PORT"]}, '
    '"task": {"type": "worker", "index": 0}}'
)
JOBS = ("chief", "worker")  # whose processes count in this order, the first is chief
LOST = (  # what a collective operation raises when another process is gone
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
)
JOIN_MINUTES = 10  # that the processes of a cluster wait for each other at the start


class Cluster:
    """The processes that train together, each with replicas of its own.

    Args:
      strategy: tf.distribute.Strategy.
      processes: how many.
      index: this one's number; 0 is the chief, which alone writes what all share.
    """

    def __init__(self, strategy, processes=1, index=0):
        self.strategy, self.processes, self.index = strategy, processes, index
        self.chief, self.replicas = index == 0, strategy.num_replicas_in_sync
        local = self.replicas // processes
        self.own = range(index * local, (index + 1) * local)
        self._sum = tf.function(self._sum)

    @property
    def devices(self):
        """The devices of this process's replicas; None where one replica is all."""
        return self.strategy.extended.worker_devices if self.replicas > 1 else None

    def all(self, flag):
        """Whether `flag` holds in every process. Each must ask, at the same point."""
        return self._total(bool(flag)) == self.processes

    def of_chief(self, number):
        """The chief's `number`, an int >= 0, in every process. Each must ask."""
        return self._total(number if self.chief else 0)

    def _total(self, number):
        if self.processes == 1:
            return int(number)
        share = tf.constant(number / len(self.own), tf.float64)
        return round(float(self._sum(share)))

    def _sum(self, share):
        shares = self.strategy.run(tf.identity, args=(share,))
        return self.strategy.reduce("sum", shares, axis=None)


def join(training):
    """The Cluster of `Training` options, once all its processes are there.

    Call it before TensorFlow does anything else: it makes the logical CPUs.

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
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    late.cancel()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # TensorFlow's would ignore it
    return Cluster(strategy, len(addresses), index)


def _make_cpus(training):
    if training.strategy == "multiworker":
        raise InputError(
            f"--logical_cpus={training.logical_cpus} is for --strategy=mirrored; "
            "each process of --strategy=multiworker has one CPU."
        )
    cpu = tf.config.list_physical_devices("CPU")[0]
    configuration = [tf.config.LogicalDeviceConfiguration()] * training.logical_cpus
    try:
        tf.config.set_logical_device_configuration(cpu, configuration)
    except RuntimeError as error:
        raise InputError(
            f"--logical_cpus={training.logical_cpus} must come before TensorFlow does "
            "anything; start a fresh process."
        ) from error


def _give_up(addresses):
    print(
        f"jem_tf: not all of {', '.join(addresses)} came within {JOIN_MINUTES} "
        "minutes; see to those that did not, and start all again.",
        file=sys.stderr,
        flush=True,
    )
    os._exit(1)


def explain(error):
    """A sentence on an error of LOST."""
    found = re.findall(r"/job:(\w+)/(?:replica:\d+/)?task:(\d+)", str(error))
    who = f" (heard of {found[-1][0]} {found[-1][1]})" if found else ""
    return (
        f"Another process of TF_CONFIG's cluster is gone{who}; start all of them again "
        f"with the same commands to go on from the last checkpoint. {_first(error)}"
    )


def _first(error):
    return f"[{str(error).splitlines()[0]}]"


def _mirrored():
    kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    devices = [device.name for device in tf.config.list_logical_devices(kind)]
    reduction = None if kind == "GPU" else tf.distribute.ReductionToOneDevice()
    return tf.distribute.MirroredStrategy(devices, cross_device_ops=reduction)


def _task():
    """TF_CONFIG -> (the addresses of all processes, this one's number)."""
    text = os.environ.get("TF_CONFIG", "")
    if not text:
        raise InputError(
            "--strategy=multiworker needs TF_CONFIG in the environment of each "
            f"process, such as TF_CONFIG='{EXAMPLE}'."
        )
    try:
        config = json.loads(text)
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
        index = places.index((task["type"], task["index"]))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        why = f"it lacks {error}" if isinstance(error, KeyError) else error
        raise InputError(
            f"TF_CONFIG={' '.join(text.split())} is malformed ({why}); write it as "
            f"{EXAMPLE}."
        ) from error
    _check_port(addresses[index], ports[index])
    return addresses, index


def _port(address):
    found = re.fullmatch(r".+:(\d{1,5})", address)
    if not found or not 0 < int(found[1]) < 2**16:
        raise ValueError(f"{address!r} is no HOST:PORT")
    return int(found[1])


def _check_port(address, port):
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("", port))
    except (OSError, OverflowError) as error:
        raise InputError(
            f"TF_CONFIG gives this process the address {address}, but port {port} "
            f"cannot be used here ({error}); end what uses it or name another."
        ) from error
