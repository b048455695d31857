"""The built wheel alone, in a fresh virtual environment outside the checkout."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig
import venv

import pytest

from jem_tf.runs import pretrained_models
from tests.processes import MUTED

pytestmark = pytest.mark.slow

ROOT = pathlib.Path(__file__).resolve().parent.parent
PARTS = ("jem_tf", "flags", "setup.py", "pyproject.toml", "README.md", "LICENSE")
PAGE = "jem_tf/demonstration/page"
FEW = (
    "--network=convnet-8",
    "--steps=3",
    "--buffer_size=100",
    "--sampler_steps=2",
    "--noaugment",
)
ONE_BY_ONE = """
import sys
from jem_tf.commands import main
for asked in sys.argv[1:]:
    try:
        main.main(asked.split())
    except SystemExit as end:
        assert not end.code, (asked, end.code)
"""


def run(*command, cwd):
    user = {name: os.environ[name] for name in os.environ if name not in MUTED}
    user.pop("PYTHONPATH", None)
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, env=user, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """(The folder of programs of an environment with the wheel, a folder to work in).

    The packages that jem_tf needs are those of the environment that tests it.
    """
    place = tmp_path_factory.mktemp("wheel")
    source = place / "source"
    source.mkdir()
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, source / part)
        else:
            shutil.copy(ROOT / part, source / part)
    build = "wheel --no-deps --no-build-isolation --quiet".split()
    run(sys.executable, "-m", "pip", *build, "-w", place, source, cwd=place)
    (wheel,) = place.glob("*.whl")
    venv.create(place / "venv", with_pip=False)
    programs = place / "venv" / ("Scripts" if os.name == "nt" else "bin")
    (packages,) = (place / "venv").glob("lib/python*/site-packages")
    (packages / "others.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    install = "install --no-deps --quiet --no-warn-script-location".split()
    run(programs / "python", "-m", "pip", *install, wheel, cwd=place)
    shutil.rmtree(source)
    (place / "work").mkdir()
    return programs, place / "work"


@pytest.fixture(scope="module")
def trained(installed):
    programs, work = installed
    run(programs / "jem-tf", "train", *FEW, "--workdir=run", cwd=work)
    return programs / "jem-tf", work


def test_the_package_is_the_wheels(installed):
    programs, work = installed
    where = "import jem_tf; print(jem_tf.__file__)"
    assert str(work.parent) in run(programs / "python", "-c", where, cwd=work)


def test_it_trains_over_its_own_presets(trained):
    _, work = trained
    assert "--activation=swish" in (work / "run" / "run.flags").read_text()
    assert json.loads((work / "run" / "results" / "train.json").read_text())["steps"]
    assert (work / "run" / "export" / "1" / "saved_model.pb").is_file()


def test_it_evaluates_samples_exports_and_reports(trained):
    """One after the other in one process: to import TensorFlow is most of each."""
    program, work = trained
    asked = (
        "evaluate calibration --workdir=run --limit=50",
        "sample --workdir=run --count=4 --steps=2",
        "export --workdir=run",
        "pretrained",
    )
    said = run(program.parent / "python", "-c", ONE_BY_ONE, *asked, cwd=work)
    for name in pretrained_models.pretrained():  # whole, as their sha256 are compared
        assert f"\n{name} (version 1, " in said
    assert run(program, "report", "--workdir=run", cwd=work) == "run/report.html\n"
    made = {str(path.relative_to(work)) for path in work.rglob("*")}
    assert {"run/results/calibration.json", "run/export/2/README.md"} <= made
    assert any(name.startswith("run/samples/") for name in made)


def test_the_page_of_the_demonstration_is_whole(installed):
    _, work = installed
    page = f"venv/lib/python*/site-packages/{PAGE}/*"
    there = {path.name for path in work.parent.glob(page)}
    assert there == {path.name for path in (ROOT / PAGE).iterdir()}


def test_it_says_that_it_is_typed(installed):
    _, work = installed
    assert list(work.parent.glob("venv/lib/python*/site-packages/jem_tf/py.typed"))
