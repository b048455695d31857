"""The folder of a lowered run, here of a classifier, which lowers quickly."""

import numpy as np
import pytest

from jem_tf.errors import InputError
from jem_tf.lowering import lowered_run
from jem_tf.runs import run_folder
from tests.lowering import lowered


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("lowered")
    opts = lowered.opts(place / "run", lowered.CLASSIFIER)
    lowered_run.lower_run(opts, place / "lowered", data_file=place / "data.npz")
    return place


def test_the_folder_has_the_program_its_state_and_the_runner(place):
    names = sorted(path.name for path in (place / "lowered").iterdir())
    assert names == ["manifest.json", "run.py", "state.npz", "step.stablehlo"]
    assert (place / "lowered" / "run.py").read_text() == lowered_run.RUNNER.read_text()
    with np.load(place / "lowered" / "state.npz") as state:
        named = {each["name"] for each in lowered.manifest(place)["arguments"]}
        assert named == {*state, "images", "labels", "count"}


def test_data_are_those_of_the_run_and_other_runs_share_them(place, tmp_path):
    with np.load(place / "data.npz") as file:
        digest = run_folder.digest(file["images"], file["labels"])
    assert digest == lowered.manifest(place)["data"]
    before = (place / "data.npz").stat().st_mtime_ns
    opts = lowered.opts(tmp_path / "run", lowered.CLASSIFIER, seed=1)
    lowered_run.lower_run(opts, tmp_path / "lowered", data_file=place / "data.npz")
    assert (place / "data.npz").stat().st_mtime_ns == before


def test_wrong_requests_are_refused_in_a_sentence(place, tmp_path):
    opts = lowered.opts(tmp_path / "run", lowered.CLASSIFIER)
    with pytest.raises(InputError, match=r"out=.* holds something already"):
        lowered_run.lower_run(opts, place / "lowered")
    np.savez(tmp_path / "d.npz", images=np.zeros([1, 8, 8, 1], "uint8"), labels=[0])
    with pytest.raises(InputError, match=r"data=.* holds other images"):
        lowered_run.lower_run(opts, tmp_path / "f", data_file=tmp_path / "d.npz")
    mirrored = lowered.opts(tmp_path / "run", lowered.CLASSIFIER, strategy="mirrored")
    with pytest.raises(InputError, match="strategy=mirrored has several replicas"):
        lowered_run.lower_run(mirrored, tmp_path / "f")
    assert not (tmp_path / "f").exists()
    assert not (tmp_path / "run").exists()
