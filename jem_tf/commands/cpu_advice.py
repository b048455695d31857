"""What to advise where a run takes days because the machine has no GPU."""

import dataclasses
import pathlib
import re
import shlex

from jem_tf.options import Options
from jem_tf.runs import flagfiles
from jem_tf.system import hardware

OF_OTHERS = "cifar10"  # whose preset is named for sets that have none for a CPU


def advise(opts: Options) -> str:
    """Names the preset that is made for a CPU, with the flags to give.

    Args:
      opts: of the run.

    Returns:
      A line; "" on a machine with a GPU or TPU, and for a run of such a preset.
    """
    if hardware.has_accelerator():
        return ""
    name = opts.data.dataset
    base = re.split("[:/]", name)[0]
    preset = flagfiles.find_preset(f"{base}_cpu")
    preset = preset or flagfiles.find_preset(f"{OF_OTHERS}_cpu")
    if preset is None or _is_for_cpus(opts, preset.parent):
        return ""
    its = flagfiles.from_flagfile(preset)
    near = preset.is_relative_to(pathlib.Path.cwd())
    shown = preset.relative_to(pathlib.Path.cwd()) if near else preset
    words = [f"--flagfile={shown}"]
    for option, value in dataclasses.asdict(opts.data).items():  # which data, and how
        if value != getattr(its.data, option):
            words.append(flagfiles.spell(option, value))
    return (
        "TensorFlow sees no GPU here, and this recipe is a GPU's work; one for CPUs, "
        f"about an hour on two cores for CIFAR, is  {shlex.join(words)}"
    )


def _is_for_cpus(opts: Options, presets: pathlib.Path) -> bool:
    """Whether the network is one of the presets that are made for CPUs."""
    known = (flagfiles.from_flagfile(path) for path in presets.glob("*_cpu.flags"))
    return opts.network.network in {preset.network.network for preset in known}
