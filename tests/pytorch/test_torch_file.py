"""Files of PyTorch, honest and hostile; and the network in them against ours."""

import functools
import io
import os
import pickle
import zipfile

import numpy as np
import pytest
import tensorflow as tf

from jem_tf import energies, networks, pytorch
from jem_tf.errors import InputError
from jem_tf.pytorch import conversion, imported_run, torch_file
from jem_tf.runs import loading
from tests.pytorch import authors, twin
from tests.pytorch.twin import checkpoint, save, torch

FORMS = pytest.mark.parametrize("zipped", [True, False], ids=["zipped", "older"])
MUTANTS = 700  # of each of three kinds


def refused(path):
    with pytest.raises(InputError) as raised:
        pytorch.read_checkpoint(path)
    message = str(raised.value)
    assert "\n" not in message
    assert message.startswith(f"{path} ")
    return message


def check_same(original, expected):
    assert original[:2] == expected[:2]
    np.testing.assert_array_equal(original.images, expected.images)
    for name, weights in original.weights.items():
        for weight, again in zip(weights, expected.weights[name], strict=True):
            np.testing.assert_array_equal(weight, again)


@pytest.fixture(scope="module")
def expected():
    return conversion.convert_weights(
        authors.state(), authors.images(3), source="arrays"
    )


@pytest.mark.parametrize(
    ("depth", "width", "classes"), [(10, 1, 10), (16, 2, 10), (10, 2, 7)]
)
def test_logits_energies_and_input_gradients_are_pytorchs(
    tmp_path, depth, width, classes
):
    torch_network = twin.Twin(depth, width, classes, seed=1)
    path = save(tmp_path / "a.pt", checkpoint(torch_network.state_dict()))
    original = pytorch.read_checkpoint(path)
    network = networks.build(original.network, (32, 32, 3), original.num_classes)
    for layer, weights in original.weights.items():
        network.get_layer(layer).set_weights(weights)

    images = authors.images(3, seed=2)
    x = tf.constant(images.transpose(0, 2, 3, 1))
    energy = lambda x: energies.marginal_energy(network(x, training=False))  # noqa: E731
    gradient = np.transpose(-energies.score(energy, x), (0, 3, 1, 2))
    readings = (network(x), energy(x), gradient)
    expected = twin.readings(torch_network, images)
    names = ("logits", "energy", "gradient")
    for name, reading, torchs in zip(names, readings, expected, strict=True):
        largest, difference = np.abs(torchs).max(), np.abs(reading - torchs).max()
        print(f"{name}: largest {largest:.2g}, difference {difference:.1e}")
        assert difference < 1e-4 * min(1, largest), name


def test_the_twin_has_the_names_and_shapes_of_their_state_dict():
    for sizes in ((10, 1, 10), (16, 2, 100)):
        state = twin.Twin(*sizes).state_dict()
        assert {n: tuple(state[n].shape) for n in state} == authors.shapes(*sizes)


@FORMS
def test_both_forms_of_a_file_hold_the_same(tmp_path, expected, zipped):
    check_same(
        pytorch.read_checkpoint(save(tmp_path / "a.pt", checkpoint(), zipped=zipped)),
        expected,
    )
    check_same(pytorch.read_checkpoint(str(tmp_path / "a.pt")), expected)


@FORMS
@pytest.mark.parametrize("whole", ["bare", "[]", "None", "empty", "more"])
def test_a_buffer_may_be_missing_and_more_may_be_there(tmp_path, whole, zipped):
    content = checkpoint()
    content["replay_buffer"] = {"[]": [], "empty": torch.zeros(0)}.get(whole)
    if whole == "bare":
        content = twin.Twin().state_dict()  # with PyTorch's own _metadata
    if whole == "more":
        content["optimizer"] = {
            "state": {0: {"step": 7}},
            "param_groups": [{"lr": 0.1}],
        }
    path = save(tmp_path / "a.pt", content, zipped=zipped)
    assert pytorch.read_checkpoint(path).images is None
    assert pytorch.read_checkpoint(path).network == "wrn-10-1"


@FORMS
def test_parameters_and_bfloat16_are_read(tmp_path, zipped):
    state = twin.Twin().bfloat16().state_dict(keep_vars=True)
    original = pytorch.read_checkpoint(save(tmp_path / "a.pt", state, zipped=zipped))
    kernel = authors.state()["class_output.weight"].T
    np.testing.assert_allclose(original.weights["logits"][0], kernel, rtol=0.01)


class Malicious:
    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


class Greedy:
    def __reduce__(self):
        return bytearray, (10**15,)  # which PyTorch would make


