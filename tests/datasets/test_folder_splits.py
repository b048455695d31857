import pytest

from jem_tf.datasets import folder_splits
from jem_tf.errors import InputError
from tests.datasets.test_folder_layout import layout, made


def refused(root):
    with pytest.raises(InputError) as raised:
        folder_splits.find_splits(root, "name=x")
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize(
    "files",
    [
        ("cat/in/0.png", "cat/out/0.png", "dog/in/0.png", "dog/out/0.png"),
        ("a/left/0.png", "a/right/0.png", "b/left/0.png"),
        ("a/left/0.png", "b/left/0.png"),
        ("fold1/a/0.png", "fold2/a/0.png"),
        ("railway/train/0.png", "railway/station/0.png", "b/0.png"),
        ("railway/train/0.png", "exam/test/0.png", "b/0.png"),
    ],
)
def test_folders_inside_classes_are_parts_of_them(tmp_path, files):
    found, outside = folder_splits.find_splits(made(tmp_path, *files), "name=x")
    names = {file.split("/")[0] for file in files}
    assert found == {"train": {name: tmp_path / name for name in names}}
    assert outside == [tmp_path]


def test_splits_inside_all_classes_are_the_splits(tmp_path):
    made(tmp_path, "cat/Train/x/0.png", "cat/Train/1.png", "cat/val/0.png")
    made(tmp_path, "dog/train/0.png", "dog/testing/0.png", "dog/testing/1.png")
    made(tmp_path, "cat/notes.txt", "annotations/a.xml", "outside.png")
    found, passed_over = layout(tmp_path)
    assert found == {
        "train": {"cat": 2, "dog": 1},
        "validation": {"cat": 1, "dog": 0},
        "test": {"cat": 0, "dog": 2},
    }
    assert passed_over[:2] == [
        "the folder annotations", "1 pictures outside the class folders"
    ]  # fmt: skip
    assert passed_over[2].startswith("1 files that are no pictures")


@pytest.mark.parametrize(
    "files",
    [
        ("a/train/0.png", "a/test/0.png", "b/0.png"),
        ("a/train/0.png", "a/test/0.png", "b/train/0.png", "b/1.png"),
        ("a/train/0.png", "a/test/0.png", "b/train/0.png", "b/more/1.png"),
        ("a/train/0.png", "a/test/0.png", "b/test/0.png"),
        ("a/test/0.png", "b/train/0.png"),
        ("a/train/0.png", "a/test/0.png"),
    ],
)
def test_splits_inside_some_classes_are_refused(tmp_path, files):
    message = refused(made(tmp_path, *files))
    assert "name=x: class folders hold folders named as splits (a/test" in message
    assert f"move them to {tmp_path / 'test' / 'a'}" in message


def test_two_folders_of_one_split_in_a_class_are_refused(tmp_path):
    made(tmp_path, "a/train/0.png", "a/val/0.png", "a/valid/0.png", "b/train/0.png")
    assert f"{tmp_path / 'a'} holds val, valid, which are one split" in refused(
        tmp_path
    )


def test_images_beside_masks_are_no_classes(tmp_path):
    made(tmp_path, *(f"{part}/{y}/0.png" for part in ("images", "Mask") for y in "ab"))
    assert "Mask, images all hold the folders a, b" in refused(tmp_path)


@pytest.mark.parametrize("part", ["fold", "Split_", "batch-"])
def test_folds_are_not_taken_for_classes(tmp_path, part):
    made(tmp_path, *(f"{part}{i}/{name}/0.png" for i in (1, 2) for name in "ab"))
    message = refused(tmp_path)
    assert f"{part}1, {part}2 all hold the folders a, b, so either may be" in message
    (tmp_path / "train").mkdir()
    for i in (1, 2):
        (tmp_path / f"{part}{i}").rename(tmp_path / "train" / f"{part}{i}")
    assert layout(tmp_path)[0] == {"train": {f"{part}1": 2, f"{part}2": 2}}


def test_images_beside_masks_are_no_classes_without_folders_in_them(tmp_path):
    message = refused(made(tmp_path, "images/0.png", "annotations/trimaps/0.png"))
    assert "holds annotations, images, which are parts of a set by their" in message
    (tmp_path / "cat").mkdir()
    made(tmp_path, "cat/0.png")
    assert len(layout(tmp_path)[0]["train"]) == 3


@pytest.mark.parametrize(
    "names",
    [
        ("seg_train", "seg_test", "seg_pred"),
        ("Train Images", "Validation Images"),
        ("train2017", "val2017"),
        ("test", "trainval"),
    ],
)
def test_folders_whose_names_differ_by_a_split_are_no_classes(tmp_path, names):
    message = refused(made(tmp_path, *(f"{name}/in/0.png" for name in names)))
    assert "which are splits by their names; call them train" in message
    assert all(name in message for name in sorted(names)[-2:])


def test_classes_may_have_the_words_of_splits_in_their_names(tmp_path):
    names = ("test_tube", "training_shoe", "freight train", "valet", "train", "test")
    made(tmp_path, *(f"{name}/0.png" for name in (*names, "Test_tube", "cat")))
    assert {*names, "Test_tube", "cat"} == set(layout(tmp_path)[0]["train"])
