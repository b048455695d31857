import types

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from jem_tf.errors import InputError
from jem_tf.generation import inpainting_inputs
from tests.datasets import odd_pictures

SHAPE = (4, 6, 3)


def picture(path, pixels, mode="RGB"):
    Image.fromarray(np.asarray(pixels, "uint8")).convert(mode).save(path)
    return str(path)


@pytest.mark.parametrize(
    ("name", "other"), [("left", "right"), ("top", "bottom"), ("right", "left")]
)
def test_two_halves_are_the_whole_and_share_nothing(name, other):
    one, two = (
        inpainting_inputs.read_mask(name, SHAPE),
        inpainting_inputs.read_mask(other, SHAPE),
    )
    assert one.shape == (4, 6, 1)
    assert (one ^ two).all()
    assert one.sum() == two.sum() == 12


def test_halves_lie_where_their_names_say():
    assert inpainting_inputs.read_mask("left", SHAPE)[:, 0].all()
    assert inpainting_inputs.read_mask("top", SHAPE)[0].all()


def test_half_is_a_chessboard():
    free = inpainting_inputs.read_mask("half", SHAPE)[..., 0]
    assert (free[:, 1:] ^ free[:, :-1]).all()
    assert (free[1:] ^ free[:-1]).all()


def test_a_rectangle_is_from_column_and_row_to_before_the_others():
    expected = np.zeros([4, 6, 1], bool)
    expected[1:3, 2:6] = True
    np.testing.assert_array_equal(
        inpainting_inputs.read_mask("2,1,6,3", SHAPE), expected
    )


def test_a_mask_is_free_where_its_picture_is_white(tmp_path):
    white = np.random.default_rng(0).integers(0, 2, [4, 6])
    name = picture(tmp_path / "mask.png", 255 * white, "L")
    np.testing.assert_array_equal(
        inpainting_inputs.read_mask(name, SHAPE)[..., 0], white == 1
    )


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("2,1,7,3", "is empty or not within the image; give 0 <= X0 < X1 <= 6"),
        ("-1,1,2,3", "not within the image"),
        ("2,1,2,3", "is empty"),
        ("0,0,1,5", "0 <= Y0 < Y1 <= 4"),
        ("middle", "must be X0,Y0,X1,Y1, left, right, top, bottom, half or a picture"),
        ("1,2,3", "must be X0,Y0,X1,Y1"),
        ("{}/small.png", "is 6 x 3 pixels; the run's images are 6 x 4: resize it."),
        ("{}/black.png", "has no white: nothing is left to paint."),
        ("{}/words.png", "is not a readable picture"),
        ("{}", "is not a readable picture"),
    ],
)
def test_a_mask_that_is_none_is_refused_in_a_sentence(tmp_path, name, says):
    picture(tmp_path / "small.png", np.full([3, 6], 255))
    picture(tmp_path / "black.png", np.zeros([4, 6]))
    (tmp_path / "words.png").write_text("words")
    name = name.format(tmp_path)
    with pytest.raises(InputError) as error:
        inpainting_inputs.read_mask(name, SHAPE)
    assert str(error.value).startswith(f"mask={name} ")
    assert says in str(error.value)


def digits():
    images = tf.constant(np.arange(4 * 6 * 3 * 2).reshape(2, *SHAPE), tf.uint8)
    return types.SimpleNamespace(test=types.SimpleNamespace(images=images))


def test_an_image_is_the_test_sets_or_a_pictures(tmp_path):
    of_test = inpainting_inputs.read_image("test:1", SHAPE, digits)
    expected = digits().test.images[1].numpy() / 127.5 - 1
    np.testing.assert_allclose(of_test, expected, atol=1e-6)
    name = picture(tmp_path / "one.png", digits().test.images[1].numpy())
    np.testing.assert_array_equal(
        inpainting_inputs.read_image(name, SHAPE, None), of_test
    )


