"""A run made of the authors' tensors, as jem_tf reads runs. Takes no PyTorch."""

import dataclasses
import json

import numpy as np
import pytest
from absl import flags

from jem_tf import train
from jem_tf.datasets import paper_set_info
from jem_tf.errors import InputError
from jem_tf.evaluation import sample_sources
from jem_tf.pytorch import conversion, imported_run
from jem_tf.runs import flagfiles, loading
from tests.pytorch import authors

CLASSES = {"cifar10": 10, "cifar100": 100, "svhn": 10}


def original(classes=10, images=3):
    images = authors.images(images) if images else None
    return conversion.convert_weights(
        authors.state(classes=classes), images, source="a.pt"
    )


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("source") / "a.pt"
    path.write_bytes(b"abc")
    return path


@pytest.fixture(scope="module")
def written(source, tmp_path_factory):
    root = tmp_path_factory.mktemp("runs") / "deep" / "run"
    return root, imported_run.write_run(root, original(), source)


def refused(*arguments, **more):
    with pytest.raises(InputError) as raised:
        imported_run.write_run(*arguments, **more)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_the_run_has_the_weights_and_the_images_it_was_made_of(written):
    run, expected = loading.read_run(written[0]), original()
    network = run.model.network
    for name, weights in expected.weights.items():
        layer = network.get_layer(name)
        for weight, same in zip(layer.get_weights(), weights, strict=True):
            np.testing.assert_array_equal(weight, same)
    count = sum(w.size for weights in expected.weights.values() for w in weights)
    assert network.count_params() == count
    np.testing.assert_array_equal(run.model.buffer.shard, expected.images)


def test_its_options_are_the_papers_recipe_in_float32(written):
    root, _ = written
    run = loading.read_run(root)
    assert (run.folder.root, run.step, run.class_names[:2]) == (
        root,
        0,
        ("airplane", "automobile"),
    )
    values = flags.FlagValues()
    flagfiles.define(values)
    argv = "--dataset=cifar10 --network=wrn-10-1 --buffer_size=3 --precision=float32"
    flagfiles.parse(["train", *argv.split()], values)
    assert run.options == flagfiles.from_flags(values)


def test_it_can_be_asked_for_as_the_best_and_in_bfloat16(written):
    run = loading.read_run(written[0], best=True, precision="mixed_bfloat16")
    assert run.model.network.get_layer("conv_1").compute_dtype == "bfloat16"


def test_its_chains_continue_the_images_and_nobody_knows_their_age(written):
    model = loading.read_run(written[0]).model
    protocol = sample_sources.buffer_protocol(model, 20, 3)
    assert protocol["sampler_steps_mean"] is None
    json.dumps(protocol)
    pictures = model.sample(2, seed=1)
    assert pictures.shape == (2, 32, 32, 3)
    assert np.isfinite(pictures).all()


def test_where_it_comes_from_is_written_down(written):
    root, note = written
    assert json.loads((root / "results" / "import.json").read_text()) == note
    assert note["source"] == "a.pt"
    assert note["sha256"].startswith("ba7816bf")  # FIPS 180-2's, of "abc"
    assert (note["network"], note["buffer_images"]) == ("wrn-10-1", 3)


def test_without_images_chains_start_from_noise(source, tmp_path):
    root = tmp_path / "run"
    assert (
        imported_run.write_run(root, original(images=0), source)["buffer_images"] == 0
    )
    buffer = loading.read_run(root).model.buffer
    assert buffer.size == 10_000
    assert np.abs(buffer.shard.numpy().mean()) < 0.01
    assert np.abs(buffer.shard).max() <= 1


@pytest.mark.parametrize("dataset", paper_set_info.SETS)
def test_the_papers_sets_are_known_without_their_images(source, tmp_path, dataset):
    classes = CLASSES[dataset]
    imported_run.write_run(tmp_path / "run", original(classes), source, dataset=dataset)
    run = loading.read_run(tmp_path / "run")
    assert run.options.data.dataset == dataset
    assert len(set(run.class_names)) == classes


def test_a_hundred_classes_are_cifar_100s(source, tmp_path):
    imported_run.write_run(tmp_path / "run", original(100), source)
    run = loading.read_run(tmp_path / "run")
    assert run.options.data.dataset == "cifar100"
    assert (run.class_names[0], run.class_names[-1]) == ("apple", "worm")


@pytest.mark.parametrize(
    ("classes", "dataset", "says"),
    [
        (7, "", "a.pt has 7 classes; name its training data by dataset."),
        (7, "cifar10", "dataset=cifar10 has 10 classes"),
        (10, "cifar100", "dataset=cifar100 has 100 classes"),
        (10, "digits", "dataset=digits has 10 classes of images (32, 32, 1)"),
        (10, "folder:/nowhere", "dataset=folder:/nowhere is not a folder"),
    ],
)
def test_data_of_other_classes_or_images_are_refused(
    source, tmp_path, classes, dataset, says
):
    message = refused(tmp_path / "run", original(classes), source, dataset=dataset)
    assert says in message
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("there", ["a file", "a full folder", "a run"])
def test_what_is_there_is_left_alone(source, tmp_path, written, there):
    root = tmp_path / "run"
    if there == "a file":
        root.write_text("dear")
    elif there == "a full folder":
        root.mkdir()
        (root / "letter.txt").write_text("dear")
    else:
        root = written[0]
    before = sorted(root.parent.rglob("*"))
    assert f"path={root} holds something already" in refused(root, original(), source)
    assert sorted(root.parent.rglob("*")) == before


def test_an_empty_folder_becomes_the_run(source, tmp_path):
    imported_run.write_run(tmp_path, original(), source)
    assert loading.read_run(tmp_path).step == 0


@pytest.mark.parametrize("size", [0, 1000, 100_000])
def test_on_a_full_disk_nothing_appears(source, tmp_path, full_disk, size, capsys):
    with full_disk(size), pytest.raises((InputError, OSError)):
        imported_run.write_run(tmp_path / "run", original(), source)
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_refused(source, tmp_path):
    (tmp_path / "file").write_text("")
    place = tmp_path / "file" / "run"
    assert f"path={place} cannot be written" in refused(place, original(), source)


def test_training_does_not_continue_it(source, tmp_path):
    authors.pictures(tmp_path / "pictures", 70)
    root, dataset = tmp_path / "run", f"folder:{tmp_path / 'pictures'}"
    imported_run.write_run(root, original(2, images=64), source, dataset=dataset)
    run = loading.read_run(root)
    assert loading.read_data(run).class_names == ("bird", "cat")
    before = {p: p.read_bytes() for p in root.rglob("step-*/*")}
    training = dataclasses.replace(run.options.training, workdir=str(root))
    opts = dataclasses.replace(run.options, training=training)
    with pytest.raises(InputError, match="is a checkpoint of optimizer=PyTorch's, not"):
        train.run(opts)
    assert {p: p.read_bytes() for p in root.rglob("step-*/*")} == before
