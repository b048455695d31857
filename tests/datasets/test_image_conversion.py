import numpy as np
import pytest

from jem_tf.datasets import image_conversion

IMAGES = np.random.default_rng(0).integers(0, 256, [9, 8, 8, 3], "uint8")


def test_resizing_halves_a_picture_of_even_blocks_exactly():
    blocks = np.random.default_rng(0).integers(0, 256, [3, 4, 4, 3], dtype="uint8")
    # The filter that halves an image reaches beyond a 2x2 block, but not beyond an 8x8
    # one's middle.
    large = blocks.repeat(8, axis=1).repeat(8, axis=2)
    small = image_conversion.resize(large, (16, 16))
    assert small.dtype == np.uint8
    np.testing.assert_array_equal(small[:, 1::4, 1::4], blocks)


def test_resizing_averages_rather_than_skips():
    stripes = np.zeros([1, 32, 32, 1], "uint8")
    stripes[:, 1::4] = stripes[:, 2::4] = 255  # the two rows that skipping would see
    small = image_conversion.resize(stripes, (8, 8))[0, 2:-2, 2:-2]
    assert small.min() > 100
    assert small.max() < 200


@pytest.mark.parametrize("shape", [(5, 7, 3), (2, 5, 7, 1)])
def test_resizing_keeps_a_plain_colour_and_makes_a_square(shape):
    resized = image_conversion.resize(np.full(shape, 93, "uint8"), (12, 12))
    assert resized.shape == (*shape[:-3], 12, 12, shape[-1])
    assert set(resized.flat) == {93}


def test_resizing_to_an_oblong_gives_rows_and_columns_in_this_order():
    rows = np.arange(0, 240, 10, dtype="uint8").reshape(24, 1, 1).repeat(10, axis=1)
    resized = image_conversion.resize(rows, (12, 5))
    assert resized.shape == (12, 5, 1)
    assert (np.diff(resized[:, 0, 0].astype(int)) > 0).all()
    assert (resized == resized[:, :1]).all()


def test_other_shapes_are_converted_and_it_is_said():
    grey = IMAGES[..., :1]
    as_rgb, how = image_conversion.convert_images(grey, (8, 8, 3))
    np.testing.assert_array_equal(as_rgb, np.repeat(grey, 3, axis=-1))
    assert how == "grey repeated to RGB"
    as_grey, how = image_conversion.convert_images(as_rgb, (8, 8, 1))
    np.testing.assert_array_equal(as_grey, grey)
    assert "grey" in how
    sizes = [np.full([h, w, 3], 77, "uint8") for h, w in ((8, 8), (5, 9), (40, 20))]
    resized, how = image_conversion.convert_images(sizes, (16, 12, 3))
    assert resized.shape == (3, 16, 12, 3)
    assert (resized == 77).all()
    assert "resized to 16x12" in how


def test_images_of_the_right_shape_are_left_alone():
    converted, how = image_conversion.convert_images(IMAGES, (8, 8, 3))
    np.testing.assert_array_equal(converted, IMAGES)
    assert how == "as they are"


@pytest.mark.parametrize(
    ("colour", "level"),
    [((255, 0, 0), 76), ((0, 255, 0), 150), ((0, 0, 255), 29), ((9, 9, 9), 9)],
)
def test_grey_is_the_luma_of_itu_r_601(colour, level):
    image = np.full([1, 8, 8, 3], colour, "uint8")
    converted, how = image_conversion.convert_images(image, (8, 8, 1))
    assert converted.shape == (1, 8, 8, 1)
    assert set(converted.flat) == {level}
    assert how == "made grey (ITU-R 601)"


def test_each_change_is_told_once_however_many_images_undergo_it():
    grey = np.zeros([2, 4, 4, 1], "uint8")
    images = [*grey, *IMAGES]
    _, how = image_conversion.convert_images(images, (8, 8, 3))
    assert how == ("resized to 8x8, bilinear with antialiasing, grey repeated to RGB")


