"""`jem-tf classify`: pictures of a user, by a packed run."""

import numpy as np
import pytest
from PIL import Image

from jem_tf import datasets
from jem_tf.runs import loading
from jem_tf.serving import packing, predictor
from tests.processes import command_here

DATA = datasets.load("digits")
IMAGES = np.asarray(DATA.test.images[:3])


@pytest.fixture(scope="module")
def packed(tmp_path_factory, trained):
    place = tmp_path_factory.mktemp("runs")
    run = loading.read_run(trained(place / "run"))
    return packing.pack_run(run, DATA, place / "packed", chains=10)


def test_each_picture_has_a_line_with_what_python_answers(packed, tmp_path):
    paths = []
    for index in range(3):
        paths.append(str(tmp_path / f"{index}.png"))
        Image.fromarray(IMAGES[index, :, :, 0]).save(paths[-1])
    ended = command_here("classify", *paths, f"--model={packed}")
    assert (ended.code, ended.err) == (0, "")
    head, *lines = ended.out.splitlines()
    assert head.split() == ["picture", "class", "confidence", "known", "score"]
    answers = predictor.load(packed).classify(IMAGES)
    for line, path, name, sure, _, score, is_ood in zip(
        lines, paths, *answers, strict=True
    ):
        known = "no" if is_ood else "yes"
        assert line.split() == [path, name, f"{sure:.1%}", known, f"{score:.2f}"]


def test_a_picture_of_another_size_and_in_colour_is_converted(packed, tmp_path):
    large = np.kron(IMAGES[0], np.ones((8, 8, 3), "uint8"))
    Image.fromarray(large).save(tmp_path / "large.png")
    ended = command_here("classify", tmp_path / "large.png", f"--model={packed}")
    assert ended.code == 0
    assert len(ended.out.splitlines()) == 2


def test_a_picture_that_comes_out_nearly_black_is_named(packed, tmp_path):
    path = tmp_path / "camera.png"
    Image.fromarray(IMAGES[0, :, :, 0].astype("uint16") * 16).save(path)  # of 12 bits
    ended = command_here("classify", path, f"--model={packed}")
    assert ended.code == 0
    assert f"{path} uses the lower 12 of its 16 bits alone" in ended.err + ended.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "give one PICTURE...: jem-tf classify PICTURE... [FLAGS]"),
        (["absent.png"], "jem_tf: absent.png cannot be read: No such file"),
        (["absent.png", "--model=nonesuch"], "nonesuch holds no run of jem_tf"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(packed, words, message):
    if not any(word.startswith("--model") for word in words):
        words = [*words, f"--model={packed}"]
    ended = command_here("classify", *words)
    assert ended.code == 1
    assert message in ended.err
    assert not ended.out
