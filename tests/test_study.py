import pathlib
import re

import pytest

from jem_tf.options import flatten
from jem_tf.runs import flagfiles

ROOT = pathlib.Path(__file__).resolve().parent.parent
STUDY = ROOT / "docs" / "study"
TEXT = (ROOT / "docs" / "study.md").read_text()
JEMS = sorted(set(STUDY.glob("*.flags")) - {STUDY / "classifier.flags"})


@pytest.mark.parametrize("path", JEMS, ids=lambda path: path.stem)
def test_a_run_of_the_study_differs_from_its_base_in_what_its_file_says(
    path, monkeypatch
):
    monkeypatch.chdir(ROOT)
    run, base = (
        flatten(flagfiles.from_flagfile(each)) for each in (path, STUDY / "base.flags")
    )
    told = set(re.findall(r"^--(?!flagfile)(\w+)=", path.read_text(), re.M))
    changed = {name for name in run if run[name] != base[name]}
    assert changed == (set() if path.stem == "base" else told)


def test_the_preset_is_the_recipe_that_the_study_found(monkeypatch):
    monkeypatch.chdir(ROOT)
    preset, studied = (
        flatten(flagfiles.from_flagfile(path))
        for path in (
            ROOT / "flags" / "cifar10_jem_cpu.flags",
            STUDY / "joint.flags",
        )
    )
    differ = {name for name in preset if preset[name] != studied[name]}
    assert differ == {"precision"}


def test_every_run_of_the_table_has_its_flagfile():
    rows = re.findall(r"^\| \[(\w[\w.-]*)\]\((\S+)\)", TEXT, re.M)
    assert {f"study/{name}.flags" for name, _ in rows} == {path for _, path in rows}
    assert {name for name, _ in rows} == {path.stem for path in STUDY.glob("*.flags")}
