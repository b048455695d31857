"""Which preset is named to a user who trains a GPU's recipe on a CPU."""

import dataclasses
import shlex

import pytest

from jem_tf.commands import cpu_advice
from jem_tf.options import Data, Network, Options
from jem_tf.runs import flagfiles
from jem_tf.system import hardware
from tests.commands import flag_values
from tests.processes import ROOT


@pytest.fixture(autouse=True)
def place(monkeypatch):
    monkeypatch.chdir(ROOT)


def options(dataset, network="wrn-28-10", **data):
    return dataclasses.replace(
        Options(), data=Data(dataset=dataset, **data), network=Network(network=network)
    )


def advised(opts):
    """The flags in the advice."""
    return shlex.split(cpu_advice.advise(opts).split("  ")[-1])


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_a_set_with_a_preset_for_cpus_is_told_of_it(name):
    assert advised(options(name)) == [f"--flagfile=flags/{name}_cpu.flags"]


@pytest.mark.parametrize(
    ("name", "preset"),
    [
        ("svhn", "cifar10"),
        ("folder:/data/my birds", "cifar10"),
        ("cifar100:3.0.2", "cifar100"),
    ],
)
def test_another_set_is_told_of_one_with_the_flags_to_take_it(name, preset):
    words = advised(options(name))
    assert words == [f"--flagfile=flags/{preset}_cpu.flags", f"--dataset={name}"]
    values = flag_values.parsed(flagfiles.define, *words)
    opts = flagfiles.from_flags(values)
    assert opts.data.dataset == name
    assert opts.network.network == "convnet-64"


def test_the_flags_that_say_which_data_and_how_are_kept():
    own = {"data_dir": "/data/my sets", "image_size": 24, "labels_per_class": 5}
    given = options("svhn", augment=False, flip="false", **own)
    words = advised(given)
    assert "--data_dir=/data/my sets" in words
    values = flag_values.parsed(flagfiles.define, *words)
    assert flagfiles.from_flags(values).data == given.data


def test_elsewhere_than_beside_it_the_preset_has_its_whole_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (word,) = advised(options("cifar10"))
    assert word == f"--flagfile={ROOT / 'flags' / 'cifar10_cpu.flags'}"


@pytest.mark.parametrize("name", ["cifar100_cpu", "cifar10_classifier_cpu"])
def test_a_run_of_such_a_preset_is_told_nothing(name):
    opts = flagfiles.from_flagfile(ROOT / "flags" / f"{name}.flags")
    assert cpu_advice.advise(opts) == ""


def test_a_machine_with_a_gpu_is_told_nothing(monkeypatch):
    monkeypatch.setattr(hardware.tf.config, "list_physical_devices", lambda kind: [1])
    assert cpu_advice.advise(options("cifar10")) == ""
