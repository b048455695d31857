"""A packed run: what it answers, and what it refuses."""

import json
import shutil
import struct
import types
import zipfile

import numpy as np
import pytest
import tensorflow as tf

from jem_tf import datasets, options
from jem_tf.commands import evaluate_ood
from jem_tf.errors import InputError
from jem_tf.evaluation import served_score
from jem_tf.runs import checkpoint_files, initial_weights, loading, packed_checkpoint
from jem_tf.runs.run_folder import RunFolder
from jem_tf.serving import exporting, packing, predictor, run_calibration
from tests.processes import contents, run_here

DATA = datasets.load("digits")
IMAGES = DATA.test.images[:200]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(tmp_path_factory, trained):
    """A JEM that began with a plain classifier."""
    place = tmp_path_factory.mktemp("run")
    trained(place / "classifier", "--p_x_weight=0")
    run_here(place / "jem", f"--init={place / 'classifier'}")
    return loading.read_run(place / "jem")


@pytest.fixture(scope="module")
def packed(tmp_path_factory, run):
    """{type of weights: a packed run}."""
    place = tmp_path_factory.mktemp("packed")
    return {
        weights: packing.pack_run(
            run, DATA, place / weights, chains=45, weights=weights
        )
        for weights in packed_checkpoint.TYPES
    }


def test_float32_keeps_the_weights_and_float16_the_answers_to_a_thousandth(run, packed):
    expected = run.model.logits(IMAGES).numpy()
    models = {w: loading.read_run(path).model for w, path in packed.items()}
    logits = {w: model.logits(IMAGES).numpy() for w, model in models.items()}
    np.testing.assert_array_equal(logits["float32"], expected)
    off = np.abs(logits["float16"] - expected).max() / np.abs(expected).max()
    assert 0 < off < 1e-3


def test_it_keeps_chains_of_each_class_in_8_bits(run, packed):
    before, now = run.model.buffer, loading.read_run(packed["float16"]).model.buffer
    slots = packed_checkpoint.choose_slots(before, 45)
    assert now.size == len(slots) == 45
    np.testing.assert_array_equal(now.all_ages(), before.all_ages()[slots])
    np.testing.assert_array_equal(now.all_origins(), before.all_origins()[slots])
    clipped = np.clip(before.all_images()[slots], -1, 1)
    assert np.abs(now.all_images() - clipped).max() <= 1 / 255 + 1e-6


def never():
    raise AssertionError("The data are not needed.")


@pytest.mark.parametrize(
    ("passed_over", "served", "state"),
    [
        ({"initial_log_px"}, "initial_vim", {"initial_vim"}),
        ({"initial_log_px", "initial_vim"}, "max_p", set()),
    ],
)
def test_a_score_by_which_noise_passes_is_passed_over(
    run, passed_over, served, state, tmp_path, monkeypatch
):
    def share(scorer, name, threshold, images):
        return float(name not in passed_over)

    monkeypatch.setattr(served_score, "share_of_noise", share)
    place = packing.pack_run(run, DATA, tmp_path / "packed", chains=20)
    assert (place / "fitted_scores").exists() == bool(state)
    model = loading.read_run(place)
    scorer, calibration, facts = run_calibration.read_calibrated(model, never)
    assert calibration.ood_score == served
    assert facts["noise_is_ood"] == 1
    assert {key.split("/")[0] for key in scorer.state} == state
    context = types.SimpleNamespace(run=model)
    found = evaluate_ood.find_served(context, scorer)
    assert found == (served, "calibration.json")
    answers = predictor.load(place).classify(IMAGES)
    expected = scorer.scores(IMAGES, [served])[served]
    np.testing.assert_allclose(answers.ood_score, expected, rtol=1e-4, atol=1e-4)


def test_it_answers_what_the_export_of_the_run_answers(run, packed, tmp_path):
    exported = tf.saved_model.load(str(exporting.export_run(run, DATA, tmp_path)))
    expected = exported.signatures["classify"](images=tf.constant(IMAGES))
    answers = predictor.load(packed["float32"]).classify(IMAGES)
    names = [name.decode() for name in expected["class_names"].numpy()]
    assert answers.class_names.tolist() == names
    for name in ("confidence", "log_density", "ood_score"):
        np.testing.assert_allclose(
            getattr(answers, name), expected[name], rtol=1e-4, atol=1e-4
        )
    np.testing.assert_array_equal(answers.is_ood, expected["is_ood"])
    assert 0 < answers.is_ood.sum() < len(IMAGES)
    single = predictor.load(packed["float32"]).classify(IMAGES[3])
    assert single.class_names == names[3]


