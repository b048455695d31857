"""The graph's file: given, cached or downloaded, here from an archive on the disk."""

import hashlib
import io
import tarfile

import pytest

from jem_tf.errors import InputError
from jem_tf.evaluation import inception_file
from jem_tf.system import cache

CONTENT = b"a graph" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def archive(path, name=inception_file.NAME):
    with tarfile.open(path, "w:gz") as packed:
        member = tarfile.TarInfo(f"./{name}")
        member.size = len(CONTENT)
        packed.addfile(member, io.BytesIO(CONTENT))
    return path.as_uri()


def refused(*args, **kwargs):
    with pytest.raises(InputError) as raised:
        inception_file.find_graph(*args, **kwargs)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def left():
    return [path for path in cache.folder().rglob("*") if path.is_file()]


def test_a_given_file_is_taken_as_it_is(tmp_path):
    given = tmp_path / "graph.pb"
    given.write_bytes(CONTENT)
    assert inception_file.find_graph(str(given)) == given
    assert inception_file.find_graph(str(given), sha256=SHA256.upper()) == given
    assert SHA256 in refused(str(given), sha256="0" * 64)
    assert "cannot be read" in refused(str(tmp_path / "none"), sha256=SHA256)


def test_it_is_downloaded_once(tmp_path):
    address = archive(tmp_path / "a.tgz")
    place = inception_file.find_graph(sha256=SHA256, address=address)
    assert place.read_bytes() == CONTENT
    assert left() == [place]
    (tmp_path / "a.tgz").unlink()
    assert inception_file.find_graph(sha256=SHA256, address=address) == place


def test_a_download_with_another_checksum_is_refused_and_not_kept(tmp_path):
    said = refused(address=archive(tmp_path / "a.tgz"))
    assert SHA256 in said
    assert inception_file.SHA256 in said
    assert not left()


def test_a_cached_file_is_checked_each_time(tmp_path):
    address = archive(tmp_path / "a.tgz")
    place = inception_file.find_graph(sha256=SHA256, address=address)
    place.write_bytes(CONTENT[:-1])
    assert f"{place} has sha256" in refused(sha256=SHA256, address=address)


def test_without_a_network_it_says_what_to_give(tmp_path):
    said = refused(address=(tmp_path / "none.tgz").as_uri())
    assert "path=PATH" in said
    assert not left()


def test_an_archive_that_is_none_or_is_cut_or_has_another_file_is_refused(tmp_path):
    (tmp_path / "text.tgz").write_text("no archive")
    assert "path=PATH" in refused(address=(tmp_path / "text.tgz").as_uri())
    archive(tmp_path / "cut.tgz")
    whole = (tmp_path / "cut.tgz").read_bytes()
    (tmp_path / "cut.tgz").write_bytes(whole[: len(whole) // 2])
    assert "path=PATH" in refused(address=(tmp_path / "cut.tgz").as_uri())
    other = archive(tmp_path / "other.tgz", "other.pb")
    assert inception_file.NAME in refused(address=other)
    assert not left()


def test_the_cache_is_the_users(tmp_path, monkeypatch):
    assert cache.folder() == tmp_path / "cache" / "jem_tf"
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for unset in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", unset)
        assert cache.folder() == tmp_path / "home" / ".cache" / "jem_tf"
