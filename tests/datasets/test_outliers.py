import numpy as np
import pytest
from PIL import Image

from jem_tf.datasets import outliers
from jem_tf.errors import InputError
from jem_tf.pixels import from_uint8
from tests.datasets import odd_pictures
from tests.datasets.test_tfds_sets import pictures, store

TEST = np.random.default_rng(0).integers(0, 256, [9, 8, 8, 3], "uint8")


@pytest.mark.parametrize("name", outliers.SYNTHETIC)
def test_synthetic_ones_are_as_many_as_the_test_images_and_a_seed_makes_them(name):
    images, how = outliers.load_outliers(name, TEST)
    assert images.shape == TEST.shape
    assert how
    np.testing.assert_array_equal(images, outliers.load_outliers(name, TEST)[0])
    assert (images != outliers.load_outliers(name, TEST, seed=1)[0]).any()
    assert len(outliers.load_outliers(name, TEST, limit=4)[0]) == 4


def test_interpolations_are_means_of_two_different_test_images():
    images, _ = outliers.load_outliers("interpolation", TEST, limit=20)
    test = from_uint8(TEST).numpy()
    means = {((a + b) / 2).tobytes() for i, a in enumerate(test) for b in test[i + 1 :]}
    assert all(image.tobytes() in means for image in images)


def test_noise_is_uniform_and_a_colour_is_constant():
    noise, _ = outliers.load_outliers("uniform", TEST, limit=200)
    assert noise.mean() == pytest.approx(0, abs=0.01)
    assert noise.std() == pytest.approx(1 / np.sqrt(3), abs=0.01)
    colours, _ = outliers.load_outliers("constant", TEST)
    assert (colours == colours[:, :1, :1]).all()
    assert len(np.unique(colours[:, 0, 0], axis=0)) > 5


def test_a_folder_gives_its_pictures_wherever_they_lie(tmp_path):
    for i, path in enumerate(("a.png", "b/c.png", "b/d/e.png", ".hidden.png")):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (i, 0, 0)).save(tmp_path / path)
    images, how = outliers.load_outliers(f"folder:{tmp_path}", TEST)
    assert images[:, 0, 0, 0].tolist() == [0, 1, 2]
    assert str(tmp_path) in how
    assert "as they are" in how
    some, _ = outliers.load_outliers(f"folder:{tmp_path}", TEST, limit=2)
    assert some[:, 0, 0, 0].tolist() == [0, 2]


def test_a_tfds_set_gives_the_first_of_its_test_split(tmp_path):
    written = {"train": pictures(3), "test": pictures(6, seed=1)}
    place = store(tmp_path, "other", "1.0.0", written, names=())
    images, how = outliers.load_outliers("other", pictures(2), data_dir=place, limit=4)
    np.testing.assert_array_equal(images, written["test"][:4])
    assert "test split" in how


@pytest.mark.parametrize(("half", "there"), [("all", 6), ("even", 3), ("odd", 3)])
def test_a_limit_beyond_a_tfds_set_takes_what_there_is(tmp_path, half, there):
    place = store(tmp_path, "other", "1.0.0", {"test": pictures(6)}, names=())
    images, _ = outliers.load_outliers(
        "other", pictures(2), data_dir=place, limit=5 * there, half=half
    )
    assert len(images) == there


def test_what_stands_for_auto_is_what_is_there(tmp_path):
    place = store(
        tmp_path, "cifar100", "3.0.2", {"train": pictures(3)}, names="0123456789"
    )
    there, absent = outliers.default_sets("cifar10", place)
    assert there == ["cifar100", *outliers.SYNTHETIC]
    assert absent == ["svhn"]


def test_auto_stands_for_sets_beside_those_that_are_named(tmp_path):
    given = [f"folder:{tmp_path}", "auto", "uniform", "svhn_cropped"]
    there, absent = outliers.expand_auto(given, "cifar10", str(tmp_path))
    named = [f"folder:{tmp_path}", "uniform", "svhn_cropped"]
    assert there == [*named, "interpolation", "constant"]
    assert absent == ["cifar100"]
    assert outliers.expand_auto(["auto"], "digits", str(tmp_path)) == (
        outliers.default_sets("digits", str(tmp_path))
    )


@pytest.mark.parametrize("name", ["folder:/none", "nonesuch", "interpolation"])
def test_what_is_not_there_is_refused_in_a_sentence(name):
    with pytest.raises(InputError) as raised:
        outliers.load_outliers(name, TEST[:1])
    message = str(raised.value)
    assert f"name={name}" in message
    assert "\n" not in message


@pytest.mark.parametrize("limit", [0, 2])
def test_the_halves_are_by_a_pictures_place_in_its_folder_or_set(tmp_path, limit):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i in range(9):
        Image.new("RGB", (8, 8), (i, 0, 0)).save(folder / f"{i}.png")
    written = {"train": pictures(3), "test": pictures(9, seed=1)}
    place = store(tmp_path, "other", "1.0.0", written, names=())
    for half, first in (("even", 0), ("odd", 1)):
        given = {"limit": limit, "half": half}
        images, how = outliers.load_outliers(f"folder:{folder}", TEST, **given)
        assert set(images[:, 0, 0, 0].tolist()) <= set(range(first, 9, 2))
        assert len(images) == (limit or len(range(first, 9, 2)))
        assert f"of {half} index" in how
        images, how = outliers.load_outliers(
            "other", pictures(2), data_dir=place, **given
        )
        np.testing.assert_array_equal(
            images, written["test"][first::2][: limit or None]
        )
        assert f"of {half} index" in how


