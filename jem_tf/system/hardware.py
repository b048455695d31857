"""What suits this machine: the precision of its arithmetic, and whether XLA compiles.

Only what is between the first and the last layer of a network has the precision chosen
here. Weights, images, logits, energies, losses and the optimizer's state are float32.
"""

import pathlib
import re
from collections.abc import Collection, Sequence
from typing import Any

import tensorflow as tf

CPU_FEATURES = ("amx_bf16", "avx512_bf16")  # with either, bfloat16 is fast in oneDNN
CAPABILITY = (8, 0)  # of the first NVIDIA GPUs with bfloat16
CPUINFO = pathlib.Path("/proc/cpuinfo")


def choose_precision(option: str) -> tuple[str, str]:
    """Chooses the Keras dtype policy of a run.

    Args:
      option: "auto", or the name of a policy. "auto" is mixed_bfloat16 if the hardware
        has bfloat16: a TPU, GPUs that all have compute capability 8.0 or more, or a CPU
        with AMX or AVX-512 bfloat16. Otherwise it is float32.

    Returns:
      (name of the policy, the reason in words). The reason is "" unless `option` is
      "auto".
    """
    if option != "auto":
        return option, ""
    if tf.config.list_physical_devices("TPU"):
        return "mixed_bfloat16", "a TPU has it"
    if gpus := tf.config.list_physical_devices("GPU"):
        return _for_gpus([_capability(gpu) for gpu in gpus])
    return _for_cpu(_cpu_flags())


def compiles(option: str) -> bool:
    """Whether to compile training steps with XLA.

    On a CPU, convolutions compiled by XLA are ten times slower than oneDNN's.

    Args:
      option: "true", "false" or "auto", which is true if there is a GPU or a TPU.
    """
    if option != "auto":
        return option == "true"
    return has_accelerator()


def has_accelerator() -> bool:
    """Whether TensorFlow sees a GPU or a TPU."""
    return any(map(tf.config.list_physical_devices, ("GPU", "TPU")))


def _for_gpus(capabilities: Sequence[tuple[int, int]]) -> tuple[str, str]:
    least = min(capabilities)
    name = "GPU of compute capability {}.{}".format(*least)
    if least >= CAPABILITY:
        return "mixed_bfloat16", f"{name} has it"
    return "float32", f"{name} has no bfloat16"


def _for_cpu(flags: Collection[str]) -> tuple[str, str]:
    features = [feature for feature in CPU_FEATURES if feature in flags]
    if features:
        return "mixed_bfloat16", f"CPU has {features[0]}"
    return "float32", f"CPU has neither {' nor '.join(CPU_FEATURES)}"


def _capability(gpu: Any) -> tuple[int, int]:
    details = tf.config.experimental.get_device_details(gpu)
    return details.get("compute_capability", (0, 0))


def _cpu_flags() -> frozenset[str]:
    """The flags of the first core in /proc/cpuinfo; none if there is no such file."""
    try:
        match = re.search(r"^flags\s*:(.*)$", CPUINFO.read_text(), re.MULTILINE)
    except OSError:
        return frozenset()
    return frozenset(match[1].split()) if match else frozenset()
