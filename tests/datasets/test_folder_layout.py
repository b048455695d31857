import pytest

from jem_tf.datasets import folder_layout
from jem_tf.errors import InputError


def made(root, *files):
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text("told by its name alone")
    return root


def layout(root):
    """({split: {class: how many}}, phrases of what was passed over)."""
    read = folder_layout.read_layout(root, "name=x")
    counts = {
        split: dict(zip(read.class_names, map(len, files), strict=True))
        for split, files in read.splits.items()
    }
    return counts, read.passed_over


def refused(root):
    with pytest.raises(InputError) as raised:
        folder_layout.read_layout(root, "name=x")
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize(
    ("train", "validation", "test"),
    [
        ("train", "val", "test"),
        ("TRAIN", "Valid", "Testing"),
        ("Training", "validation", "TEST"),
        ("training_set", "val-set", "test set"),
    ],
)
def test_splits_are_told_by_the_names_people_give_them(
    tmp_path, train, validation, test
):
    made(tmp_path, f"{train}/a/0.png", f"{train}/b/0.png", f"{train}/b/deep/1.jpg")
    made(tmp_path, f"{validation}/a/0.png", f"{test}/b/0.png", f"{test}/a/0.png")
    assert layout(tmp_path)[0] == {
        "train": {"a": 1, "b": 2},
        "validation": {"a": 1, "b": 0},
        "test": {"a": 1, "b": 1},
    }


@pytest.mark.parametrize("others", [[], ["val"], ["test"]])
def test_train_is_a_split_with_or_without_others(tmp_path, others):
    for split in ("train", *others):
        made(tmp_path, f"{split}/a/0.png", f"{split}/b/0.png")
    made(tmp_path, "annotations/a.xml")
    found, passed_over = layout(tmp_path)
    assert len(found) == 1 + len(others)
    assert passed_over == ["the folder annotations"]


def test_a_test_split_without_classes_is_passed_over(tmp_path):
    made(tmp_path, "train/a/0.png", "train/b/0.png", "test/0.png", "test/1.png")
    found, passed_over = layout(tmp_path)
    assert found == {"train": {"a": 1, "b": 1}}
    assert passed_over == ["the folder test"]


def test_classes_may_be_called_like_splits(tmp_path):
    made(tmp_path, "bus/0.png", "train/images/0.png", "test/0.png")
    assert layout(tmp_path)[0] == {"train": {"bus": 1, "test": 1, "train": 1}}


def test_what_may_be_a_split_or_a_class_is_refused(tmp_path):
    made(tmp_path, "bus/0.png", "train/front/0.png", "train/rear/0.png")
    assert "holds train, with folders inside it, and bus, so it may be" in refused(
        tmp_path
    )


@pytest.mark.parametrize(
    "files",
    [
        ("train/0.png", "test/0.png"),
        ("val/a/0.png", "val/b/0.png", "test/a/0.png"),
        ("train/a/0.png", "test/a/0.png"),
    ],
)
def test_splits_are_never_taken_for_classes(tmp_path, files):
    assert "which are splits, and no train with two class folders" in refused(
        made(tmp_path, *files)
    )


def test_two_folders_of_one_split_are_refused(tmp_path):
    made(tmp_path, "train/a/0.png", "train/b/0.png", "val/a/0.png", "valid/a/0.png")
    assert "holds val, valid, which are one split" in refused(tmp_path)


def test_a_class_that_train_has_not_is_refused(tmp_path):
    made(tmp_path, "train/a/0.png", "train/b/0.png", "test/A/0.png", "test/b/0.png")
    message = refused(tmp_path)
    assert (
        f"{tmp_path / 'test'} holds classes that {tmp_path / 'train'} has not (A)"
        in (message)
    )


def test_a_folder_round_the_folder_is_named(tmp_path):
    made(tmp_path, "flowers/a/0.png", "flowers/b/0.png")
    assert f"did you mean {tmp_path / 'flowers'}?" in refused(tmp_path)


