"""`jem-tf classify`: pictures of a user, by a packed run."""

import json
import os
import struct

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
    assert f"{path} uses the lower 12 of its 16 bits alone" in ended.err
    assert ended.out.startswith("picture")


def test_programs_read_json_and_a_broken_picture_loses_no_other(packed, tmp_path):
    paths = [str(tmp_path / name) for name in ("a  4  99%.png", "broken.png", "c.png")]
    for path, image in zip(paths, IMAGES, strict=True):
        Image.fromarray(image[:, :, 0]).save(path)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    ended = command_here("classify", *paths, f"--model={packed}", "--json")
    assert ended.code == 1
    assert ended.err == (
        f"jem_tf: {paths[1]} cannot be read: of no known format; give a picture.\n"
    )
    answers = predictor.load(packed).classify(IMAGES[[0, 2]])
    for line, path, row in zip(
        ended.out.splitlines(), paths[::2], range(2), strict=True
    ):
        assert json.loads(line) == {
            "picture": path,
            "class": answers.class_names[row],
            "confidence": pytest.approx(float(answers.confidence[row])),
            "known": not answers.is_ood[row],
            "score": pytest.approx(float(answers.ood_score[row])),
        }


def in_iptc(content):
    """IPTC's fields: layers, width, height, compression, the picture."""
    fields = [
        (3, 60, b"\1\0"),
        (3, 20, b"\0\x08"),
        (3, 30, b"\0\x08"),
        (3, 120, b"\5"),
        (8, 10, content),
    ]
    return b"".join(
        b"\x1c" + bytes([record, tag]) + struct.pack(">H", len(data)) + data
        for record, tag, data in fields
    )


@pytest.mark.parametrize("hidden", [False, True])
def test_a_picture_that_a_program_would_run_is_of_no_known_format(
    packed, tmp_path, monkeypatch, hidden
):
    """Pillow has Ghostscript run EPS, which may say what it likes."""
    path = tmp_path / "photo.jpg"
    Image.fromarray(IMAGES[0].repeat(3, axis=2)).save(path, "EPS")
    if hidden:
        path.write_bytes(in_iptc(path.read_bytes()))
        with Image.open(path) as picture:
            assert picture.format == "IPTC"
    ran = tmp_path / "ran"
    (tmp_path / "gs").write_text(f"#!/bin/sh\ntouch {ran}\n")
    (tmp_path / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    ended = command_here("classify", path, f"--model={packed}")
    assert (ended.code, ended.out) == (1, "")
    assert "of no known format" in ended.err
    assert not ran.exists()


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