def test_it_is_exported_without_its_data_as_with_them(packed, tmp_path):
    packed = loading.read_run(packed["float16"])
    with_data = exporting.export_run(packed, DATA, tmp_path / "with")
    without = exporting.export_run(packed, None, tmp_path / "without")
    for name in (exporting.CALIBRATION, "README.md"):
        assert (with_data / name).read_bytes() == (without / name).read_bytes()


def test_a_run_may_begin_with_it_and_knows_the_plain_classifier(packed, run, tmp_path):
    run_here(tmp_path, f"--init={packed['float32']}", "--steps=1")
    began = initial_weights._read(RunFolder(tmp_path).initial_classifier)
    for ours, theirs in zip(
        began, initial_weights._read(run.folder.initial_classifier), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_no_training_goes_on_from_it(packed):
    before = contents(packed["float16"])
    with pytest.raises(InputError, match="is a packed run, from which no training"):
        run_here(packed["float16"], "--init=classifier")
    assert contents(packed["float16"]) == before


def test_it_is_calibrated_in_a_precision_and_classifies_in_it(packed):
    images = IMAGES[:20]
    expected = predictor.load(packed["float16"], precision="float32").classify(images)
    other = predictor.load(packed["float16"], precision="mixed_bfloat16")
    for ours, theirs in zip(other.classify(images), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_packed_again_it_tells_the_options_that_trained_it(packed, tmp_path):
    again = packing.pack_run(
        loading.read_run(packed["float16"]), DATA, tmp_path / "again", chains=10
    )
    assert loading.read_run(again).model.buffer.size == 10
    flags = (packed["float16"] / "run.flags").read_text()
    assert (again / "run.flags").read_text() == flags
    assert "--buffer_size=100\n" in flags
    card = exporting.export_run(loading.read_run(again), None, tmp_path / "served")
    assert "--buffer_size=100\n" in (card / "README.md").read_text()


def test_what_was_imported_stays_known_as_imported(run, tmp_path):
    place = shutil.copytree(run.folder.root, tmp_path / "imported")
    RunFolder(place).import_file.write_text("{}")
    packed = packing.pack_run(
        loading.read_run(place), DATA, tmp_path / "packed", chains=10
    )
    assert RunFolder(packed).is_imported
    assert json.loads((packed / "calibration.json").read_text())["seen_in_training"]


def largest_stream(path):
    """Where the largest compressed array of an .npz begins and ends, in bytes."""
    with zipfile.ZipFile(path) as file:
        array = max(file.infolist(), key=lambda array: array.compress_size)
    header = path.read_bytes()[array.header_offset :][:30]
    begin = array.header_offset + 30 + sum(struct.unpack("<HH", header[26:]))
    return begin, begin + array.compress_size


def test_damage_is_found(packed, tmp_path, run):
    place = packing.pack_run(run, DATA, tmp_path / "packed", chains=10)
    checkpoint = loading.find_checkpoint(RunFolder(place))
    file = checkpoint / packed_checkpoint.NAME
    whole, (begin, end) = file.read_bytes(), largest_stream(file)
    for byte in np.linspace(begin, end - 9, 300).astype(int):
        content = bytearray(whole)
        content[byte] ^= 1
        file.write_bytes(content)
        assert checkpoint_files.find_damage(checkpoint), byte
    with pytest.raises(InputError, match="has no whole checkpoint"):
        loading.read_run(place)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"accept": 0.0}, r"accept=0.0 must be in \(0, 1\]"),
        ({"chains": 0}, "chains=0 leaves a class without a chain"),
    ],
)
def test_what_is_refused_leaves_nothing(run, tmp_path, how, message):
    with pytest.raises(InputError, match=message):
        packing.pack_run(run, DATA, tmp_path / "packed", **how)
    assert not list(tmp_path.iterdir())


def test_where_the_users_pictures_lie_is_nobodys_business(run, tmp_path):
    dataset = {"dataset": "folder:/home/ann/flowers"}
    named = run._replace(options=options.replace(run.options, dataset))
    place = packing.pack_run(named, DATA, tmp_path / "packed")
    packed = RunFolder(place)
    for path in (packed.flags_file, packed.calibration):
        assert "folder:flowers" in path.read_text()
    again = loading.read_run(place)
    export = exporting.export_run(again, DATA, tmp_path / "export")
    texts = [p for p in (*place.rglob("*"), *export.rglob("*")) if p.is_file()]
    assert not [p for p in texts if b"/home/ann" in p.read_bytes()]


def test_a_folder_that_holds_something_is_left_as_it_is(run, packed):
    before = contents(packed["float16"])
    with pytest.raises(InputError, match="holds something; name another"):
        packing.pack_run(run, DATA, packed["float16"])
    assert contents(packed["float16"]) == before