def test_grey_is_rounded_from_the_exact_luma_of_every_colour():
    green, blue = np.meshgrid(np.arange(256), np.arange(256))
    for red in range(0, 256, 5):
        colours = np.stack([np.full_like(green, red), green, blue], -1)
        exact = colours @ [299, 587, 114]
        grey = image_conversion.to_channels(colours.astype("uint8"), 1)[..., 0]
        assert np.abs(grey * 1000.0 - exact).max() <= 500


def test_a_grey_level_is_itself_in_colour_and_back():
    grey = np.arange(256, dtype="uint8").reshape(16, 16, 1)
    rgb = image_conversion.to_channels(grey, 3)
    np.testing.assert_array_equal(rgb, grey.repeat(3, -1))
    np.testing.assert_array_equal(image_conversion.to_channels(rgb, 1), grey)


@pytest.mark.parametrize(("given", "wanted"), [(3, 4), (1, 4), (4, 3), (2, 1), (3, 5)])
def test_channels_that_are_no_colours_are_refused(given, wanted):
    image = np.zeros([4, 4, given], "uint8")
    with pytest.raises(ValueError, match=f"^{given} channels, .* made {wanted}$"):
        image_conversion.to_channels(image, wanted)
    with pytest.raises(ValueError, match=f"^{given} channels"):
        image_conversion.convert_images([image], (4, 4, wanted))
    same, _ = image_conversion.convert_images([image], (4, 4, given))
    np.testing.assert_array_equal(same, [image])


@pytest.mark.parametrize(
    ("values", "eight"),
    [
        (np.arange(256, dtype="uint8"), np.arange(256)),
        (np.arange(256, dtype="uint16") * 257, np.arange(256)),
        (np.array([0, 255, 256, 65535], "uint16"), [0, 0, 1, 255]),
        (np.arange(256, dtype="float32") / 255, np.arange(256)),
        (np.array([0, 0.25, 1], "float16"), [0, 64, 255]),
        (np.array([False, True]), [0, 255]),
    ],
)
def test_every_depth_becomes_8_bits_and_8_bits_come_back(values, eight):
    converted = image_conversion.to_eight_bits(values)
    assert converted.dtype == np.uint8
    np.testing.assert_array_equal(converted, eight)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (np.array([0.0, 1.5], "float32"), "floats from 0 to 1.5, and only 0 to 1"),
        (np.array([-1.0, 1.0]), "floats from -1 to 1, and only 0 to 1"),
        (np.array([0.0, np.nan]), "floats from nan to nan"),
        (np.array([0, 255]), "int64 pixels"),
        (np.array([0, 255], "int16"), "int16 pixels"),
        (np.array([0, 255], "uint32"), "uint32 pixels"),
    ],
)
def test_values_without_a_known_black_and_white_are_refused(values, says):
    with pytest.raises(ValueError, match=f"^{says}"):
        image_conversion.to_eight_bits(values)


def test_alpha_lets_white_through_in_its_share():
    colour, alpha = np.meshgrid(np.arange(256), np.arange(256))
    laid = image_conversion.over_white(np.stack([colour, alpha], -1).astype("uint8"))
    exact = (colour * alpha + 255 * (255 - alpha)) / 255
    assert np.abs(laid[..., 0] - exact).max() <= 0.5
    np.testing.assert_array_equal(laid[255, :, 0], np.arange(256))
    assert (laid[0] == 255).all()


@pytest.mark.parametrize(("channels", "left"), [(1, 1), (2, 1), (3, 3), (4, 3)])
def test_standard_images_are_grey_or_rgb(channels, left):
    deep = np.full([3, 4, channels], 0xFFFF, "uint16")
    deep[..., 0] = 0x1234
    standard = image_conversion.standardise(deep)
    assert standard.shape == (3, 4, left)
    assert (standard[..., 0] == 0x12).all()
    with pytest.raises(ValueError, match=r"^5 channels, and only grey or RGB"):
        image_conversion.standardise(np.zeros([3, 4, 5], "uint8"))
