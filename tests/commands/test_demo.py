"""`jem-tf demo`: what it refuses. tests/demonstration/test_browser.py uses it."""

import sys

import pytest

from jem_tf.demonstration import local_server
from jem_tf.runs import pretrained_models
from tests.processes import command_here


def refusal(*words):
    ended = command_here("demo", *words)
    assert (ended.code, ended.out) == (1, "")
    (line,) = ended.err.splitlines()
    return line


def test_a_model_that_there_is_not_is_refused_in_a_sentence():
    pytest.importorskip("flask")
    said = refusal("--model=nonesuch", "--port=0")
    assert said == (
        "jem_tf: nonesuch holds no run of jem_tf; name the folder of one, or a "
        f"pretrained model: {', '.join(pretrained_models.pretrained())}."
    )


def test_a_port_that_is_used_is_refused_in_a_sentence():
    pytest.importorskip("flask")
    with local_server.listen(0) as listener:
        port = listener.getsockname()[1]
        assert refusal(f"--port={port}") == (
            f"jem_tf: --port={port} cannot be listened on (Address already in use); "
            "give another, or --port=0 for one that is free."
        )


def test_without_flask_it_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "flask", None)
    assert refusal("--port=0").endswith("install it by pip install 'jem-tf[demo]'.")


def test_no_port_is_refused_as_any_flag_is():
    assert "--port" in refusal("--port=70000")
