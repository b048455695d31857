import types

import numpy as np
import pytest
from PIL import Image

from jem_tf import sampling
from jem_tf.generation import pictures

IMAGES = np.random.default_rng(0).uniform(-1, 1, [6, 4, 4, 3]).astype("float32")
FRAMES = np.random.default_rng(0).integers(0, 256, [5, 6, 4, 4, 3]).astype("uint8")
OF = sampling.Known(IMAGES[0], np.arange(4)[:, None, None] < [[2]] * 4)
NAMES = ("cat", "dog")


def plan(classes=None, of=None):
    labels = None if classes is None else np.repeat(classes, 6 // len(classes))
    return types.SimpleNamespace(classes=classes, labels=labels, known=of, n=6)


@pytest.mark.parametrize("classes", [None, [0, 1], [1]])
@pytest.mark.parametrize("mode", pictures.ENDINGS)
def test_every_picture_of_every_mode_opens(tmp_path, mode, classes):
    film = mode == "chain"
    drawn = sampling.Drawn(
        IMAGES, np.zeros(6), FRAMES if film else None, np.arange(5) if film else None
    )
    of = OF if mode == "inpaint" else None
    writers = pictures.picture_writers(drawn, plan(classes, of), NAMES)
    assert {".npz", *writers} == set(pictures.ENDINGS[mode])
    for ending, write in writers.items():
        write(tmp_path / f"x{ending}")
        with Image.open(tmp_path / f"x{ending}") as found:
            found.load()
            assert getattr(found, "n_frames", 1) == (5 if ending == ".gif" else 1)


def test_a_sheet_of_more_than_can_be_seen_shows_the_first(tmp_path):
    many = np.zeros([2 * 1000, 2, 2, 1], "float32")
    pictures.grid(many, NAMES)(tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as found:
        assert found.width < 3000
