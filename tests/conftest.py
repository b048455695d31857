"""Two logical CPU devices and one MirroredStrategy over them, for the whole session."""

import contextlib
import fcntl
import functools
import gc
import os
import resource
import shutil
import urllib.request

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# A process of xdist has a core, not a pool of threads that wait for one: a fifth less
# time of a core for a training. What a test starts inherits it.
for name in ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import pytest


def pytest_configure(config):
    """Makes the devices where tests run: xdist's first process only deals them out."""
    if config.getoption("dist", "no") == "no":
        import tensorflow as tf

        cpu = tf.config.list_physical_devices("CPU")[0]
        two = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(cpu, two)
        # Graphs are traced of many small objects, few of them garbage: an eighth less
        # time of a core than with Python's own 700.
        gc.freeze()
        gc.set_threshold(50_000, 20, 20)


def pytest_collection_modifyitems(items):
    """Modules with slow tests first: short ones fill what room is left at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture
def no_network(monkeypatch):
    """Downloads fail at once. `urlopen` keeps proxies, and forgets these at the end."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(urllib.request, "_opener", None)


@pytest.fixture(scope="session")
def two_replicas():
    """Two MirroredStrategy objects in one process can abort in their collectives."""
    import tensorflow as tf

    return tf.distribute.MirroredStrategy(
        ["CPU:0", "CPU:1"], cross_device_ops=tf.distribute.ReductionToOneDevice()
    )


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """trained(place, *flags) copies there a run of flags/smoke.flags, trained once.

    That is once for all of xdist's processes, whose folders lie in one.
    """
    from tests.processes import run_here

    common = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        common = common.parent

    @functools.cache
    def run(*flags):
        name = "-".join(["trained", *(flag.strip("-") for flag in flags)])
        place, whole = common / name, common / f"{name}.whole"
        with (common / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not whole.exists():
                run_here(place, *flags)
                whole.touch()
        return place

    return lambda place, *flags: shutil.copytree(run(*flags), place, dirs_exist_ok=True)


@pytest.fixture
def full_disk():
    """A context in which no file can grow beyond so many bytes."""

    @contextlib.contextmanager
    def limited(size):
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limited
