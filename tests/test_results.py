"""The pages of docs/results say what the JSON files of the evaluations say."""

import pathlib
import runpy
import shutil

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULTS = ROOT / "docs" / "results"


def test_the_pages_are_made_of_the_files_beside_them(tmp_path):
    copy = shutil.copytree(RESULTS, tmp_path / "results")
    written = [path.name for path in RESULTS.glob("*.md") if path.stem != "convnet64"]
    assert "README.md" in written
    for name in written:
        (copy / name).unlink()
    runpy.run_path(str(copy / "pages.py"))["main"]()
    for name in written:
        assert (copy / name).read_text() == (RESULTS / name).read_text(), name


def test_no_path_of_a_machine_is_in_them():
    for path in RESULTS.rglob("*.json"):
        assert "/tmp/" not in path.read_text(), path
