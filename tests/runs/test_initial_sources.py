"""A trained network is read from a Keras file, SavedModel or run by one function."""

import zipfile

import numpy as np
import pytest

from jem_tf import pixels
from jem_tf.errors import InputError
from jem_tf.runs import initial_sources, loading, pretrained_models
from tests import tiny_models
from tests.runs.test_initial_weights import IMAGES, SHAPE, saved, trained


@pytest.mark.parametrize("norm", ["none", "batch"])
@pytest.mark.parametrize("kind", ["keras", "SavedModel"])
def test_a_file_gives_the_weights_and_logits_of_the_network(kind, norm, tmp_path):
    network, x = trained(norm), pixels.from_uint8(IMAGES)
    source = initial_sources.read_source(str(saved(network, tmp_path, kind)))
    for weight, (_, name, value) in zip(network.weights, source.weights, strict=True):
        assert name == weight.name
        np.testing.assert_array_equal(value, weight)
    np.testing.assert_allclose(source.logits(x), network(x), rtol=1e-5, atol=1e-5)
    assert source.normalised == (norm == "batch")
    assert (source.network is None) == (kind == "SavedModel")
    assert source.run is None
    assert not source.generative


def test_a_file_of_a_jem_gives_its_network_and_says_what_it_learned(tmp_path):
    network, x = trained("none"), pixels.from_uint8(IMAGES)
    tiny_models.jem(network, shape=SHAPE).save(tmp_path / "it.keras")
    source = initial_sources.read_source(str(tmp_path / "it.keras"))
    assert source.generative
    np.testing.assert_allclose(source.logits(x), network(x), rtol=1e-5, atol=1e-5)


def test_a_pretrained_models_name_gives_its_run():
    source = initial_sources.read_source("digits")
    run = loading.read_run(pretrained_models.find("digits"), precision="float32")
    assert source.generative
    assert source.run.root == run.folder.root
    for weight, (_, _, value) in zip(
        run.model.network.weights, source.weights, strict=True
    ):
        np.testing.assert_array_equal(value, weight)


def test_a_damaged_file_is_refused_in_a_sentence(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.keras", "w") as file:
        file.writestr("metadata.json", "{}")
    tiny_models.jem().network.export(tmp_path / "b", verbose=False)
    (data,) = (tmp_path / "b" / "variables").glob("*.data-*")
    data.write_bytes(bytes(len(data.read_bytes())))
    for name in "a.keras", "b":
        with pytest.raises(InputError, match=rf"{name} cannot be read .*; give a run"):
            initial_sources.read_source(str(tmp_path / name))


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "it.txt").write_text("no network")
    with pytest.raises(InputError, match=r"it\.txt cannot be read .*; give a run"):
        initial_sources.read_source(str(tmp_path / "it.txt"))
