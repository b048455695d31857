"""Machines are imitated: their devices, and what /proc/cpuinfo says of their CPU."""

import pytest

from jem_tf.system import hardware


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Makes this machine one with such devices, or a CPU of such flags."""

    def make(*, flags=None, devices=(), capabilities=()):
        listed = {kind: [kind] * devices.count(kind) for kind in ("GPU", "TPU")}
        place = tmp_path / "cpuinfo"
        if flags is not None:
            place.write_text(f"processor : 0\nflags\t\t: {flags}\n")
        remaining = iter(capabilities)
        monkeypatch.setattr(hardware, "CPUINFO", place)
        monkeypatch.setattr(hardware, "_capability", lambda gpu: next(remaining))
        monkeypatch.setattr(
            hardware.tf.config, "list_physical_devices", lambda kind: listed[kind]
        )

    return make


@pytest.mark.parametrize(
    ("flags", "policy", "why"),
    [
        ("fpu avx512f amx_bf16 avx512_bf16", "mixed_bfloat16", "CPU has amx_bf16"),
        ("fpu avx512_bf16", "mixed_bfloat16", "CPU has avx512_bf16"),
        ("fpu avx512f", "float32", "CPU has neither amx_bf16 nor avx512_bf16"),
        (None, "float32", "CPU has neither amx_bf16 nor avx512_bf16"),
    ],
)
def test_auto_goes_by_the_cpu(machine, flags, policy, why):
    machine(flags=flags)
    assert hardware.choose_precision("auto") == (policy, why)


@pytest.mark.parametrize(
    ("capabilities", "policy"),
    [
        ([(8, 0)], "mixed_bfloat16"),
        ([(9, 0), (7, 5)], "float32"),
        ([(7, 0)], "float32"),
    ],
)
def test_auto_goes_by_the_oldest_gpu(machine, capabilities, policy):
    machine(
        flags="amx_bf16", devices=["GPU"] * len(capabilities), capabilities=capabilities
    )
    chosen, why = hardware.choose_precision("auto")
    assert chosen == policy
    assert "GPU of compute capability {}.{}".format(*min(capabilities)) in why


def test_a_tpu_has_bfloat16(machine):
    machine(devices=["TPU"])
    assert hardware.choose_precision("auto") == ("mixed_bfloat16", "a TPU has it")


@pytest.mark.parametrize("option", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_what_is_asked_for_is_taken(machine, option):
    machine(flags="amx_bf16")
    assert hardware.choose_precision(option) == (option, "")


@pytest.mark.parametrize(
    ("option", "devices", "expected"),
    [
        ("auto", [], False),
        ("auto", ["GPU"], True),
        ("auto", ["TPU"], True),
        ("true", [], True),
        ("false", ["GPU"], False),
    ],
)
def test_xla_is_for_accelerators_unless_asked_for(machine, option, devices, expected):
    machine(devices=devices)
    assert hardware.compiles(option) is expected
