"""Two logical CPU devices and one MirroredStrategy over them, for the whole session."""

import contextlib
import os
import resource

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import pytest
import tensorflow as tf

CPU = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
    CPU, [tf.config.LogicalDeviceConfiguration()] * 2
)

# Modules that take a minute; begun last, one of them would keep one worker waiting.
LONGEST = ("workers", "survival", "divergence", "train", "robustness", "replicas")


def pytest_collection_modifyitems(items):
    """Long modules and those of commands first: short ones fill what room is left."""
    items.sort(key=lambda item: not _long(item.path))


def _long(path):
    return path.parent.name == "commands" or path.stem.removeprefix("test_") in LONGEST


@pytest.fixture(scope="session")
def two_replicas():
    """Two MirroredStrategy objects in one process can abort in their collectives."""
    return tf.distribute.MirroredStrategy(
        ["CPU:0", "CPU:1"], cross_device_ops=tf.distribute.ReductionToOneDevice()
    )


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
