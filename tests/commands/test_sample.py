"""The tool, end to end: pictures of a run of `flags/smoke.flags`, and bad input."""

import json

import numpy as np
import pytest
from PIL import Image

import jem_tf
from jem_tf import datasets, pixels, sampling
from tests.processes import ROOT, contents, forked, tool_here

pytestmark = pytest.mark.slow

TOOL = ROOT / "tools" / "sample.py"
ASKED = {
    "grid": ["--count=7", "--candidates=3", "--seed=4"],
    "classes": ["--labels=3,5", "--count=4"],
    "chain": ["--mode=chain", "--count=3", "--start=noise", "--steps=9", "--frames=4"],
    "inpaint": ["--mode=inpaint", "--image=test:3", "--mask=right", "--count=3"],
}


def draw(run, out, *asked):
    return tool_here(TOOL, f"--workdir={run}", f"--out={out}", *asked)


@pytest.fixture(scope="module")
def place(tmp_path_factory, trained):
    """A folder with runs and pictures of one, each kind in a folder of its own."""
    place = tmp_path_factory.mktemp("runs")
    trained(place / "smoke")
    trained(place / "plain", "--p_x_weight=0", "--steps=1")
    before = contents(place)
    for name, asked in ASKED.items():
        ended = draw(place / "smoke", place / name, *asked)
        assert (ended.code, ended.err) == (0, "")
        paths = ended.out.splitlines()[1:]
        assert sorted(paths) == sorted(map(str, (place / name).iterdir()))
    assert before.items() <= contents(place).items()  # the run stays as it is
    return place


def arrays(folder):
    (path,) = folder.glob("*.npz")
    with np.load(path) as found:  # without pickles
        return dict(found)


def picture(folder, ending=".png"):
    (path,) = folder.glob(f"*{ending}")
    return Image.open(path)


def test_a_grid_is_the_models_samples(place):
    found = arrays(place / "grid")
    model = jem_tf.load(place / "smoke").model
    expected = model.sample(7, candidates=3, seed=4).numpy()
    np.testing.assert_allclose(found["pixels"], expected, atol=1e-5)
    np.testing.assert_array_equal(found["images"], sampling.to_uint8(found["pixels"]))
    energies = model.energy()(found["pixels"])
    np.testing.assert_allclose(found["energies"], energies, rtol=1e-5)
    assert (found["labels"] == -1).all()
    assert found["seed"] == 4


def test_the_npz_tells_how(place):
    settings = json.loads(str(arrays(place / "chain")["settings"]))
    assert (settings["mode"], settings["start"]) == ("chain", "noise")
    assert (settings["count"], settings["steps"], settings["frames"]) == (3, 9, 4)
    assert (settings["checkpoint_step"], settings["seed"]) == (12, 0)
    assert settings["noise"] == 0.01  # the run's


def test_a_class_gets_a_row(place):
    found = arrays(place / "classes")
    np.testing.assert_array_equal(found["labels"], [3] * 4 + [5] * 4)
    assert found["images"].shape == (8, 8, 8, 1)
    with picture(place / "classes") as sheet:
        sheet.load()


def test_a_film_goes_from_the_start_to_the_end_of_the_chains(place):
    found = arrays(place / "chain")
    np.testing.assert_array_equal(found["frame_steps"], [0, 3, 6, 9])
    np.testing.assert_array_equal(found["frames"][-1], found["images"])
    with picture(place / "chain", ".gif") as film:
        assert film.n_frames == 4
        assert min(film.size) >= 480
        for n, frame in enumerate(found["frames"]):
            film.seek(n)
            shown = np.asarray(film.convert("L"))
            scale = shown.shape[0] // (2 * 9 - 1)  # two by two, a white pixel between
            np.testing.assert_array_equal(
                shown[::scale, ::scale][:8, :8], frame[0, ..., 0]
            )


def test_an_inpainting_keeps_what_is_known(place):
    found = arrays(place / "inpaint")
    image = pixels.from_uint8(datasets.load("digits").test.images[3]).numpy()
    np.testing.assert_array_equal(found["image"], image)
    assert found["free"][:, 4:].all()
    assert not found["free"][:, :4].any()
    np.testing.assert_array_equal(found["pixels"][:, :, :4], [image[:, :4]] * 3)
    assert (found["pixels"][:, :, 4:] != image[:, 4:]).mean() > 0.9
    assert len(np.unique(found["pixels"].reshape(3, -1), axis=0)) == 3


def test_equal_flags_give_equal_files_in_another_process(place):
    asked = [f"--workdir={place / 'smoke'}", f"--out={place / 'again'}"]
    with forked(TOOL, *asked, *ASKED["chain"]) as program:
        code, _, err = program.end()
    assert (code, err) == (0, "")
    first, again = (
        {path.name: path.read_bytes() for path in (place / name).iterdir()}
        for name in ("chain", "again")
    )
    assert first == again


def test_another_seed_gives_other_pictures_beside_the_first(place):
    folder = place / "grid"
    before = contents(folder)
    assert draw(place / "smoke", folder, *ASKED["grid"], "--seed=5").code == 0
    after = contents(folder)
    assert before.items() < after.items()
    assert len({after[path] for path in after}) == 4
    for path in set(after) - set(before):
        path.unlink()