def test_a_class_of_other_files_says_which(tmp_path):
    made(tmp_path, "a/0.png", "b/0.heic", "b/1.HEIC", "b/noending")
    message = refused(tmp_path)
    assert f"{tmp_path / 'b'} holds no pictures, but 3 files" in message
    assert "(.heic 2, no ending 1)" in message


@pytest.mark.parametrize(
    ("names", "in_order"),
    [
        ("0 1 10 11 2 9", "0 1 2 9 10 11"),
        ("01 10 2 003", "01 2 003 10"),
        ("-1 1 0", "-1 0 1"),
        ("10 9 x", "10 9 x"),
        ("class10 class9", "class10 class9"),
        ("1.5 1 10", "1 1.5 10"),
        ("b a B", "B a b"),
    ],
)
def test_whole_numbers_sort_as_numbers_and_all_else_as_text(names, in_order):
    assert folder_layout.sorted_names(names.split()) == in_order.split()


def test_labels_are_the_numbers_that_name_the_classes(tmp_path):
    made(tmp_path, *(f"{i}/0.png" for i in range(12)))
    read = folder_layout.read_layout(tmp_path, "name=x")
    assert read.class_names == [str(i) for i in range(12)]
    assert [files[0].parent.name for files in read.splits["train"]] == read.class_names


def test_an_order_of_classes_holds_where_they_are_the_same(tmp_path):
    made(tmp_path, *(f"{i}/0.png" for i in range(12)))
    as_text = sorted(map(str, range(12)))
    for given, expected in (
        (as_text, as_text),
        (as_text[1:], [str(i) for i in range(12)]),
        ([*as_text[1:], "x"], [str(i) for i in range(12)]),
    ):
        read = folder_layout.read_layout(tmp_path, "name=x", given)
        assert read.class_names == expected
        own = [files[0].parent.name for files in read.splits["train"]]
        assert own == expected


@pytest.mark.parametrize("inside", [("in", "out", "in", "out"), tuple("pqrs")])
def test_folders_inside_all_classes_are_told(tmp_path, inside):
    """As in Places365, whose classes lie in folders of their first letters."""
    for name, folder in zip(("cat", "cat", "dog", "dog"), inside, strict=True):
        made(tmp_path, f"{name}/{folder}/0.png")
    read = folder_layout.read_layout(tmp_path, "name=x")
    assert read.class_names == ["cat", "dog"]
    (remark,) = read.remarks
    assert "classes are cat, dog; the folders inside them (" in remark
    made(tmp_path, "hen/0.png")
    assert folder_layout.read_layout(tmp_path, "name=x").remarks == []


def test_masks_among_the_pictures_are_told(tmp_path):
    """As in the data set BUSI of ultrasound images."""
    made(tmp_path, "a/1.png", "a/1_mask.png", "a/1_mask_1.png", "a/b_mask.png")
    made(tmp_path, "b/1.jpg", "b/1-seg.bmp", "b/2.png")
    (remark,) = folder_layout.read_layout(tmp_path, "name=x").remarks
    assert "3 pictures are named as masks of others, such as" in remark


def test_names_that_differ_in_capitals_are_told(tmp_path):
    read = folder_layout.read_layout(
        made(tmp_path, "Cat/0.png", "cat/0.png", "dog/0.png"), "name=x"
    )
    assert read.class_names == ["Cat", "cat", "dog"]
    (remark,) = read.remarks
    assert "the classes Cat, cat differ in capitals alone" in remark


def test_classes_are_one_whatever_the_form_of_their_accents(tmp_path):
    composed, apart = "caf\u00e9", "cafe\u0301"
    made(tmp_path, f"train/{apart}/0.png", "train/b/0.png", "test/b/0.png")
    made(tmp_path, f"test/{composed}/0.png", f"test/{composed}/1.png")
    assert layout(tmp_path)[0] == {
        "train": {"b": 1, apart: 1},
        "test": {"b": 1, apart: 2},
    }
