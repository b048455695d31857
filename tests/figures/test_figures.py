import numpy as np
import pytest
from PIL import Image

from jem_tf import figures
from jem_tf.errors import InputError
from jem_tf.figures import plots


def plain(*values, shape=(2, 3, 1)):
    return np.stack([np.full(shape, value, "float32") for value in values])


def test_pixels_of_minus_one_to_one_become_0_to_255():
    levels = np.arange(256)
    grid = figures.tile((levels / 127.5 - 1).reshape(1, 1, 256, 1))
    assert grid.dtype == np.uint8
    np.testing.assert_array_equal(grid[0, :, 0], levels)


def test_bytes_are_shown_as_they_are():
    levels = np.arange(256, dtype="uint8").reshape(1, 1, 256, 1)
    np.testing.assert_array_equal(figures.tile(levels), levels[0])


def test_pixels_beyond_the_range_are_clipped_and_do_not_wrap():
    assert (figures.tile(plain(-1.5)) == 0).all()
    assert (figures.tile(plain(7.0)) == 255).all()


def test_images_stand_row_by_row_with_a_white_pixel_between():
    grid = figures.tile(plain(-1, 0, -1, 0), columns=2)[..., 0]
    black, grey, white = 0, 128, 255
    row = [black] * 3 + [white] + [grey] * 3
    expected = [row, row, [white] * 7, row, row]
    np.testing.assert_array_equal(grid, expected)


def test_places_left_over_are_white():
    grid = figures.tile(plain(-1, -1, -1), columns=2)[..., 0]
    assert (grid[3:, 4:] == 255).all()
    assert (grid == 0).sum() == 3 * 6


@pytest.mark.parametrize(
    ("n", "columns", "shape"),
    [
        (1, None, (2, 3, 1)),
        (4, None, (5, 7, 1)),
        (5, None, (5, 11, 1)),
        (5, 5, (2, 19, 1)),
        (5, 1, (14, 3, 1)),
    ],
)
def test_the_grid_is_a_square_or_as_wide_as_told(n, columns, shape):
    assert figures.tile(plain(*[0] * n), columns=columns).shape == shape


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
def test_a_saved_picture_shows_the_grid_enlarged(tmp_path, channels, mode):
    shape = [4, 8, 8, channels]
    images = np.random.default_rng(0).uniform(-1, 1, shape)
    figures.save(tmp_path / "grid.png", images)
    with Image.open(tmp_path / "grid.png") as picture:
        assert picture.mode == mode
        saved = np.asarray(picture).reshape(*picture.size, channels)
    assert max(saved.shape) >= 640
    factor = saved.shape[0] // 17
    np.testing.assert_array_equal(saved[::factor, ::factor], figures.tile(images))
    np.testing.assert_array_equal(saved[factor - 1 :: factor], saved[::factor])


def test_a_large_picture_is_not_enlarged(tmp_path):
    figures.save(tmp_path / "grid.png", plain(0, shape=(20, 30, 3)), least_size=30)
    with Image.open(tmp_path / "grid.png") as picture:
        assert picture.size == (30, 20)


SAVES = {
    "images": lambda path: figures.save(path, plain(0)),
    "plot": lambda path: figures.save_plot(
        path, plots.lines(np.eye(3), "step", "E", "a chain")
    ),
}


@pytest.mark.parametrize("kind", SAVES)
def test_a_picture_takes_the_place_of_the_one_before(tmp_path, kind):
    (tmp_path / "picture.png").write_text("old")
    SAVES[kind](tmp_path / "picture.png")
    with Image.open(tmp_path / "picture.png") as picture:
        picture.load()
    assert [path.name for path in tmp_path.iterdir()] == ["picture.png"]


@pytest.mark.parametrize("kind", SAVES)
def test_a_picture_that_finds_no_place_leaves_nothing(tmp_path, kind):
    (tmp_path / "taken.png").mkdir()
    with pytest.raises(OSError, match="taken"):
        SAVES[kind](tmp_path / "taken.png")
    assert [path.name for path in tmp_path.iterdir()] == ["taken.png"]


@pytest.mark.parametrize("kind", SAVES)
def test_a_picture_that_breaks_off_leaves_the_old_one_whole(tmp_path, full_disk, kind):
    (tmp_path / "picture.png").write_text("old")
    with full_disk(100), pytest.raises(OSError, match="too large"):
        SAVES[kind](tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["picture.png"]


def test_one_image_is_a_grid_of_one():
    image = np.zeros([4, 3, 1])
    np.testing.assert_array_equal(figures.tile(image), figures.tile(image[None]))


@pytest.mark.parametrize(
    ("images", "columns", "says"),
    [
        (np.zeros([0, 4, 4, 3]), None, r"^images are of shape \[0, 4, 4, 3\]; give"),
        (np.zeros([4, 4]), None, r"^images are of shape \[4, 4\]"),
        (np.zeros([1, 4, 4, 2]), None, "^images have 2 channels; give 1 or 3"),
        (np.zeros([1, 4, 4, 3]), -1, "^columns is -1"),
    ],
)
def test_what_makes_no_picture_is_refused_and_nothing_written(
    images, columns, says, tmp_path
):
    with pytest.raises(InputError, match=says):
        figures.save(tmp_path / "picture.png", images, columns=columns)
    assert not list(tmp_path.iterdir())
