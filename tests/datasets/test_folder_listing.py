from collections import Counter

import pytest

from jem_tf.datasets import folder_listing


def made(root, *files):
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text("told by its name alone")


def test_pictures_are_listed_sorted_at_any_depth_and_others_counted(tmp_path):
    made(tmp_path, "b.png", "a/z.JPG", "a/b/c.tiff", "a/x.txt", "y.TXT", "README")
    pictures, others = folder_listing.list_pictures(tmp_path)
    names = [path.relative_to(tmp_path).as_posix() for path in pictures]
    assert names == ["a/b/c.tiff", "a/z.JPG", "b.png"]
    assert others == {".txt": 2, "no ending": 1}
    pictures, others = folder_listing.list_pictures(tmp_path, deep=False)
    assert [path.name for path in pictures] == ["b.png"]
    assert others == {".txt": 1, "no ending": 1}


@pytest.mark.parametrize(
    "leftover",
    [".DS_Store", "._a.png", "Thumbs.db", "desktop.ini", ".git/a.png"]
    + ["__MACOSX/a.png", "@eaDir/a.png", ".ipynb_checkpoints/a.png"],
)
def test_what_programs_leave_behind_is_neither_listed_nor_counted(tmp_path, leftover):
    made(tmp_path, leftover)
    assert folder_listing.list_pictures(tmp_path) == ([], Counter())
    assert folder_listing.list_folders(tmp_path) == []
    assert not folder_listing.holds_pictures(tmp_path)


def test_linked_folders_are_looked_into_once_and_circles_end(tmp_path):
    made(tmp_path, "disk/a.png", "set/b.png")
    (tmp_path / "set" / "more").symlink_to(tmp_path / "disk")
    (tmp_path / "set" / "again").symlink_to(tmp_path / "disk")
    (tmp_path / "set" / "circle").symlink_to(tmp_path / "set")
    pictures, _ = folder_listing.list_pictures(tmp_path / "set")
    assert sorted(path.name for path in pictures) == ["a.png", "b.png"]
    assert folder_listing.holds_pictures(tmp_path / "set" / "more")


def test_the_commonest_endings_are_said():
    others = Counter({f".{x}": i for i, x in enumerate("abcdefg", start=1)})
    says = "28 files that are no pictures by their names (.g 7, .f 6, .e 5, .d 4, .c 3)"
    assert folder_listing.count_others(others) == says


def test_a_folder_that_cannot_be_listed_is_an_error(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        folder_listing.list_pictures(tmp_path / "none")
