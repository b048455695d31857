import os
import pathlib
import re
import tempfile

import numpy as np
import pytest
from PIL import Image

from jem_tf.datasets import picture_folders
from jem_tf.errors import InputError
from tests.datasets import odd_pictures

RED, GREEN, BLUE = (200, 10, 30), (20, 180, 40), (10, 20, 220)
WHITE, BLACK = (255, 255, 255), (0, 0, 0)


def picture(path, colour=RED, size=(32, 32), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).convert(mode).save(path)


def refused(path, *named):
    """The message with which a folder is refused, which must name these things."""
    with pytest.raises(InputError) as raised:
        picture_folders.read_folder(f"folder:{path}")
    message = str(raised.value)
    assert f"name=folder:{path}" in message
    for name in named:
        assert str(name) in message
    return message


def test_classes_are_folders_in_alphabetic_order(tmp_path):
    picture(tmp_path / "b" / "1.png", GREEN)
    picture(tmp_path / "a" / "2.png", RED)
    picture(tmp_path / "a" / "1.png", GREEN)
    (tmp_path / "notes.txt").write_text("no class")
    splits, names = picture_folders.read_folder(f"folder:{tmp_path}")
    images, labels = splits["train"]
    assert names == ["a", "b"]
    assert labels.tolist() == [0, 0, 1]
    assert [tuple(image[0, 0]) for image in images] == [GREEN, RED, GREEN]


def test_pictures_keep_their_pixels_where_the_size_is_theirs(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, [2, 16, 16, 3], dtype="uint8")
    for name, array in zip("ab", pixels, strict=True):
        (tmp_path / name).mkdir()
        Image.fromarray(array).save(tmp_path / name / "0.png")
    splits, _ = picture_folders.read_folder(f"folder:{tmp_path}", 16)
    np.testing.assert_array_equal(splits["train"][0], pixels)


@pytest.mark.parametrize(("image_size", "side"), [(0, 32), (32, 32), (9, 9)])
def test_pictures_of_all_sizes_come_in_one(tmp_path, image_size, side):
    for i, size in enumerate([(32, 32), (5, 40), (100, 60), (1, 1)]):
        picture(tmp_path / "a" / f"{i}.png", RED, size)
        picture(tmp_path / "b" / f"{i}.png", GREEN, size)
    images, labels = picture_folders.read_folder(f"folder:{tmp_path}", image_size)[0][
        "train"
    ]
    assert images.shape == (8, side, side, 3)
    assert images.dtype == np.uint8
    for image, label in zip(images, labels, strict=True):
        assert (image == (GREEN if label else RED)).all()


@pytest.mark.parametrize("mode", ["L", "1", "RGBA", "P", "LA", "CMYK"])
def test_pictures_of_all_modes_come_as_rgb(tmp_path, mode):
    kind = "tif" if mode == "CMYK" else "png"
    picture(tmp_path / "a" / f"0.{kind}", (255, 255, 255), mode=mode)
    picture(tmp_path / "b" / f"0.{kind}", (0, 0, 0), mode=mode)
    images, _ = picture_folders.read_folder(f"folder:{tmp_path}")[0]["train"]
    assert images.shape == (2, 32, 32, 3)
    assert (images[0] == 255).all()
    assert (images[1] == 0).all()


def test_pictures_further_down_belong_to_the_class_above(tmp_path):
    picture(tmp_path / "a" / "x" / "y" / "0.png")
    picture(tmp_path / "b" / "0.png")
    _, labels = picture_folders.read_folder(f"folder:{tmp_path}")[0]["train"]
    assert labels.tolist() == [0, 1]


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    picture(tmp_path / "set" / "a" / "0.png")
    picture(tmp_path / "set" / "b" / "0.png")
    assert picture_folders.read_folder("folder:~/set")[1] == ["a", "b"]


def test_a_missing_folder_is_named(tmp_path):
    assert "is not a folder" in refused(tmp_path / "nowhere")


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("")
    assert "is a file, and not a folder" in refused(tmp_path / "file")


@pytest.mark.parametrize("classes", [0, 1])
def test_fewer_than_two_classes_are_counted(tmp_path, classes):
    if classes:
        picture(tmp_path / "only" / "0.png")
    assert f"holds {classes} class folders" in refused(tmp_path)


def test_a_class_without_pictures_is_named(tmp_path):
    picture(tmp_path / "a" / "0.png")
    (tmp_path / "b").mkdir()
    assert "holds no pictures" in refused(tmp_path, tmp_path / "b")