@FORMS
def test_a_small_file_gets_no_memory_that_it_asks_for(tmp_path, zipped):
    path = save(tmp_path / "a.pt", checkpoint() | {"more": Greedy()}, zipped=zipped)
    with pytest.raises(MemoryError):
        torch.load(path, weights_only=True)
    assert "holds more than tensors" in refused(path)


def test_a_pytorch_that_may_run_code_is_refused(tmp_path, monkeypatch):
    old = type(torch.__version__)("2.5.1+cpu")
    monkeypatch.setattr(torch, "__version__", old)
    with pytest.raises(InputError, match=r"2\.5\.1.* pip install 'torch>=2\.6'"):
        pytorch.read_checkpoint(tmp_path / "a.pt")


@FORMS
@pytest.mark.parametrize("where", ["top", "beside", "state", "buffer"])
def test_code_in_a_checkpoint_does_not_run(tmp_path, where, zipped):
    code = Malicious(f"touch {tmp_path / 'ran'}")
    content = checkpoint()
    if where == "state":
        content["model_state_dict"]["f.conv1.weight"] = code
    if where in ("beside", "buffer"):
        content["more" if where == "beside" else "replay_buffer"] = code
    path = save(tmp_path / "a.pt", code if where == "top" else content, zipped=zipped)
    assert "code in a checkpoint is never run here" in refused(path)
    assert not (tmp_path / "ran").exists()
    torch.load(path, weights_only=False)  # where PyTorch is told to, it does run
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize("form", ["pickle", "text", "empty", "tar", "short"])
def test_what_torch_save_did_not_write_is_refused(tmp_path, form):
    path = tmp_path / "a.pt"
    path.write_bytes(
        {
            "pickle": pickle.dumps(Malicious(f"touch {tmp_path / 'ran'}")),
            "text": b"Not Found\n",
            "empty": b"",
            "tar": b"storages".ljust(1024, b"\0"),
            "short": torch_file.ZIPPED,
        }[form]
    )
    refused(path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("there", ["nothing", "a folder"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path, there):
    if there == "a folder":
        (tmp_path / "a.pt").mkdir()
    assert "cannot be read" in refused(tmp_path / "a.pt")


@pytest.mark.parametrize(
    "content",
    [
        None,
        [],
        {},
        torch.zeros(3),
        {"model_state_dict": []},
        {"model_state_dict": {}},
        {"model_state_dict": {"f.conv1.weight": [1.0]}},
        {"model_state_dict": {7: torch.zeros(3)}},
        {"model_state_dict": {("a", 1): torch.zeros(3)}},
        {"model_state_dict": {"a": torch.zeros(3).to_sparse()}},
        {"model_state_dict": {"a": torch.zeros(3, device="meta")}},
        {"model_state_dict": {"a": torch.zeros(3, dtype=torch.complex64).conj()}},
        checkpoint() | {"replay_buffer": [torch.zeros(3, 32, 32)]},
        checkpoint() | {"replay_buffer": "of words"},
    ],
    ids=lambda content: str(type(content).__name__),
)
def test_what_is_no_state_dict_of_tensors_is_refused(tmp_path, content):
    refused(save(tmp_path / "a.pt", content))


@FORMS
def test_a_tensor_larger_than_its_file_is_refused(tmp_path, zipped):
    state = twin.tensors(authors.state())
    large = torch.zeros(1).expand(16 * 10**9, 16, 3, 3)  # tera bytes
    state["f.layer1.0.conv1.weight"] = large
    message = refused(save(tmp_path / "a.pt", state, zipped=zipped))
    assert "claims tensors of" in message


def test_a_compressed_file_is_refused_before_it_is_unpacked(tmp_path):
    whole = save(tmp_path / "a.pt", checkpoint())
    with zipfile.ZipFile(whole) as records:
        named = {name: records.read(name) for name in records.namelist()}
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, record in named.items():
            packed.writestr(name, record)
    refused(whole)


def test_a_flipped_bit_in_a_weight_of_a_zipped_file_is_seen(tmp_path):
    path = save(tmp_path / "a.pt", checkpoint())
    weight = authors.state()["class_output.weight"].tobytes()
    assert path.read_bytes().count(weight) == 1
    path.write_bytes(path.read_bytes().replace(weight, weight[:-4] + b"\0\0\x80\x3f"))
    assert "is damaged" in refused(path)


def test_without_pytorch_it_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with pytest.raises(InputError, match=r"pip install 'jem-tf\[pytorch\]'"):
        pytorch.read_checkpoint(tmp_path / "a.pt")


def mutated(random, blob, begin=0, end=None):
    """The bytes with a few of those in begin:end changed, moved, doubled or gone."""
    blob, end = bytearray(blob), len(blob) if end is None else end
    for _ in range(random.choice([1, 1, 2, 5])):
        end = min(end, len(blob))
        if begin >= end:
            break
        at = int(random.integers(begin, end))
        length = int(random.choice([1, 1, 4, 60]))
        kind = random.integers(5)
        if kind < 2:
            blob[at] ^= 1 << int(random.integers(8))
        elif kind == 2:
            blob[at : at + length] = random.bytes(length)
        elif kind == 3:
            source = int(random.integers(begin, end))
            blob[at:at] = blob[source : source + length]
        else:
            del blob[at : at + length]
    if blob and random.random() < 0.1:
        del blob[int(random.integers(0, len(blob))) :]
    return bytes(blob)


def mutated_zip(random, blob):
    """Its pickle or another record mutated under a checksum that fits; or its bytes."""
    if random.random() < 0.25:
        return mutated(random, blob)
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(blob)) as old, zipfile.ZipFile(made, "w") as new:
        names = old.namelist()
        pickled = next(name for name in names if name.endswith("data.pkl"))
        chosen = pickled if random.random() < 0.8 else str(random.choice(names))
        for name in names:
            record = old.read(name)
            if name == chosen and record:
                record = mutated(random, record)
            new.writestr(name, record)
    return made.getvalue()


def mutated_older(random, blob):
    """Mostly where its pickles are, at both ends."""
    head, tail = blob.index(b"cpuq"), 400
    part = random.choice(["head", "all of the head", "tail", "anywhere"])
    begin, end = {
        "head": (0, head + 200),
        "all of the head": (0, head + 6000),
        "tail": (len(blob) - tail, len(blob)),
        "anywhere": (0, len(blob)),
    }[part]
    return mutated(random, blob, begin, end)


def mutated_tensors(random):
    """A file whole in itself, of tensors that are not quite right."""
    content = checkpoint()
    state = content["model_state_dict"]
    for _ in range(random.choice([1, 2])):
        name = str(random.choice(list(state)))
        value = state[name]
        kind = random.integers(9)
        if kind == 0:
            del state[name]
        elif kind == 1:
            state[mutated(random, name.encode()).decode("latin-1")] = state.pop(name)
        elif kind == 2:
            state[name] = value.reshape(-1)[: int(random.integers(value.numel() + 1))]
        elif kind == 3:
            state[name] = value.permute(*random.permutation(value.ndim).tolist())
        elif kind == 4:
            kinds = (torch.int64, torch.bool, torch.float16, torch.complex64)
            state[name] = value.to(kinds[int(random.integers(4))])
        elif kind == 5:
            state[name] = value * float(random.choice([np.nan, np.inf, 1e30, 0.0]))
        elif kind == 6:
            state[name] = value[:0].expand(0, *value.shape[1:])
        elif kind == 7:
            state[name] = state[str(random.choice(list(state)))]
        else:
            shape = random.integers(0, 5, int(random.integers(6))).tolist()
            content["replay_buffer"] = torch.rand(shape)
    made = io.BytesIO()
    torch.save(content, made, _use_new_zipfile_serialization=bool(random.integers(2)))
    return made.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["zipped", "older", "tensors"])
