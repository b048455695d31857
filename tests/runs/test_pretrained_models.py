"""Models that come with the package: found by name, checked, copied, never written."""

import pathlib
import shutil

import pytest

import jem_tf
from jem_tf.errors import InputError
from jem_tf.runs import loading, packed_checkpoint, pretrained_models
from jem_tf.system import files
from tests.processes import contents
from tests.runs.test_run_folder import SMALL, kept


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """The folder of a model called tiny, among those that come with the package."""
    root = tmp_path / "package"
    kept(root / "tiny", SMALL)
    pretrained_models.write_manifest(
        root / "tiny", version=2, about="Tiny.", made_by=("jem-tf train",)
    )
    monkeypatch.setattr(pretrained_models, "ROOT", root)
    monkeypatch.chdir(tmp_path)
    return root / "tiny"


def test_it_is_listed_and_found_by_its_name(shipped):
    model = jem_tf.pretrained()["tiny"]
    assert (model.version, model.about) == (2, "Tiny.")
    assert model.made_by == ("jem-tf train",)
    assert model.folder == shipped
    assert pretrained_models.find("tiny") == shipped
    assert loading.read_run("tiny").folder.root == shipped


def test_where_a_name_is_not_known_the_error_lists_those_that_are(shipped):
    for path, others in (("tin", ", or a pretrained model: tiny"), ("./a/tin", "")):
        with pytest.raises(InputError) as error:
            loading.read_run(path)
        sentence = f"{path} holds no run of jem_tf; name the folder of one{others}."
        assert str(error.value) == sentence


def test_a_run_of_its_name_is_meant_before_it_and_another_folder_is_not(
    shipped, tmp_path
):
    (tmp_path / "tiny").mkdir()
    assert pretrained_models.find("tiny") == shipped
    shutil.copytree(shipped, tmp_path / "tiny", dirs_exist_ok=True)
    assert pretrained_models.find("tiny") is None
    assert loading.read_run("tiny").folder.root == pathlib.Path("tiny")


def test_a_version_may_be_asked_for_and_another_one_is_refused(shipped):
    assert pretrained_models.find("tiny@2") == shipped
    assert pretrained_models.find_preset("tiny@2") == shipped
    for find in (pretrained_models.find, pretrained_models.find_preset):
        with pytest.raises(InputError, match=r"^tiny@ is not in this package"):
            find("tiny@")
        with pytest.raises(InputError) as error:
            find("tiny@1")
        assert str(error.value) == (
            "tiny@1 is not in this package, which has version 2; ask for tiny@2, or "
            "install the jem-tf that has the other."
        )


def test_a_preset_is_never_the_users_run(shipped, tmp_path):
    shutil.copytree(shipped, tmp_path / "tiny")
    predictor = jem_tf.Predictor.from_preset("tiny")
    assert predictor.run.folder.root == shipped
    with pytest.raises(InputError) as error:
        jem_tf.Predictor.from_preset("cifar-10")
    assert str(error.value) == "preset=cifar-10 is not known; choose one of tiny."


@pytest.mark.parametrize("name", ["", ".", "..", "x" * 300, "package"])
def test_other_paths_are_no_names(shipped, name):
    assert pretrained_models.find(name) is None


def test_the_folder_in_the_package_is_the_model_by_whatever_path(shipped, tmp_path):
    (tmp_path / "link").symlink_to(shipped)
    for path in ("package/tiny", "package/../package/tiny/", shipped, "link"):
        assert pretrained_models.find(path) == shipped
        assert pretrained_models.is_shipped(path)
    (shipped / "data.json").write_text("{}")
    with pytest.raises(InputError, match="is not the file that came"):
        loading.read_run(shipped)


def test_what_hides_a_model_and_is_no_run_is_said_with_the_way_round(shipped, tmp_path):
    (tmp_path / "tiny").write_text("a file")
    says = "^tiny holds no run of jem_tf; name the folder of one, or tiny@2 for the"
    with pytest.raises(InputError, match=says):
        loading.read_run("tiny")
    (tmp_path / "tiny").unlink()
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "data.json").write_text("{}")
    with pytest.raises(InputError, match=r"^tiny holds no run of jem_tf; name the"):
        loading.read_run("tiny")
    assert loading.read_run("tiny@2").folder.root == shipped
    with pytest.raises(InputError, match=r"^'' holds no run of jem_tf"):
        loading.read_run("")


@pytest.mark.parametrize("harm", [lambda f: f.write_bytes(b"{}"), lambda f: f.unlink()])
def test_a_changed_or_missing_file_is_refused_by_its_path(shipped, harm):
    harm(shipped / "data.json")
    with pytest.raises(InputError, match=r"tiny/data\.json is not the file that came"):
        loading.read_run("tiny")


def test_a_copy_is_a_run_and_a_second_one_is_the_same(shipped, tmp_path):
    before = contents(shipped)
    place = pretrained_models.copy(shipped, tmp_path / "copy")
    copied = {place / path.relative_to(shipped): x for path, x in before.items()}
    assert contents(place) == copied
    (place / "made.json").write_text("{}")
    assert pretrained_models.copy(shipped, place) == place
    assert (place / "made.json").exists()
    assert contents(shipped) == before


def test_a_copy_of_what_is_read_only_can_be_written_to(shipped, tmp_path):
    places = [shipped, *shipped.rglob("*")]
    for path in places:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        place = pretrained_models.copy(shipped, tmp_path / "copy")
    finally:
        for path in places:
            path.chmod(0o755)
    for path in (place, *place.rglob("*")):
        assert path.stat().st_mode & 0o200


def test_a_copy_replaces_nothing_else(shipped, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match=r"full holds something; name another"):
        pretrained_models.copy(shipped, tmp_path / "full")
    other = tmp_path / "other"
    shutil.copytree(shipped, other)
    pretrained_models.write_manifest(other, version=1, about="", made_by=())
    with pytest.raises(InputError, match=r"other holds another model"):
        pretrained_models.copy(shipped, other)


@pytest.mark.parametrize("file", ["run.flags", "data.json"])
def test_a_copy_that_was_changed_is_refused(shipped, tmp_path, file):
    place = pretrained_models.copy(shipped, tmp_path / "copy")
    (place / file).write_text("")
    with pytest.raises(InputError) as error:
        pretrained_models.copy(shipped, place)
    assert str(error.value) == (
        f"out={place} holds a copy whose {file} was changed; name another folder."
    )


def test_two_processes_may_make_one_copy(shipped, tmp_path, monkeypatch):
    place, is_free = tmp_path / "copy", files.is_free

    def just_before_the_other(path):
        free = is_free(path)
        shutil.copytree(shipped, path)
        return free

    monkeypatch.setattr(files, "is_free", just_before_the_other)
    assert pretrained_models.copy(shipped, place) == place
    assert [path.name for path in tmp_path.glob("copy*")] == ["copy"]


def test_those_of_this_package_are_packed_and_small():
    models = pretrained_models.pretrained()
    assert [*models] == ["cifar10", "cifar100", "digits", "svhn"]
    for model in models.values():
        pretrained_models.check(model)
        there = {path for path in model.folder.rglob("*") if path.is_file()}
        named = {model.folder / file for file in model.sha256}
        assert there == named | {model.folder / pretrained_models.MANIFEST}
        assert {"README.md", "calibration.json", "run.flags"} <= model.sha256.keys()
        assert any(file.endswith(packed_checkpoint.NAME) for file in model.sha256)
    files = [f for f in pretrained_models.ROOT.rglob("*") if f.is_file()]
    assert sum(file.stat().st_size for file in files) < 25e6