@pytest.mark.parametrize("broken", ["text", "cut", "empty", "header"])
def test_an_unreadable_picture_is_named(tmp_path, broken):
    picture(tmp_path / "a" / "0.png")
    picture(tmp_path / "b" / "0.png", size=(200, 200))
    file = tmp_path / "b" / "0.png"
    whole = file.read_bytes()
    file.write_bytes(
        {
            "text": b"no picture",
            "cut": whole[: len(whole) // 2],
            "empty": b"",
            "header": whole[:20],
        }[broken]
    )
    assert "not a readable picture" in refused(tmp_path, file)


def test_a_picture_too_large_to_be_honest_is_named(tmp_path, monkeypatch):
    picture(tmp_path / "a" / "0.png", size=(4, 4))
    picture(tmp_path / "b" / "0.png", size=(40, 40))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 16)
    assert "not a readable picture" in refused(tmp_path, tmp_path / "b" / "0.png")


def test_an_error_is_one_line(tmp_path):
    picture(tmp_path / "a" / "0.png")
    picture(tmp_path / "b" / "0.png")
    (tmp_path / "b" / "two\nlines.png").write_text("no picture")
    assert "two\\nlines.png (of no known format)" in refused(tmp_path)
    for message in (refused(tmp_path), refused(tmp_path / "nowhere")):
        assert not re.search(r"\n", message)


def test_a_path_is_to_be_given(tmp_path, monkeypatch):
    """An empty one would be the working folder."""
    for name in "ab":
        picture(tmp_path / name / "0.png")
    monkeypatch.chdir(tmp_path)
    for read in (picture_folders.read_folder, picture_folders.read_pictures):
        with pytest.raises(InputError, match="name=folder: names no folder"):
            read("folder:")
    assert picture_folders.read_folder("folder:.")[1] == ["a", "b"]


def test_a_pipe_is_not_waited_for(tmp_path):
    picture(tmp_path / "a" / "0.png")
    picture(tmp_path / "b" / "0.png")
    os.mkfifo(tmp_path / "b" / "1.png")
    assert "(no regular file) is not a readable picture" in refused(tmp_path)


def test_a_folder_that_may_not_be_read_is_named():
    """By a user who is not root, as root may read it."""
    with tempfile.TemporaryDirectory() as place:
        root = pathlib.Path(place)
        root.chmod(0o755)
        for name in "ab":
            picture(root / name / "inside" / "0.png")
        (root / "b" / "inside").chmod(0)
        user = os.geteuid()
        os.seteuid(user or 65534)
        try:
            message = refused(root)
        finally:
            os.seteuid(user)
            (root / "b" / "inside").chmod(0o755)
    assert f"{root / 'b' / 'inside'} is not readable (Permission denied)" in message


def test_pictures_of_two_classes_are_told(tmp_path, capsys):
    """Here as a link leads back to all of them."""
    picture(tmp_path / "a" / "0.png", RED)
    picture(tmp_path / "b" / "0.png", GREEN)
    (tmp_path / "a" / "link").symlink_to(tmp_path)
    picture_folders.read_folder(f"folder:{tmp_path}")
    (line,) = capsys.readouterr().out.splitlines()
    both = f"{tmp_path / 'a' / 'link' / 'b' / '0.png'} and {tmp_path / 'b' / '0.png'}"
    assert line.endswith(f"1 pictures are in more than one class, as {both}")


def test_hidden_files_and_folders_are_passed_over(tmp_path):
    picture(tmp_path / "a" / "1.png")
    picture(tmp_path / "b" / "1.png")
    (tmp_path / "a" / ".DS_Store").write_text("no picture")
    (tmp_path / ".cache").mkdir()
    splits, names = picture_folders.read_folder(f"folder:{tmp_path}")
    assert names == ["a", "b"]
    assert len(splits["train"][1]) == 2


def test_sixteen_bit_pictures_train_as_the_same_pictures_of_8(tmp_path):
    eight = odd_pictures.RGB[..., 0]
    for place, values in (("8", eight), ("16", eight.astype("uint16") * 257)):
        for folder in "ab":
            (tmp_path / place / folder).mkdir(parents=True)
            Image.fromarray(values).save(tmp_path / place / folder / "0.png")
    one, other = (
        picture_folders.read_folder(f"folder:{tmp_path / place}", 9)[0]["train"][0]
        for place in ("8", "16")
    )
    np.testing.assert_array_equal(one, other)
    assert np.ptp(one) > 50


def test_sixteen_bits_that_come_out_black_are_told(tmp_path, capsys):
    picture(tmp_path / "a" / "0.png")
    picture(tmp_path / "b" / "0.png")
    dark = np.full([8, 8], 4095, "uint16")
    Image.fromarray(dark).save(tmp_path / "b" / "1.png")
    picture_folders.read_folder(f"folder:{tmp_path}")
    assert (
        "1 of 3 pictures: each uses the lower 12 of its 16 bits"
        in capsys.readouterr().out
    )


