import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageOps

from jem_tf.datasets import image_conversion, picture_files
from tests.datasets import odd_pictures

PNGS, JPEGS = odd_pictures.pngs(), odd_pictures.jpegs()
DEEP = odd_pictures.DEEP[..., 0]


def written(path, content):
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", PNGS)
def test_a_png_of_any_kind_is_its_pixels_on_white_and_upright(tmp_path, name):
    content, right = PNGS[name]
    picture = picture_files.read_picture(written(tmp_path / "x.png", content))
    np.testing.assert_array_equal(picture.over_white(), right)


@pytest.mark.parametrize("name", JPEGS)
def test_a_jpeg_of_any_kind_is_nearly_its_pixels_and_upright(tmp_path, name):
    content, right = JPEGS[name]
    picture = picture_files.read_picture(written(tmp_path / "x.jpg", content))
    assert np.abs(picture.over_white().astype(int) - right).max() <= 6
    assert (picture.alpha == 255).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_as_pillow_turns_them(tmp_path, orientation):
    content, _ = JPEGS[f"turned {orientation}"]
    picture = picture_files.read_picture(written(tmp_path / "x.jpg", content))
    pillows = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    np.testing.assert_array_equal(picture.rgb, np.asarray(pillows))


@pytest.mark.parametrize("kind", ["tif", "png", "webp"])
def test_other_formats_are_turned_once(tmp_path, kind):
    exif = Image.Exif()
    exif[picture_files.ORIENTATION] = 6
    image = Image.fromarray(odd_pictures.RGB)
    more = {"lossless": True} if kind == "webp" else {}
    image.save(tmp_path / f"x.{kind}", exif=exif, **more)
    picture = picture_files.read_picture(tmp_path / f"x.{kind}")
    right = odd_pictures.turned(odd_pictures.RGB, 6)
    np.testing.assert_array_equal(picture.rgb, right)


@pytest.mark.parametrize("damage", [b"Exif\0\0", b"Exif\0\0II", b"Exif\0\0?" * 9])
def test_damaged_exif_turns_nothing(tmp_path, damage):
    content = odd_pictures.encoded(odd_pictures.RGB, exif=damage)
    picture = picture_files.read_picture(written(tmp_path / "x.png", content))
    np.testing.assert_array_equal(picture.rgb, odd_pictures.RGB)


def test_sixteen_bits_that_hold_eight_are_those_eight(tmp_path):
    eight = np.arange(256, dtype="uint16").reshape(16, 16)
    for kind in ("png", "tif", "pgm", "jp2"):
        Image.fromarray(eight * 257).save(tmp_path / f"x.{kind}")
        picture = picture_files.read_picture(tmp_path / f"x.{kind}")
        np.testing.assert_array_equal(picture.rgb, odd_pictures.grey(eight))
        assert not picture.nearly_black


def tiff(values, bits, white_is_zero):
    """A grey TIFF in one strip, of 12 bits packed or of 16, by hand."""
    rows = values.astype(">u2")
    data = np.unpackbits(rows.view("uint8"), axis=1).reshape(*values.shape, 16)
    data = np.packbits(data[..., 16 - bits :].reshape(len(values), -1), axis=1)
    data = data.tobytes() if bits == 12 else values.astype("<u2").tobytes()
    tags = {256: values.shape[1], 257: len(values), 258: bits, 259: 1}
    tags |= {262: 0 if white_is_zero else 1, 273: 8, 277: 1, 278: len(values)}
    tags |= {279: len(data)}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, n) for tag, n in tags.items())
    directory = struct.pack("<H", len(tags)) + entries + bytes(4)
    return b"II*\0" + struct.pack("<I", 8 + len(data)) + data + directory


@pytest.mark.parametrize(
    ("bits", "white_is_zero"), [(16, False), (16, True), (12, False)]
)
def test_tiffs_say_their_own_scale(tmp_path, bits, white_is_zero):
    """12 bits, and white as 0, which Pillow hands on as they are."""
    content = tiff(DEEP >> (16 - bits), bits, white_is_zero)
    picture = picture_files.read_picture(written(tmp_path / "x.tif", content))
    right = 255 - (DEEP >> 8) if white_is_zero else DEEP >> 8
    np.testing.assert_array_equal(picture.rgb[..., 0], right)


