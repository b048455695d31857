"""References: from images, from the cache, from other tools' files."""

import hashlib

import numpy as np
import pytest

from jem_tf import datasets, networks
from jem_tf.errors import InputError
from jem_tf.evaluation import features, reference


class Counting(features.Penultimate):
    """A network that counts how often its features are asked for."""

    asked, kept, identity = 0, True, "convnet"

    def extract(self, *args, **kwargs):
        self.asked += 1
        return super().extract(*args, **kwargs)


@pytest.fixture(scope="module")
def network():
    return Counting(networks.build("convnet-8", (8, 8, 1), 10))


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, [60, 8, 8, 1], "uint8")


def assert_equal(reference, expected):
    for value, expected_value in zip(reference, expected, strict=True):
        np.testing.assert_array_equal(value, expected_value)


def test_a_reference_is_made_of_the_images_features(network, images):
    made = reference.compute_reference(images, network)
    seen = network.extract(images).features
    np.testing.assert_allclose(made.mu, seen.mean(0), atol=1e-5)
    np.testing.assert_allclose(made.sigma, np.cov(seen.T), atol=1e-5)
    np.testing.assert_array_equal(made.features, seen)
    assert made.num_images == 60


def test_a_kept_reference_is_the_same_and_spares_the_network(tmp_path, network, images):
    made = reference.compute_reference(images, network, tmp_path / "new")
    before = network.asked
    assert_equal(reference.compute_reference(images, network, tmp_path / "new"), made)
    assert network.asked == before
    reference.compute_reference(images[::-1], network, tmp_path / "new")
    assert network.asked == before + 1
    assert len(list((tmp_path / "new").iterdir())) == 2
    network.identity = "another"
    reference.compute_reference(images, network, tmp_path / "new")
    assert network.asked == before + 2
    del network.identity


def test_a_kept_file_that_is_none_is_made_anew(tmp_path, network, images):
    made = reference.compute_reference(images, network, tmp_path)
    [place] = tmp_path.iterdir()
    for content in (b"", b"no archive", place.read_bytes()[:-500]):
        place.write_bytes(content)
        before = network.asked
        assert_equal(reference.compute_reference(images, network, tmp_path), made)
        assert network.asked == before + 1
    with np.load(place) as arrays:
        kept = dict(arrays)
    for name in ("mu", "sigma", "features"):  # a number that is not the one written
        np.savez(place, **kept | {name: kept[name] + np.float32(1e-3)})
        before = network.asked
        assert_equal(reference.compute_reference(images, network, tmp_path), made)
        assert network.asked == before + 1
    np.savez(place, mu=np.zeros(3))
    assert_equal(reference.compute_reference(images, network, tmp_path), made)


def test_a_cache_that_cannot_be_written_is_done_without(
    tmp_path, network, images, capsys
):
    (tmp_path / "file").touch()
    made = reference.compute_reference(images, network, tmp_path / "file" / "cache")
    assert made.num_images == 60
    assert "not kept for next time" in capsys.readouterr().out


def test_the_features_kept_and_compared_are_few_and_evenly_spaced(
    monkeypatch, network, images
):
    monkeypatch.setattr(reference, "MOST_FEATURES", 20)
    monkeypatch.setattr(reference, "MOST_COMPARED", 10)
    made = reference.compute_reference(images, network)
    assert made.features.shape == (20, network.width)
    some = reference.take_evenly(made.features, 10)
    assert not np.array_equal(made.compared(), some)  # but shuffled
    np.testing.assert_array_equal(
        *(np.sort(x, axis=0) for x in (made.compared(), some))
    )
    rows = np.arange(100)
    np.testing.assert_array_equal(reference.take_evenly(rows, 4), [0, 33, 66, 99])
    np.testing.assert_array_equal(reference.take_evenly(rows, 100), rows)


def test_training_images_are_all_but_the_tests():
    data = datasets.load("digits")
    train, test = (reference.real_images(data, which) for which in ("train", "test"))
    assert len(train) == len(data.train.labels) + len(data.validation.labels)
    np.testing.assert_array_equal(test, data.test.images)
    assert len(reference.real_images(data, "train", 5)) == 5


@pytest.mark.parametrize(("limit", "most"), [(0, 50_000), (100, 50_000), (100, 30)])
def test_the_features_of_training_images_are_without_those_of_validation(
    monkeypatch, network, limit, most
):
    data = datasets.load("digits")
    monkeypatch.setattr(reference, "MOST_FEATURES", most)
    real, _ = reference.choose_reference(data, network, limit=limit)
    features = reference.training_features(real, data, limit=limit)
    validation = {bytes(x) for x in np.asarray(data.validation.images)}
    images = reference.take_evenly(reference.real_images(data, "train", limit), most)
    images = images[[bytes(x) not in validation for x in images]]
    assert len(features) < min(most, limit or 10**9, len(data.train.labels) + 1)
    np.testing.assert_allclose(
        features, network.extract(images).features, rtol=1e-4, atol=1e-5
    )


def test_the_protocol_has_the_sha256_of_the_statistics(network):
    data = datasets.load("digits")
    real, described = reference.choose_reference(data, network, limit=100)
    content = [np.ascontiguousarray(x).tobytes() for x in real[:2]]
    content.append(real.features.astype("float32").tobytes())
    assert described["sha256"] == hashlib.sha256(b"".join(content)).hexdigest()
    assert described["features_kept"] == described["kid_images"] == 100


def test_other_tools_files_are_read(tmp_path, network):
    d = network.width
    sigma = np.eye(d, dtype="float32")
    np.savez(tmp_path / "stats.npz", mu=np.arange(d), sigma=sigma)
    path = tmp_path / "stats.npz"
    read, described = reference.choose_reference(None, network, stats=path)
    np.testing.assert_array_equal(read.mu, np.arange(d))
    np.testing.assert_array_equal(read.sigma, sigma)
    assert read.sigma.dtype == "float64"
    assert "left out" in described["kid"]
    assert "left out" in described["manifold"]
    assert described["sha256"] == read.sha256()


def refused(path, width=4):
    with pytest.raises(InputError) as raised:
        reference.read_reference(path, width)
    assert "\n" not in str(raised.value)
    assert f"stats={path}" in str(raised.value)
    return str(raised.value)


def test_files_that_are_no_statistics_are_refused(tmp_path):
    place = tmp_path / "stats.npz"
    assert "no readable .npz" in refused(place)
    place.write_text("text")
    assert "no readable .npz" in refused(place)
    np.savez(place, mu=np.zeros(4))
    assert "no readable .npz" in refused(place)
    np.save(tmp_path / "one.npy", np.zeros(4))
    assert "no readable .npz" in refused(tmp_path / "one.npy")
    np.savez(place, mu=np.zeros(3), sigma=np.eye(3))
    assert "(3,)" in refused(place)
    np.savez(place, mu=np.zeros(4), sigma=np.full([4, 4], np.nan))
    assert "not finite" in refused(place)


def test_too_few_images_are_refused_before_the_work(network):
    data = datasets.load("digits")
    before = network.asked
    with pytest.raises(InputError, match=r"too few .* by split=train or limit"):
        reference.choose_reference(data, network, limit=2)
    assert network.asked == before