@pytest.mark.parametrize("name", outliers.SYNTHETIC)
def test_the_halves_of_a_synthetic_set_have_no_image_in_common(name):
    halves = [
        {image.tobytes() for image in outliers.load_outliers(name, TEST, half=half)[0]}
        for half in ("even", "odd")
    ]
    if name != "interpolation":  # of nine images there are only 36 means
        assert not halves[0] & halves[1]
    assert halves[0] != halves[1]


def test_a_folder_of_one_picture_has_no_odd_half(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "0.png")
    with pytest.raises(InputError, match="too few pictures to take a half"):
        outliers.load_outliers(f"folder:{tmp_path}", TEST, half="odd")


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no pictures"):
        outliers.load_outliers(f"folder:{tmp_path}", TEST)


@pytest.mark.parametrize(
    ("names", "keys"),
    [
        (["svhn", "folder:/data/dtd32/"], ["svhn", "dtd32"]),
        (["folder:birds", "emnist/letters"], ["birds", "letters"]),
        (["folder:/old/birds", "folder:/new/birds"], ["old-birds", "new-birds"]),
        (["folder:/a/x/y", "folder:/b/x/y"], ["a-x-y", "b-x-y"]),
        (["folder:/a/y", "folder:/b/x/y"], ["a-y", "x-y"]),
        (["folder:/y", "folder:/x/y"], ["y", "x-y"]),
        (["uniform", "folder:/x/uniform"], ["uniform", "x-uniform"]),
        (["svhn", "folder:/svhn"], ["svhn", "svhn-2"]),
        (["folder:/svhn/test"], ["svhn-test"]),  # log_px/test is the test images'
        (["folder:/test"], ["test-2"]),
        (["folder:/x/a_ci", "folder:/x/a_std"], ["a_ci-set", "a_std-set"]),
        (["folder:/"], ["folder:/"]),
    ],
)
def test_every_set_has_a_key_of_its_own(names, keys):
    assert list(outliers.metric_keys(names).values()) == keys


@pytest.mark.parametrize("name", ["svhn_cropped", "svhn_cropped:3.1.0", "svhn:3.*.*"])
def test_auto_leaves_out_the_runs_own_set_however_it_is_spelt(tmp_path, name):
    there, absent = outliers.default_sets(name, str(tmp_path))
    assert there == list(outliers.SYNTHETIC)
    assert absent == ["cifar10", "cifar100"]


def test_sets_are_one_if_their_names_stand_for_one(tmp_path, monkeypatch):
    (tmp_path / "birds" / "test").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "birds")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    place = store(tmp_path, "other", "2.0.0", {"train": pictures(3)})
    for one, same in (
        ("folder:birds", f"folder:{tmp_path}/birds/"),
        ("folder:~/birds", "folder:link"),
        ("svhn", "svhn_cropped"),
        ("svhn", "svhn_cropped:3.*.*"),
        ("other", "other:2.0.0"),
    ):
        assert outliers.identify(one, place) == outliers.identify(same, place)
    for one, another in (
        ("folder:birds", "folder:birds/test"),
        ("cifar10", "cifar100"),
        ("emnist/letters", "emnist/digits"),
        ("uniform", "folder:uniform"),
    ):
        assert outliers.identify(one, place) != outliers.identify(another, place)


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("cifar10/3.0.2", "cifar10/3.1.0", True),
        ("emnist/letters/3.1.0", "emnist/digits/3.1.0", False),
        ("folder:/data/birds", "folder:/data/birds/test", True),
        ("folder:/data/birds", "folder:/data/birds2", False),
        ("folder:/data/birds", "uniform", False),
    ],
)
def test_versions_of_a_set_and_folders_in_folders_share_images(one, other, shared):
    assert outliers.overlap(one, other) == shared
    assert outliers.overlap(other, one) == shared


@pytest.mark.parametrize("channels", [2, 4, 5])
def test_pictures_are_no_outliers_for_a_model_of_other_channels(tmp_path, channels):
    test = np.zeros([9, 8, 8, channels], "uint8")
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    place = store(tmp_path, "other", "1.0.0", {"test": pictures(3)}, names=())
    for name in (f"folder:{tmp_path}", "other"):
        with pytest.raises(InputError) as raised:
            outliers.load_outliers(name, test, data_dir=place)
        says = f"name={name} has images of 3 channels, which cannot be made {channels}"
        assert says in str(raised.value)
        assert "choose interpolation, uniform, constant" in str(raised.value)
    for name in outliers.SYNTHETIC:
        assert outliers.load_outliers(name, test)[0].shape == test.shape


def test_outliers_come_in_8_bits_on_white_and_upright(tmp_path):
    files = list(odd_pictures.pngs().values())
    for i, (file, _) in enumerate(files):
        (tmp_path / f"{i:03}.png").write_bytes(file)
    shape = (odd_pictures.H, odd_pictures.W, 3)
    images, _ = outliers.load_outliers(f"folder:{tmp_path}", np.zeros([1, *shape]))
    for image, (_, right) in zip(images, files, strict=True):
        if right.shape == shape:  # others were turned, and resized
            np.testing.assert_array_equal(image, right)
