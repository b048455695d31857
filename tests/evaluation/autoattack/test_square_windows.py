import numpy as np
import pytest
import tensorflow as tf

from jem_tf.evaluation.autoattack import square_windows


def test_the_sides_of_windows_by_hand():
    # p = .8 of 32 x 32 pixels is 819 of them, so the side is 29; after 10 queries 410.
    sides = square_windows.window_sides(5000, (32, 32, 3), "linf")
    assert [sides[t] for t in (1, 11, 12, 51, 52)] == [29, 29, 20, 20, 14]
    assert sides[5000] == 3  # p = .8 / 128
    odd = square_windows.window_sides(5000, (32, 32, 3), "l2")
    assert [odd[t] for t in (1, 12, 52, 5000)] == [29, 21, 15, 3]
    assert len(sides) == len(odd) == 5001


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_a_side_fits_the_image(norm):
    sides = square_windows.window_sides(300, (2, 5, 1), norm)
    assert sides.min() >= 1
    assert sides.max() <= 2


def slow_bump(height, width):
    """The paper's sum over squares round the middle, one square after another."""
    bump = np.zeros((height, width))
    for k in range(max(height, width) // 2 + 1):
        for i in range(height):
            for j in range(width):
                if max(abs(i - height // 2), abs(j - width // 2)) <= k:
                    bump[i, j] += 1 / (k + 1) ** 2
    return bump / np.sqrt((bump**2).sum())


@pytest.mark.parametrize("side", [2, 3, 5, 6, 7])
def test_a_pattern_is_a_bump_over_its_negative(side):
    upper = slow_bump(side // 2, side)
    lower = -slow_bump(side - side // 2, side)
    expected = np.concatenate([upper, lower]) / np.sqrt(2)
    np.testing.assert_allclose(square_windows.pattern(side), expected, atol=1e-6)


def test_stripes_are_vertical_and_all_over():
    drawn = square_windows.stripes(np.random.default_rng(0), (4, 6, 3))
    assert set(np.unique(drawn)) == {-1.0, 1.0}
    np.testing.assert_array_equal(drawn, np.repeat(drawn[:1], 4, axis=0))


@pytest.mark.parametrize("shape", [(32, 32, 3), (8, 8, 1), (3, 3, 1), (11, 16, 2)])
def test_tiles_have_length_1_and_equal_sizes(shape):
    drawn = square_windows.tiles(np.random.default_rng(0), shape)
    assert drawn.shape == shape
    assert np.linalg.norm(drawn) == pytest.approx(1, abs=1e-5)
    side = max(1, min(shape[:2]) // 5)
    # The middle tile's pattern, of one of its channels, is that of any other.
    top = (shape[0] - shape[0] // side * side) // 2
    left = (shape[1] - shape[1] // side * side) // 2
    tile = np.abs(drawn[top : top + side, left : left + side, 0])
    pattern = np.abs(square_windows.pattern(side))
    size = np.linalg.norm(tile)
    assert np.allclose(tile / size, pattern, atol=1e-5) or np.allclose(
        tile / size, pattern.T, atol=1e-5
    )


def test_windows_lie_everywhere_that_they_fit():
    corners = np.random.default_rng(0).random((400, 2), "float32")
    inside, rows, columns = square_windows.place_window(
        tf.constant(corners), tf.constant(3), 5, 4
    )
    assert (inside.numpy().sum((1, 2)) == 9).all()
    np.testing.assert_array_equal(
        inside,
        ((rows.numpy() >= 0) & (rows.numpy() < 3))[:, :, None]
        & ((columns.numpy() >= 0) & (columns.numpy() < 3))[:, None, :],
    )
    places = {
        (-r, -c) for r, c in zip(rows.numpy()[:, 0], columns.numpy()[:, 0], strict=True)
    }
    assert places == {(r, c) for r in range(3) for c in range(2)}
