import json
import math
import os
import pathlib
import stat

import numpy as np
import pytest

from jem_tf.system import files


def test_free_are_what_is_not_there_and_empty_folders(tmp_path):
    assert files.is_free(tmp_path / "absent")
    assert files.is_free(tmp_path)
    (tmp_path / "file").touch()
    assert not files.is_free(tmp_path)
    assert not files.is_free(tmp_path / "file")


def test_a_text_is_written_over_another(tmp_path):
    for text in ("first, longer\n", "é\n"):
        files.write_text(tmp_path / "file", text)
        assert (tmp_path / "file").read_text(encoding="utf-8") == text
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_text_that_breaks_off_leaves_the_old_one_whole(tmp_path):
    files.write_text(tmp_path / "file", "old")
    with pytest.raises(UnicodeEncodeError):
        files.write_text(tmp_path / "file", "x" * 100_000 + "\ud800")
    assert (tmp_path / "file").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_text_that_finds_no_place_leaves_nothing(tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="taken"):
        files.write_text(tmp_path / "taken", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_what_is_written_is_readable_as_any_other_file(tmp_path):
    (tmp_path / "other").write_text("")
    files.write_text(tmp_path / "file", "")
    modes = {stat.S_IMODE(os.stat(path).st_mode) for path in tmp_path.iterdir()}
    assert len(modes) == 1


def test_json_comes_back(tmp_path):
    values = {"accuracy": 0.1 + 0.2, "steps": 3, "names": ["é"]}
    files.write_json(tmp_path / "file.json", values)
    assert json.loads((tmp_path / "file.json").read_text()) == values


def test_what_json_does_not_have_is_made_its_own():
    values = {"a": [np.float32(0.5), math.nan, (-np.inf, np.int64(3))], "b": True}
    assert files.finite(values) == {"a": [0.5, None, [None, 3]], "b": True}
    json.dumps(files.finite(values), allow_nan=False)


def test_a_folder_appears_whole(tmp_path):
    with files.atomic_folder(tmp_path / "folder") as part:
        (part / "inner").mkdir()
        (part / "inner" / "file").write_text("text")
        assert not (tmp_path / "folder").exists()
    assert (tmp_path / "folder" / "inner" / "file").read_text() == "text"
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def break_off(path):
    with files.atomic_folder(path) as part:
        (part / "file").write_text("text")
        raise ZeroDivisionError


def test_what_a_killed_process_of_the_same_number_left_is_not_in_the_way(tmp_path):
    left = tmp_path / f"folder.{os.getpid()}.part"
    left.mkdir()
    with files.atomic_folder(tmp_path / "folder") as part:
        (part / "file").write_text("text")
    assert (tmp_path / "folder" / "file").read_text() == "text"


def test_the_folder_that_one_is_in_may_be_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with files.atomic_folder(".") as part:
        (part / "file").write_text("text")
    assert (tmp_path / "file").read_text() == "text"


def test_a_folder_that_breaks_off_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError):
        break_off(tmp_path / "folder")
    assert not list(tmp_path.iterdir())


def test_a_folder_takes_the_place_of_an_empty_one_only(tmp_path):
    (tmp_path / "folder").mkdir()
    with files.atomic_folder(tmp_path / "folder") as part:
        (part / "file").write_text("first")
    with (
        pytest.raises(OSError, match="folder"),
        files.atomic_folder(tmp_path / "folder") as part,
    ):
        (part / "file").write_text("second")
    assert (tmp_path / "folder" / "file").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_link_to_an_empty_folder_stays_and_the_folder_is_written(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there")
    with files.atomic_folder(tmp_path / "link") as part:
        (part / "file").write_text("text")
    assert (tmp_path / "there" / "file").read_text() == "text"
    assert (tmp_path / "link").is_symlink()


def test_a_path_at_home_is_expanded_once(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    expected = {
        "~": tmp_path,
        "~/a": tmp_path / "a",
        "./~/a": tmp_path / "~" / "a",  # a folder that is called so
        "~no-such-user/a": tmp_path / "~no-such-user" / "a",
        "b/~": pathlib.Path("b/~"),
        "b": pathlib.Path("b"),
    }
    for given, path in expected.items():
        assert files.expand(given) == path
        assert files.expand(files.expand(given)) == path
    files.write_text("~/a", "text")
    assert (tmp_path / "a").read_text() == "text"
    assert not (tmp_path / "~").exists()
