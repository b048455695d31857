"""Bytes of picture files to images within a graph."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from jem_tf.datasets import image_conversion, picture_folders
from jem_tf.serving import decoding
from tests.datasets import odd_pictures

PIXELS = np.random.default_rng(0).integers(0, 256, [8, 6, 3]).astype("uint8")
FILES = {
    **{f"png, {name}": one for name, one in odd_pictures.pngs().items()},
    **{f"jpeg, {name}": one for name, one in odd_pictures.jpegs().items()},
}


def encoded(pixels, kind="PNG", **more):
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, kind, **more)
    return content.getvalue()


def test_a_png_of_the_models_shape_is_its_pixels():
    decoded = decoding.decode(tf.constant([encoded(PIXELS)] * 2), (8, 6, 3))
    np.testing.assert_array_equal(decoded, [PIXELS] * 2)


def test_a_jpeg_is_nearly_its_pixels():
    smooth = np.full([8, 8, 3], [200, 100, 50], "uint8")
    decoded = decoding.decode(tf.constant([encoded(smooth, "JPEG")]), (8, 8, 3))
    assert np.abs(decoded[0].numpy().astype(int) - smooth).max() <= 4


def test_another_size_is_resized_and_colour_made_grey():
    flat = np.full([16, 12, 3], 90, "uint8")
    decoded = decoding.decode(tf.constant([encoded(flat)]), (8, 6, 1))
    np.testing.assert_array_equal(decoded, np.full([1, 8, 6, 1], 90))


@pytest.fixture(scope="module")
def decode():
    """{shape: the decoder of that shape as a graph}."""
    graphs = {}

    def decode(file, shape):
        if shape not in graphs:
            graphs[shape] = tf.function(
                lambda files: decoding.decode(files, shape), autograph=False
            )
        return graphs[shape](tf.constant([file]))[0].numpy()

    return decode


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_any_kind_is_decoded_as_it_is_read_for_training(
    tmp_path, decode, name
):
    file, _ = FILES[name]
    kind = "png" if name.startswith("png") else "jpg"
    for folder in "ab":
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"0.{kind}").write_bytes(file)
    most = 0 if kind == "png" else 3  # levels: another machine's decoder may round

    def check(shape, read):
        difference = np.abs(decode(file, shape).astype(int) - read)
        assert difference.max() <= most

    (picture, _) = picture_folders.read_pictures(f"folder:{tmp_path}")
    check(picture.shape, picture)
    for size in (7, 32):
        splits, _ = picture_folders.read_folder(f"folder:{tmp_path}", size)
        check((size, size, 3), splits["train"][0][0])
        grey, _ = image_conversion.convert_images([picture], (size, size, 1))
        check((size, size, 1), grey[0])


@pytest.mark.parametrize("content", [b"", b"hello", encoded(PIXELS)[:40]])
def test_what_is_no_picture_is_refused_at_run_time(content):
    with pytest.raises(tf.errors.InvalidArgumentError):
        decoding.decode(tf.constant([content]), (8, 6, 3))
