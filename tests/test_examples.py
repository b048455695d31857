"""Each script in examples/ runs as it stands, and shows what it says."""

import contextlib
import io
import pathlib
import runpy

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.slow

EXAMPLES = pathlib.Path(__file__).resolve().parent.parent / "examples"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(name):
    """What an example prints."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    return out.getvalue().splitlines()


def test_every_example_has_a_test():
    tested = pathlib.Path(__file__).read_text()
    for path in EXAMPLES.glob("*.py"):
        assert f'run("{path.stem}")' in tested


def test_digits_are_known_and_noise_is_not():
    lines = run("classify_and_detect")
    assert [line.split(":")[0] for line in lines] == ["digits"] * 5 + ["noise"] * 5
    assert ["does not know" in line for line in lines] == [False] * 5 + [True] * 5


def test_the_known_half_stays_and_the_other_is_painted():
    assert run("draw_and_inpaint") == []
    picture = np.asarray(Image.open("drawn.png"))
    scale = picture.shape[1] // (8 * 33 - 1)  # a pixel of paper between two images
    chain = picture[scale // 2 :: scale, scale // 2 :: scale][66:98]
    tiles = [chain[:, 33 * i : 33 * i + 32] for i in range(8)]
    for tile in tiles[1:]:
        np.testing.assert_array_equal(tile[:16], tiles[0][:16])
        assert (tile[16:] != tiles[0][16:]).any()


def test_the_classifier_becomes_a_jem_that_classifies_and_draws():
    accuracy = [float(line.split()[-1]) for line in run("classifier_to_jem")]
    assert accuracy[1] > accuracy[0] - 0.05 > 0.7
    assert len(np.unique(np.asarray(Image.open("jem.png")))) > 50
