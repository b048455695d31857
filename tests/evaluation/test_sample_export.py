"""Exported samples are the samples, in the forms that other tools read."""

import numpy as np
import pytest
from PIL import Image

from jem_tf.errors import InputError
from jem_tf.evaluation import sample_export


def images(channels=3):
    shape = [12, 5, 7, channels]
    return np.random.default_rng(0).integers(0, 256, shape, dtype="uint8")


@pytest.mark.parametrize("channels", [1, 3])
def test_both_forms_are_the_samples_in_their_order(tmp_path, channels):
    samples = images(channels)
    folder = sample_export.export_samples(tmp_path / "new" / "export", samples)
    assert {x.name for x in folder.iterdir()} == {"samples.npz", "samples"}
    with np.load(folder / "samples.npz") as arrays:
        assert arrays.files == ["arr_0"]  # what guided-diffusion's evaluator reads
        assert arrays["arr_0"].dtype == "uint8"
        np.testing.assert_array_equal(arrays["arr_0"], samples)
    places = sorted((folder / "samples").iterdir())
    assert [x.name for x in places] == [f"{i:05}.png" for i in range(12)]
    for place, sample in zip(places, samples, strict=True):
        with Image.open(place) as picture:
            assert picture.mode == {1: "L", 3: "RGB"}[channels]
            read = np.asarray(picture).reshape(sample.shape)
            # Other tools convert to RGB.
            assert np.asarray(picture.convert("RGB")).shape == (5, 7, 3)
        np.testing.assert_array_equal(read, sample)


def test_an_empty_folder_is_filled_and_nothing_else_is_touched(tmp_path):
    (tmp_path / "empty").mkdir()
    sample_export.export_samples(tmp_path / "empty", images())
    for place in (tmp_path / "empty", tmp_path / "empty" / "samples.npz"):
        with pytest.raises(InputError, match=f"export={place} exists; remove it"):
            sample_export.check_export(place, 3)
        with pytest.raises(InputError, match=f"export={place} exists; remove it"):
            sample_export.export_samples(place, images()[:3])
    assert len(list((tmp_path / "empty" / "samples").iterdir())) == 12


def test_what_cannot_be_written_is_refused_in_a_line(tmp_path):
    (tmp_path / "file").touch()
    for call in (sample_export.check_export, sample_export.export_samples):
        with pytest.raises(InputError, match=r"export=.*file/export cannot be written"):
            call(
                tmp_path / "file" / "export",
                3 if call is sample_export.check_export else images(),
            )
    with pytest.raises(InputError, match="images of 2 channels"):
        sample_export.check_export(tmp_path / "new", 2)
    assert [x.name for x in tmp_path.iterdir()] == ["file"]


def test_an_export_that_fails_leaves_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(InputError, match="cannot be written: No space left"):
        sample_export.export_samples(tmp_path / "export", images())
    assert not list(tmp_path.iterdir())
