"""`jem-tf pretrained`, and commands that are given the name of such a model."""

import json

import pytest

from jem_tf.runs import loading, pretrained_models
from jem_tf.serving import packing, predictor
from tests.commands.test_classify import DATA
from tests.processes import command_here, contents

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shipped(tmp_path_factory, trained):
    """A model called tiny, among those that come with the package."""
    place, root = tmp_path_factory.mktemp("runs"), tmp_path_factory.mktemp("package")
    run = loading.read_run(trained(place / "run"))
    packed = packing.pack_run(run, DATA, root / "tiny", chains=10)
    pretrained_models.write_manifest(
        packed, version=1, about="Digits.", made_by=("jem-tf train --dataset=digits",)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pretrained_models, "ROOT", root)
        yield packed


def test_it_lists_names_versions_sizes_and_commands(shipped):
    sizes = [
        len(content)
        for path, content in contents(shipped).items()
        if path.name != pretrained_models.MANIFEST
    ]
    ended = command_here("pretrained")
    assert ended.out.splitlines() == [
        f"tiny (version 1, {sum(sizes) / 1e6:.2f} MB)",
        "    Digits.",
        "    jem-tf train --dataset=digits",
    ]


def test_results_go_to_a_copy_and_the_model_stays_as_it_is(shipped, tmp_path):
    before, named = contents(shipped), "--workdir=tiny"
    for words in (
        ["evaluate calibration", named, f"--out={tmp_path / 'copy'}", "--limit=20"],
        ["diagnose", named, f"--out={tmp_path / 'copy'}", "--steps=8"],
        ["sample", named, f"--out={tmp_path / 'drawn'}", "--count=3", "--steps=1"],
        ["export", named, f"--out={tmp_path / 'models'}"],
    ):
        ended = command_here(*words)
        assert ended.code == 0, ended
    chains = json.loads((tmp_path / "copy/results/chains.json").read_text())
    assert chains["protocol"]["chains"] == 10  # of the usual 32: all that it has
    for file in ("copy/results/calibration.json", "copy/results/chains.json"):
        assert (tmp_path / file).exists()
    assert (tmp_path / "models" / "1" / "saved_model.pb").exists()
    assert contents(shipped) == before


@pytest.mark.parametrize(
    "command",
    ["evaluate ood", "diagnose", "export", "evaluate all", "report"],
)
def test_without_a_place_of_ones_own_nothing_is_written(shipped, command):
    before = contents(shipped)
    ended = command_here(command, "--workdir=tiny")
    assert ended.err == (
        "jem_tf: --workdir=tiny is a pretrained model, which is not written to; give "
        "--out=FOLDER.\n"
    )
    assert contents(shipped) == before


def test_pictures_come_beside_the_user(shipped, tmp_path, monkeypatch):
    before = contents(shipped)
    monkeypatch.chdir(tmp_path)
    ended = command_here("sample", "--model=tiny", "--count=3", "--steps=1")
    assert ended.code == 0, ended
    for written in ended.out.splitlines()[1:]:
        assert written.startswith("samples/tiny/")
        assert (tmp_path / written).exists()
    assert contents(shipped) == before


def test_a_baseline_and_seeds_are_no_models(shipped, tmp_path):
    for flag in ("baseline", "seeds"):
        out = f"--out={tmp_path / 'copy'}"
        ended = command_here("evaluate all", "--workdir=tiny", out, f"--{flag}=tiny")
        assert "tiny is a pretrained model, and results are written" in ended.err
        assert not (tmp_path / "copy").exists()


def test_a_score_that_is_fitted_is_not_kept_with_the_model(shipped):
    before = contents(shipped)
    scores = predictor.load("tiny").ood_score(DATA.test.images[:5], ["knn"])
    assert scores["knn"].shape == (5,)
    assert contents(shipped) == before


def test_a_run_takes_no_place_for_its_results(shipped, tmp_path):
    ended = command_here(
        "evaluate ood", f"--workdir={tmp_path}", f"--out={tmp_path / 'other'}"
    )
    assert "is for a pretrained model" in ended.err