def test_a_mutated_file_is_refused_in_a_sentence_or_read_as_what_it_says(
    tmp_path, kind
):
    random = np.random.default_rng(list(kind.encode()))
    whole = save(tmp_path / "a.pt", checkpoint(), zipped=kind == "zipped").read_bytes()
    mutants = {
        "zipped": functools.partial(mutated_zip, random, whole),
        "older": functools.partial(mutated_older, random, whole),
        "tensors": functools.partial(mutated_tensors, random),
    }
    path, messages = tmp_path / "b.pt", []
    for _ in range(MUTANTS):
        path.write_bytes(mutants[kind]())
        try:
            original = pytorch.read_checkpoint(path)
        except InputError as error:
            messages.append(str(error))
            continue
        shapes = {n: [w.shape for w in ws] for n, ws in original.weights.items()}
        expected = conversion.convert_weights(
            authors.state(10, 1, original.num_classes), None, source=""
        ).weights
        assert shapes == {n: [w.shape for w in ws] for n, ws in expected.items()}
        for array in [w for ws in original.weights.values() for w in ws]:
            assert np.isfinite(array).all()
    print(f"{MUTANTS} mutants of kind {kind}: {len(messages)} were refused")
    assert 0 < len(messages) < MUTANTS
    imported_run.write_run(tmp_path / "run", original, path)  # the last that was read
    assert loading.read_run(tmp_path / "run").step == 0
    for message in messages:
        assert message.startswith(f"{path} ")
        assert "\n" not in message
