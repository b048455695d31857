import itertools

import numpy as np
import pytest

from jem_tf import figures
from jem_tf.figures import captioned_grids


def images(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype("float32")


def shown(axes):
    """The image in a panel, uint8 [H, W, 3]."""
    (image,) = axes.images
    return np.asarray(image.get_array())


def ticks(axis):
    labels = [label.get_text() for label in axis.get_ticklabels()]
    return dict(zip(labels, axis.get_ticklocs(), strict=True))


def test_a_strip_has_every_image_with_its_caption_under_the_names_of_the_columns():
    rows = {"raw": images(3, 4, 5, 3), "moved": images(3, 4, 5, 3, seed=1)}
    captions = {"raw": ["a", "b", "c"], "moved": ["d", "e", "f"]}
    figure = captioned_grids.captioned_rows(rows, captions, ["cat", "dog", "elk"])
    panels = np.reshape(figure.axes, [2, 3])
    assert [axes.get_title() for axes in panels[0]] == ["cat", "dog", "elk"]
    for line, label in zip(panels, rows, strict=True):
        assert line[0].get_ylabel() == label
        assert [axes.get_xlabel() for axes in line] == captions[label]
        for axes, image in zip(line, rows[label], strict=True):
            np.testing.assert_array_equal(shown(axes), figures.tile(image[None]))


def test_a_strip_takes_one_caption_for_each_image():
    with pytest.raises(ValueError, match="zip"):
        captioned_grids.captioned_rows(
            {"raw": images(2, 4, 4, 3)}, {"raw": ["a"]}, ["x", "y"]
        )


def test_names_of_classes_and_columns_stand_at_the_middles_of_their_images():
    rows = images(2, 3, 5, 7, 3)
    (axes,) = captioned_grids.labelled_rows(
        rows, ["cat", "dog"], columns=["0", "5", "9"]
    ).axes
    np.testing.assert_array_equal(
        shown(axes), figures.tile(rows.reshape(6, 5, 7, 3), columns=3)
    )
    assert ticks(axes.yaxis) == {"cat": 2, "dog": 8}
    assert ticks(axes.xaxis) == {"0": 3, "5": 11, "9": 19}


def test_classes_without_columns_have_no_texts_above():
    (axes,) = captioned_grids.labelled_rows(images(2, 3, 4, 4, 3), ["cat", "dog"]).axes
    assert not axes.get_xticks().size


def test_many_classes_stand_in_blocks_side_by_side():
    rows = images(59, 2, 4, 4, 3)
    names = [f"class {i}" for i in range(59)]
    figure = captioned_grids.labelled_rows(rows, names)
    assert [list(ticks(axes.yaxis)) for axes in figure.axes] == [
        names[:20], names[20:40], [*names[40:], ""],
    ]  # fmt: skip
    whole = np.concatenate([rows, np.ones([1, 2, 4, 4, 3])])
    for axes, begin in zip(figure.axes, (0, 20, 40), strict=True):
        own = whole[begin : begin + 20].reshape(-1, 4, 4, 3)
        np.testing.assert_array_equal(shown(axes), figures.tile(own, columns=2))
    width, height = figure.get_size_inches()
    assert 0.5 < width / height < 1
    ends = [axes.get_tightbbox() for axes in figure.axes]
    assert all(a.x1 < b.x0 for a, b in itertools.pairwise(ends))


@pytest.mark.parametrize("names", [["7", "1"], ["a long name of a class"] * 2])
def test_rows_end_where_their_images_end(names):
    figure = captioned_grids.labelled_rows(images(2, 10, 4, 4, 3), names)
    figure.draw_without_rendering()
    (axes,) = figure.axes
    seen = axes.get_tightbbox().transformed(figure.dpi_scale_trans.inverted())
    assert seen.x0 >= 0
    assert 0 < figure.get_figwidth() - seen.x1 < 0.25
    assert axes.get_window_extent().height / figure.dpi == pytest.approx(1, rel=0.03)


def test_a_sample_stands_before_the_images_nearest_to_it():
    pixels = np.random.default_rng(0).integers(0, 256, [2, 4, 5, 5, 1], "uint8")
    captions = [["a", "b", "c"], ["d", "e", "f"]]
    figure = captioned_grids.neighbours(pixels[:, 0], pixels[:, 1:], captions)
    panels = np.reshape(figure.axes, [2, 4])
    for line, row, texts in zip(panels, pixels, captions, strict=True):
        assert [axes.get_xlabel() for axes in line] == ["", *texts]
        for axes, image in zip(line, row, strict=True):
            np.testing.assert_array_equal(shown(axes), image.repeat(3, axis=-1))
    assert panels[0][0].get_title() == "sample"