def test_a_plain_classifier_starts_from_noise_and_says_so(place):
    ended = tool_here(TOOL, f"--workdir={place / 'plain'}", "--count=2", "--steps=3")
    assert (ended.code, ended.err) == (0, "")
    said, *_ = ended.out.splitlines()
    assert said == "a plain classifier has no buffer: chains start from U(-1, 1) noise"
    (path,) = (place / "plain" / "samples").glob("*.png")
    assert path.name == "grid-step_1-count_2-steps_3.png"


def test_copies_are_announced(place, tmp_path):
    """The buffer has a hundred chains."""
    for begin, announced in {"buffer": True, "fresh": False}.items():
        asked = ["--count=101", "--steps=2", f"--start={begin}"]
        ended = draw(place / "smoke", tmp_path / begin, *asked)
        assert (ended.code, ended.err) == (0, "")
        assert ("too few chains for so many" in ended.out) == announced


BAD = {
    "--labels=cat": "--labels=cat: the run has no class 'cat'; choose among 0, 1, 2",
    "--labels=3,10": "--labels=3,10: the run has no class '10'",
    "--labels=3,": "--labels=3,: the run has no class ''",
    "--count=0": "flag --count=0: 0 is not a positive integer",
    "--steps=0": "flag --steps=0: 0 is not a positive integer",
    "--start=cold": "flag --start=cold: value should be one of <buffer|fresh|noise>",
    "--seed=-1": "flag --seed=-1",
    "--frames=9": "--frames=9 is for --mode=chain.",
    "--mask=left": "--mask=left is for --mode=inpaint.",
    "--mode=chain --candidates=2": "--candidates=2 is for --mode=grid or inpaint.",
    "--mode=inpaint --mask=left": "--mode=inpaint needs an --image, a picture or",
    "--mode=inpaint --image=test:0": "--mode=inpaint needs an --image, a picture or",
    "--mode=inpaint --image=test:0 --mask=0,0,9,9": "--mask=0,0,9,9 is empty or not",
    "--mode=inpaint --image=test:9999 --mask=left": "--image=test:9999: the test",
    "--noise=3e38": "100 of 100 images have pixels that are not finite",
    "--step_size=nan": "flag --step_size=nan: it must be a number above 0",
    "--step_size=0": "flag --step_size=0.0: it must be a number above 0",
    "--temperature=0": "flag --temperature=0.0: it must be a number above 0",
    "--noise=-1": "flag --noise=-1.0: it must be a number at least 0",
    "steps=20": "'steps=20' is not a flag; write --name=value.",
}


@pytest.mark.parametrize("asked", BAD)
def test_what_cannot_be_drawn_is_refused_in_a_line_and_leaves_nothing(place, asked):
    code, out, err = draw(place / "smoke", place / "bad", *asked.split())
    assert (code, out) == (1, "")
    assert err.startswith(f"jem_tf: {BAD[asked]}")
    assert err.count("\n") == 1
    assert not [*place.glob("bad/*")]


def test_nothing_is_written_over(place):
    before = contents(place / "chain")
    (path, *_) = sorted(before, key=lambda path: path.suffix != ".npz")
    ended = draw(place / "smoke", place / "chain", *ASKED["chain"])
    told = f"jem_tf: {path} exists; remove it, or name another --out.\n"
    assert ended == (1, "", told)
    assert contents(place / "chain") == before


def test_where_there_is_no_place_nothing_is_drawn(place):
    ended = draw(place / "smoke", place / "smoke" / "run.flags")
    assert ended.code == 1
    assert ended.err.startswith(f"jem_tf: --out={place / 'smoke' / 'run.flags'} cannot")
    assert ended.err.endswith("; name another.\n")


def test_a_full_disk_leaves_nothing(place, full_disk):
    with full_disk(600):
        ended = draw(place / "smoke", place / "full", "--count=9")
    assert (ended.code, ended.out) == (1, "")
    said = ended.err.splitlines()[-1]  # after what TensorFlow has to log, if anything
    assert said.startswith(f"jem_tf: --out={place / 'full'} cannot be written")
    assert not [*place.glob("full/*")]


def test_what_is_no_run_or_has_no_buffer_is_refused(place):
    (place / "none").mkdir()
    ended = draw(place / "none", place / "bad")
    told = f"jem_tf: {place / 'none'} holds no run of jem_tf; name the folder of one.\n"
    assert ended == (1, "", told)
    ended = draw(place / "plain", place / "bad", "--start=buffer")
    told = f"{place / 'plain'} is a plain classifier without a buffer"
    assert ended.err == f"jem_tf: --start=buffer: {told}; give --start=noise.\n"


def test_without_the_data_it_says_which_chains_need_none(no_network, tmp_path):
    asked = ("--model=cifar10", "--mode=chain", f"--data_dir={tmp_path}")
    end = tool_here(TOOL, *asked, f"--out={tmp_path / 'out'}")
    assert end.code == 1
    assert "begin at --start=noise, or go on from --start=buffer" in end.err
    assert end.err.count("\n") == 1
    assert not (tmp_path / "out").exists()
