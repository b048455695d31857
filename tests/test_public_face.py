"""What the documents use is an attribute of jem_tf, and importing it is quick."""

import pathlib
import re
import subprocess
import sys

import pytest

import jem_tf

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MODULES = {"train", "commands", "metrics"}  # programs and rooms that are named as such


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_name_in_a_document_is_an_attribute(path):
    names = set(re.findall(r"\bjem_tf\.(\w+)", path.read_text())) - MODULES
    for name in names:
        assert hasattr(jem_tf, name), name


def test_every_promised_name_is_listed_and_there():
    promised = "JEM InputError Predictor load sgld metrics evaluation export".split()
    for name in [*promised, *jem_tf.__all__]:
        assert name in dir(jem_tf)
        assert getattr(jem_tf, name) is not None


def test_importing_it_starts_no_tensorflow():
    script = "import jem_tf, sys; dir(jem_tf); assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT)


def test_what_there_is_not_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        jem_tf.nothing  # noqa: B018


def test_hints_are_promised_to_type_checkers():
    assert (ROOT / "jem_tf" / "py.typed").is_file()