def test_sixteen_bits_whose_upper_four_are_empty_are_told(tmp_path):
    Image.fromarray(DEEP >> 4).save(tmp_path / "x.png")
    picture = picture_files.read_picture(tmp_path / "x.png")
    assert picture.nearly_black
    assert picture.rgb.max() < 16


def test_floats_from_0_to_1_are_black_to_white(tmp_path):
    eight = odd_pictures.RGB[..., 0]
    Image.fromarray(eight.astype("float32") / 255).save(tmp_path / "x.tif")
    picture = picture_files.read_picture(tmp_path / "x.tif")
    np.testing.assert_array_equal(picture.rgb, odd_pictures.grey(eight))


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (DEEP.astype("float32"), "floats from .* to 6.*, and only 0 to 1 are read"),
        (
            DEEP / np.float32(-65535),
            "floats from -0.98.* to -0.02.*, and only 0 to 1 are read",
        ),
        (DEEP.astype("int32"), "int32 pixels, and only unsigned integers of 8 or 16"),
    ],
)
def test_numbers_without_a_known_black_and_white_are_refused(tmp_path, values, says):
    Image.fromarray(values).save(tmp_path / "x.tif")
    with pytest.raises(picture_files.UnreadableError, match=says):
        picture_files.read_picture(tmp_path / "x.tif")


def test_the_first_frame_is_the_picture(tmp_path):
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "lime", "blue")]
    for kind in ("gif", "png", "webp", "tif"):
        place = tmp_path / f"x.{kind}"
        frames[0].save(place, save_all=True, append_images=frames[1:])
        red = picture_files.read_picture(place).rgb.astype(int)
        assert np.abs(red - [255, 0, 0]).max() <= 5, kind


@pytest.mark.parametrize(
    ("name", "is_picture"),
    [
        *(("a.png", True), ("a.JPG", True), ("a.b.jpeg", True), ("a.webp", True)),
        *(("a.tiff", True), ("a.mpo", True), ("a.pgm", True), ("a.gif", True)),
        *(("a.txt", False), ("a", False), ("png", False), ("a.mpg", False)),
        *(("a.pdf", False), ("a.h5", False), ("a.npy", False), ("a.svg", False)),
    ],
)
def test_pictures_are_told_by_their_names(name, is_picture):
    assert picture_files.is_picture_name(name) == is_picture


def test_what_is_no_picture_says_why(tmp_path, monkeypatch):
    def why(content):
        with pytest.raises(picture_files.UnreadableError) as raised:
            picture_files.read_picture(written(tmp_path / "x.png", content))
        return str(raised.value)

    whole = odd_pictures.encoded(odd_pictures.RGB)
    assert why(b"words") == "of no known format"
    assert "truncated" in why(whole[:-40])
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 16)
    assert why(whole) == "more pixels than Pillow opens"
    with pytest.raises(picture_files.UnreadableError, match="No such file"):
        picture_files.read_picture(tmp_path / "none.png")


@pytest.mark.parametrize("mode", ["L", "I;16", "P", "RGBA", "CMYK", "RGB"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_uncompressed_tiff_is_turned_as_it_is_in_memory(tmp_path, mode, orientation):
    """Pillow maps such a file, and puts its rows together after the turn."""
    rgb = np.random.default_rng(0).integers(0, 256, [4, 6, 3], "uint8")
    deep = rgb[..., 0].astype("uint16") << 8
    picture = Image.fromarray(deep if mode == "I;16" else rgb)
    if mode != "I;16":
        picture = picture.convert(mode)
    exif = Image.Exif()
    exif[picture_files.ORIENTATION] = orientation
    file = tmp_path / "x.tif"
    picture.save(file, exif=exif)
    upright = picture_files.read_picture(file).over_white()
    assert upright.shape[:2] == ((4, 6) if orientation < 5 else (6, 4))
    picture.save(tmp_path / "as_it_is.tif")
    stored = picture_files.read_picture(tmp_path / "as_it_is.tif").over_white()
    turned = image_conversion.upright(stored, orientation)
    np.testing.assert_array_equal(upright, turned)
