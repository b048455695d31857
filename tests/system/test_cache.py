import pathlib

import pytest

from jem_tf.system import cache


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setattr(pathlib.Path, "home", lambda: tmp_path)
    return tmp_path


def test_the_cache_is_where_the_user_says(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere/else")
    assert cache.folder() == pathlib.Path("/somewhere/else/jem_tf")


@pytest.mark.parametrize("given", [None, "", "relative/path"])
def test_the_cache_is_in_the_users_home_otherwise(monkeypatch, home, given):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    if given is not None:
        monkeypatch.setenv("XDG_CACHE_HOME", given)
    assert cache.folder() == home / ".cache" / "jem_tf"


def test_asking_for_the_cache_makes_no_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    cache.folder()
    assert not list(tmp_path.iterdir())