def test_splits_that_are_there_are_the_splits(tmp_path, capsys):
    for split, colours in (("Train", (RED, GREEN)), ("val", (WHITE, BLACK))):
        picture(tmp_path / split / "a" / "images" / "0.JPG", colours[0])
        picture(tmp_path / split / "b" / "0.png", colours[1])
    picture(tmp_path / "TEST" / "b" / "0.png", BLUE)
    picture(tmp_path / "unsorted" / "0.png")
    (tmp_path / "Train" / "labels.csv").write_text("a,b")
    splits, names = picture_folders.read_folder(f"folder:{tmp_path}")
    assert names == ["a", "b"]
    found = {
        split: (labels.tolist(), images[:, 0, 0, 0].tolist())
        for split, (images, labels) in splits.items()
    }
    assert found["test"] == ([1], [BLUE[0]])
    assert found["validation"][0] == found["train"][0] == [0, 1]
    assert found["train"][1] == pytest.approx([RED[0], GREEN[0]], abs=3)
    assert found["validation"][1] == pytest.approx([WHITE[0], BLACK[0]], abs=3)
    (line,) = capsys.readouterr().out.splitlines()
    assert "passed over the folder unsorted; 1 files that are no pictures" in line


def test_what_is_no_picture_is_passed_over_and_counted_in_one_line(tmp_path, capsys):
    for name, colour in zip("ab", (RED, GREEN), strict=True):
        picture(tmp_path / name / "0.png", colour)
        (tmp_path / name / "notes.txt").write_text("words")
        (tmp_path / name / "Thumbs.db").write_text("leftover")
        (tmp_path / name / "._0.png").write_text("leftover")
    (tmp_path / "b" / "model.stl").write_text("words")
    picture(tmp_path / "a" / ".thumbnails" / "0.png")
    picture(tmp_path / "__MACOSX" / "a" / "0.png")
    picture(tmp_path / "@eaDir" / "a" / "0.png")
    picture(tmp_path / "outside.png")
    before = sorted(tmp_path.rglob("*"))
    splits, names = picture_folders.read_folder(f"folder:{tmp_path}")
    assert names == ["a", "b"]
    assert len(splits["train"][1]) == 2
    assert sorted(tmp_path.rglob("*")) == before  # the disk may be read-only
    (line,) = capsys.readouterr().out.splitlines()
    assert "1 pictures outside the class folders; 3 files that are no pictures" in line
    assert "(.txt 2, .stl 1)" in line


def test_a_folder_of_pictures_alone_is_read_in_silence(tmp_path, capsys):
    picture(tmp_path / "a" / "0.png")
    picture(tmp_path / "b" / "0.png", GREEN)
    picture_folders.read_folder(f"folder:{tmp_path}")
    assert capsys.readouterr().out == ""


def test_unreadable_pictures_are_listed_and_the_rest_counted(tmp_path):
    for i in range(9):
        picture(tmp_path / "a" / f"{i}.png")
        picture(tmp_path / "b" / f"{i}.png")
    for i in range(8):
        (tmp_path / "b" / f"{i}.png").write_text("no picture")
    Image.fromarray(np.full([4, 4], 7e4, "float32")).save(tmp_path / "a" / "9.tif")
    message = refused(tmp_path, tmp_path / "a" / "9.tif", tmp_path / "b" / "3.png")
    assert "(floats from 70000 to 70000, and only 0 to 1 are read)" in message
    assert "(of no known format) and 4 more are not readable pictures; " in message
    assert str(tmp_path / "b" / "4.png") not in message
    with pytest.raises(InputError, match="and 4 more are not readable pictures"):
        list(picture_folders.read_pictures(f"folder:{tmp_path}"))


def test_outliers_are_pictures_by_their_names(tmp_path, capsys):
    picture(tmp_path / "x" / "0.png")
    (tmp_path / "x" / "list.txt").write_text("words")
    assert len([*picture_folders.read_pictures(f"folder:{tmp_path}")]) == 1
    assert "1 files that are no pictures by their names" in capsys.readouterr().out
    (tmp_path / "x" / "0.png").unlink()
    with pytest.raises(InputError, match=r"holds no pictures, but 1 files .*\.txt 1"):
        picture_folders.read_pictures(f"folder:{tmp_path}")


def test_outliers_are_read_one_at_a_time(tmp_path):
    """A camera's pictures do not fit in memory together before they are shrunk."""
    picture(tmp_path / "0.png")
    (tmp_path / "1.png").write_text("no picture")
    read = picture_folders.read_pictures(f"folder:{tmp_path}")
    assert next(read).shape[-1] == 3
    with pytest.raises(InputError, match=r"1\.png .*is not a readable picture"):
        next(read)
