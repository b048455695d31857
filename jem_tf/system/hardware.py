"""What this machine's hardware is made for: in which precision, compiled or not.

Weights, images, logits, energies, losses and the optimiser's state are float32 under
every precision; what is between the first and the last layer is not.
"""

import pathlib
import re

import tensorflow as tf

CPU_FEATURES = ("amx_bf16", "avx512_bf16")  # what oneDNN's bfloat16 is quick with
CAPABILITY = (8, 0)  # of the first NVIDIA GPUs with bfloat16
CPUINFO = pathlib.Path("/proc/cpuinfo")


def precision(asked):
    """The Keras dtype policy that --precision asks for -> (its name, why; "" if asked).

    "auto" is mixed_bfloat16 where all that computes here has it in hardware: a TPU,
    GPUs of compute capability 8.0 or more, or a CPU with AMX or AVX-512 bfloat16.
    """
    if asked != "auto":
        return asked, ""
    if tf.config.list_physical_devices("TPU"):
        return "mixed_bfloat16", "a TPU has it"
    if gpus := tf.config.list_physical_devices("GPU"):
        return _for_gpus([_capability(gpu) for gpu in gpus])
    return _for_cpu(_cpu_flags())


def compiles(asked):
    """Whether --jit_compile asks for XLA; "auto" does where there is a GPU or a TPU.

    On a CPU XLA's convolutions are ten times slower than oneDNN's.
    """
    if asked != "auto":
        return asked == "true"
    return any(map(tf.config.list_physical_devices, ("GPU", "TPU")))


def _for_gpus(capabilities):
    least = min(capabilities)
    shown = "GPU of compute capability {}.{}".format(*least)
    if least >= CAPABILITY:
        return "mixed_bfloat16", f"{shown} has it"
    return "float32", f"{shown} has no bfloat16"


def _for_cpu(flags):
    found = [flag for flag in CPU_FEATURES if flag in flags]
    if found:
        return "mixed_bfloat16", f"CPU has {found[0]}"
    return "float32", f"CPU has neither {' nor '.join(CPU_FEATURES)}"


def _capability(gpu):
    details = tf.config.experimental.get_device_details(gpu)
    return details.get("compute_capability", (0, 0))


def _cpu_flags():
    """What /proc/cpuinfo says of the first core; empty where there is no such file."""
    try:
        found = re.search(r"^flags\s*:(.*)$", CPUINFO.read_text(), re.MULTILINE)
    except OSError:
        return frozenset()
    return frozenset(found[1].split()) if found else frozenset()
