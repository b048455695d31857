"""An exported model behind a real model server, asked over HTTP."""

import contextlib
import json
import pathlib
import signal
import urllib.request

import numpy as np
import pytest

reason = "pip install '.[serving]'"
pytest.importorskip("pytriton", reason=reason)
pytestmark = pytest.mark.serving

from tritonclient.utils import InferenceServerException

from jem_tf import datasets
from jem_tf.runs import loading
from jem_tf.serving import predictor
from tests import processes
from tests.serving import agreement, client, encodings
from tests.serving.agreement import WALK

SERVER = pathlib.Path(__file__).parent / "server.py"
START = f"import runpy; runpy.run_path({str(SERVER)!r}, run_name='__main__')"
BLANK = np.zeros([2, 8, 8, 1], "uint8")
MUTANTS = 1000
PATIENCE = 240  # seconds: six processes import NumPy, one after the other


def strings(*files):
    return np.array([bytes(file) for file in files], dtype=object)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """(Predictor, place of the export) of a run that is not quite untrained."""
    root = tmp_path_factory.mktemp("run")
    processes.run_here(
        root, "--activation=swish", "--learning_rate=0.003", "--network=convnet-16",
        "--export",
    )  # fmt: skip
    return predictor.Predictor(loading.read_run(root)), root / "export" / "1"


@pytest.fixture(scope="module")
def port(exported):
    """Of a server in a process that knows no jem_tf, which is up to the end."""
    (free,) = processes.free_ports(1)
    argv = ("-c", processes.ALONE + START, exported[1], f"--port={free}")
    with processes.Process(*argv) as server:
        server.until(lambda: is_ready(free), PATIENCE, pause=1)
        yield free
        assert is_ready(free)
        server.signal(signal.SIGTERM)
        server.end()


def is_ready(port):
    """Whether every signature answers to a server's keeper."""
    with contextlib.suppress(OSError), client.connect(port) as here:
        return all(map(here.is_model_ready, agreement.asked(BLANK)))
    return False


@pytest.fixture
def here(port):
    with client.connect(port) as connected:
        yield connected


def test_it_answers_what_the_python_api_says(here, exported):
    images = datasets.load("digits").test.images[:7].numpy()
    asked = agreement.asked(images)
    answered = {name: client.ask(here, name, inputs) for name, inputs in asked.items()}
    agreement.check(answered, *exported, images)


def test_it_answers_json_as_a_shell_sends_it(port):
    tensor = {"name": "images", "shape": [2, 8, 8, 1], "datatype": "UINT8"}
    body = json.dumps({"inputs": [tensor | {"data": BLANK.ravel().tolist()}]})
    url = f"http://127.0.0.1:{port}/v2/models/classify/infer"
    with urllib.request.urlopen(url, body.encode()) as answer:
        outputs = {one["name"]: one for one in json.load(answer)["outputs"]}
    assert outputs["probabilities"]["shape"] == [2, 10]
    assert sum(outputs["probabilities"]["data"]) == pytest.approx(2)
    assert isinstance(outputs["is_ood"]["data"][0], bool)


def test_requests_at_once_get_their_own_answers(port, exported):
    images = datasets.load("digits").test.images.numpy()
    sizes = [1, 2, 3, 5, 8, 13] * 5
    batches = [images[size : 2 * size] for size in sizes]
    with client.connect(port, concurrency=6) as here:
        sent = [
            here.async_infer("classify", client.tensors({"images": batch}))
            for batch in batches
        ]
        answers = [client.arrays(one.get_result()) for one in sent]
    for batch, answer in zip(batches, answers, strict=True):
        agreement.near(answer["log_density"], exported[0].log_density(batch))


@pytest.mark.parametrize(
    ("name", "inputs", "says"),
    [
        ("classify", {"images": BLANK[:, :4]}, r"\[N, 8, 8, 1\].* \[2 4 8 1\]"),
        ("classify", {"images": BLANK[0]}, "unexpected shape .* got .8,8,1."),
        ("classify", {"images": BLANK.astype("float32")}, "expects 'UINT8'"),
        ("classify", {"images": BLANK[:0]}, "zeros in shape"),  # pytriton's own
        ("classify", {}, "expected 1 inputs but got 0"),
        ("sample", {"n": np.int32(0), **WALK}, "n must be from 1 to 1024"),
        ("sample", {"n": np.int32(2**30), **WALK}, "n must be from 1 to 1024"),
        ("refine", {"images": BLANK, **WALK, "steps": np.int32(-1)}, "steps must be"),
        ("refine", {"images": BLANK, **WALK, "noise": np.float32("nan")}, "finite"),
        ("classify_encoded", {"images": strings(b"GIF89a")}, "neither a PNG nor a"),
        ("classify_encoded", {"images": strings(b"")}, "neither a PNG nor a JPEG"),
    ],
)
def test_a_bad_request_is_answered_with_a_sentence(here, name, inputs, says):
    with pytest.raises(InferenceServerException, match=says):
        client.ask(here, name, inputs)
    assert len(client.ask(here, "classify", {"images": BLANK})["class_ids"]) == 2


def test_fuzzed_bytes_are_refused_or_answered_and_it_still_answers(here):
    generator, whole = np.random.default_rng(2), list(encodings.files())
    good = {"images": strings(*whole)}
    before = client.ask(here, "classify_encoded", good)["logits"]
    ends = {"answered": 0, "refused": 0}
    for turn in range(MUTANTS):
        sent = encodings.mutated(bytearray(whole[turn % len(whole)]), generator, turn)
        try:
            found = client.ask(here, "classify_encoded", {"images": strings(sent)})
            assert np.isfinite(found["logits"]).all()
            ends["answered"] += 1
        except InferenceServerException:
            ends["refused"] += 1
    assert min(ends.values()) > 50, ends
    np.testing.assert_array_equal(
        client.ask(here, "classify_encoded", good)["logits"], before
    )