def test_a_picture_becomes_gray_where_the_model_is(tmp_path):
    name = picture(tmp_path / "red.png", np.tile([200, 0, 0], [4, 6, 1]))
    gray = inpainting_inputs.read_image(name, (4, 6, 1), None)
    assert gray.shape == (4, 6, 1)
    assert np.unique(gray).size == 1


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("test:2", "the test images are 0 to 1."),
        ("test:-1", "the test images are 0 to 1."),
        ("test:", "the test images are 0 to 1."),
        ("nowhere.png", "is not a readable picture; it must be a picture or test:0."),
        ("{}/cut.png", "is not a readable picture"),
        ("{}/small.png", "is 6 x 3 pixels; the run's images are 6 x 4: resize it."),
    ],
)
def test_an_image_that_is_none_is_refused_in_a_sentence(tmp_path, name, says):
    noise = np.random.default_rng(0).integers(0, 256, [4, 6, 3])
    whole = picture(tmp_path / "whole.png", noise)
    with open(whole, "rb") as file:
        (tmp_path / "cut.png").write_bytes(file.read()[:60])
    picture(tmp_path / "small.png", noise[:3])
    name = name.format(tmp_path)
    with pytest.raises(InputError, match=f"^image={name}") as error:
        inpainting_inputs.read_image(name, SHAPE, digits)
    assert says in str(error.value)


@pytest.mark.parametrize("name", odd_pictures.pngs())
def test_an_image_is_read_as_data_sets_are(tmp_path, name):
    file, right = odd_pictures.pngs()[name]
    (tmp_path / "x.png").write_bytes(file)
    image = inpainting_inputs.read_image(str(tmp_path / "x.png"), right.shape, None)
    np.testing.assert_allclose(image, right / 127.5 - 1, atol=1e-6)


@pytest.mark.parametrize("kind", ["LA", "RGBA", "P"])
def test_a_masks_opaque_pixels_are_free_whatever_their_colour(tmp_path, kind):
    opaque = np.random.default_rng(0).integers(0, 2, [4, 6], dtype="uint8")
    if kind == "P":
        mask = Image.fromarray(opaque, "P")
        mask.putpalette([255, 255, 255, 0, 0, 0])  # transparent white, opaque black
        mask.save(tmp_path / "mask.png", transparency=0)
    else:
        colours = np.where(opaque, 0, 255)[..., None].repeat(len(kind) - 1, -1)
        values = np.concatenate([colours, 255 * opaque[..., None]], -1)
        Image.fromarray(values.astype("uint8")).save(tmp_path / "mask.png")
    free = inpainting_inputs.read_mask(str(tmp_path / "mask.png"), SHAPE)
    np.testing.assert_array_equal(free[..., 0], opaque == 1)


@pytest.mark.parametrize("depth", ["uint16", "bool", "RGBA"])
def test_an_opaque_mask_of_any_depth_is_free_where_it_is_white(tmp_path, depth):
    white = np.random.default_rng(1).integers(0, 2, [4, 6])
    if depth == "RGBA":
        image = Image.fromarray((255 * white).astype("uint8")).convert("RGBA")
    else:
        image = Image.fromarray(white.astype(bool))
        if depth == "uint16":  # and black is not 0, as in a scan
            image = Image.fromarray((5000 + 55000 * white).astype("uint16"))
    image.save(tmp_path / "mask.png")
    free = inpainting_inputs.read_mask(str(tmp_path / "mask.png"), SHAPE)
    np.testing.assert_array_equal(free[..., 0], white == 1)


def test_a_mask_that_is_all_transparent_frees_nothing(tmp_path):
    Image.new("RGBA", (6, 4), (255, 255, 255, 0)).save(tmp_path / "mask.png")
    with pytest.raises(InputError, match="has nothing opaque: nothing is left"):
        inpainting_inputs.read_mask(str(tmp_path / "mask.png"), SHAPE)


def test_a_picture_is_no_image_of_other_channels(tmp_path):
    name = picture(tmp_path / "one.png", np.zeros([4, 6, 3]))
    with pytest.raises(InputError, match=r"^image=.* has 3 channels, .* made 4, as"):
        inpainting_inputs.read_image(name, (4, 6, 4), None)
