"""The pages of docs/results say what the JSON files of the evaluations say."""

import pathlib
import re
import runpy
import shutil

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULTS = ROOT / "docs" / "results"
BY_HAND = "convnet64"  # an earlier recipe's page
FOLDER = re.compile(r'(?<=")/[\w.-]+/')


def test_the_pages_are_made_of_the_files_beside_them(tmp_path, monkeypatch):
    copy = shutil.copytree(RESULTS, tmp_path / "results")
    folders = {path.parent.parent.name for path in RESULTS.glob("*/*/*.json")}
    pages = {"README.md", *(f"{name}.md" for name in folders - {BY_HAND})}
    assert {"cifar10.md", "digits.md"} < pages
    for name in pages:
        (copy / name).unlink()
    monkeypatch.syspath_prepend(copy)  # as `python pages.py` does
    runpy.run_path(str(copy / "pages.py"))["main"]()
    for name in pages:
        assert (copy / name).read_text() == (RESULTS / name).read_text(), name


def test_no_folder_of_a_machine_is_in_them():
    for path in RESULTS.rglob("*.json"):
        assert not FOLDER.search(path.read_text()), path
