"""One exported run, asked in this process and in one that knows no jem_tf."""

import io
import json
import re
import shutil
import struct
import zlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from jem_tf import datasets, samplers
from jem_tf.datasets import image_conversion, picture_folders
from jem_tf.energy_model import EnergyModel
from jem_tf.errors import InputError
from jem_tf.evaluation import findings
from jem_tf.evaluation.scorer import Scorer
from jem_tf.options import Network, Options, Sampling, Training
from jem_tf.runs import loading, pretrained_models
from jem_tf.runs.run_folder import RunFolder
from jem_tf.serving import (
    decoding,
    exporting,
    predictor,
    served_calibration,
    signatures,
)
from tests import processes
from tests.datasets import odd_pictures
from tests.runs.test_run_folder import kept
from tests.serving import agreement, encodings
from tests.serving.agreement import WALK
from tests.serving.encodings import png

pytestmark = pytest.mark.slow

ANSWER = """
import numpy as np, tensorflow as tf
place, asked, answered = sys.argv[1:]
model, found = tf.saved_model.load(place), {}
for key, inputs in np.load(asked, allow_pickle=True)["asked"].item().items():
    inputs = {name: tf.constant(value) for name, value in inputs.items()}
    outputs = model.signatures[key](**inputs)
    found[key] = {name: value.numpy() for name, value in outputs.items()}
np.savez(answered, answered=np.array(found, dtype=object))
assert "jem_tf" not in sys.modules
"""
COMMAND = """
from absl import flags
from tensorflow.python.tools import saved_model_cli
place = sys.argv[1]
for argv in (
    ["show", "--dir", place, "--all"],
    ["run", "--dir", place, "--tag_set", "serve", "--signature_def", "classify",
     "--inputs", f"images={sys.argv[2]}"],
):
    sys.argv = ["saved_model_cli", *argv]
    try:
        saved_model_cli.main()
    except SystemExit as end:
        assert not end.code, end.code
    flags.FLAGS.unparse_flags()
assert "jem_tf" not in sys.modules
"""
SIGNATURES = {"classify", "score", "sample", "refine", "classify_encoded"}


@pytest.fixture(scope="module")
def data():
    return datasets.load("digits")


@pytest.fixture(scope="module")
def exported(tmp_path_factory, data):
    """(Predictor, place of the export) of a run that is not quite untrained."""
    root = tmp_path_factory.mktemp("run")
    processes.run_here(root, "--activation=swish", "--learning_rate=0.003")
    run = loading.read_run(root)
    return predictor.Predictor(run), exporting.export_run(run, data, ood_score="knn")


@pytest.fixture(scope="module")
def model(exported):
    """The signatures, loaded in this process."""
    loaded = tf.saved_model.load(exported[1])
    signatures = dict(loaded.signatures)
    signatures["loaded"] = loaded  # whom its functions' variables die with
    return signatures


def alone(script, *argv):
    with processes.forked("-c", processes.ALONE + script, *argv) as process:
        code, out, err = process.end()
    assert code == 0, err
    return out


def test_a_process_without_jem_tf_gets_what_the_python_api_says(
    exported, data, tmp_path
):
    ours, place = exported
    images = data.test.images[:7].numpy()
    asked = np.array(agreement.asked(images), dtype=object)
    np.savez(tmp_path / "asked.npz", asked=asked)
    answers = tmp_path / "answered.npz"
    alone(ANSWER, place, tmp_path / "asked.npz", answers)
    answered = np.load(answers, allow_pickle=True)["answered"].item()
    agreement.check(answered, ours, place, images)


def test_saved_model_cli_shows_and_runs_it(exported, tmp_path):
    np.save(tmp_path / "images.npy", GOOD)
    out = alone(COMMAND, exported[1], tmp_path / "images.npy")
    for name in SIGNATURES | {"serving_default"}:
        assert f"signature_def['{name}']" in out
    for name in ("n", "steps", "seed", "step_size", "noise"):
        assert f"inputs['{name}']" in out
    for name in ("probabilities", "class_names", "is_ood"):
        assert f"Result for output key {name}:" in out


def test_the_graph_is_plain_tensorflow_and_holds_the_network_alone(exported):
    ours, place = exported
    assert b"xla" not in (place / "saved_model.pb").read_bytes().lower()
    variables = tf.train.list_variables(place / "variables" / "variables")
    sizes = [int(np.prod(shape)) for name, shape in variables if "VARIABLE" in name]
    scorer = ours._fitted(["knn"])
    fitted = sum(np.size(value) for value in scorer.state.values())
    assert fitted > 0
    assert sum(sizes) == ours.model.network.count_params() + fitted


def test_equal_seeds_give_equal_samples_and_others_others(model):
    one, same, other = (
        model["sample"](n=tf.constant(3), **walk(seed=seed))["pixels"]
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 0.1
    still = walk(steps=0, noise=np.float32(0))
    noise = model["sample"](n=tf.constant(3), **still)
    assert np.abs(noise["pixels"]).max() <= 1


def walk(**changes):
    return {name: tf.constant(value) for name, value in (WALK | changes).items()}


SGLD = samplers.build("sgld", steps=1, step_size=1.0, noise=0.01)
GOOD = np.zeros([2, 8, 8, 1], "uint8")
AUROC = "auroc/noise/log_px"
NAN, LESS, HUGE = np.float32("nan"), np.float32(-1), np.float32(3e38)


@pytest.mark.parametrize(
    ("name", "inputs", "says"),
    [
        ("classify", {"images": GOOD[:, :4]}, r"\[N, 8, 8, 1\].* \[2 4 8 1\]"),
        ("classify", {"images": GOOD[0]}, r"\[N, 8, 8, 1\].* \[8 8 1\]"),
        ("classify", {"images": GOOD[None]}, r"\[N, 8, 8, 1\].* \[1 2 8 8 1\]"),
        ("classify", {"images": GOOD[:0]}, "with N from 1 to 1024"),
        ("classify", {"images": GOOD.repeat(3, -1)}, r"\[2 8 8 3\]"),
        ("score", {"images": GOOD[:, :4]}, r"\[N, 8, 8, 1\]"),
        ("refine", {"images": GOOD[:0], **WALK}, "with N from 1 to 1024"),
        (
            "refine",
            {"images": GOOD, **WALK, "steps": -1},
            "steps must be from 0",
        ),
        ("score", {"images": GOOD.repeat(600, 0)}, r"\[1200 8 8 1\]"),
        ("classify_encoded", {"images": [[b""]]}, r"files, \[N\].* \[1 1\]"),
        ("classify_encoded", {"images": b""}, r"files, \[N\].* \[\]"),
        (
            "sample",
            {"n": 1, **WALK, "noise": HUGE},
            "not finite, as the chains diverged",
        ),
        (
            "refine",
            {"images": GOOD, **WALK, "noise": HUGE},
            "not finite, as the chains diverged",
        ),
        ("sample", {"n": 0, **WALK}, "n must be from 1 to 1024"),
        ("sample", {"n": 2**30, **WALK}, "n must be from 1 to 1024"),
        ("sample", {"n": 1, **WALK, "steps": 2**30}, "steps must be from 0"),
        ("sample", {"n": 1, **WALK, "seed": -1}, "seed must be at least 0"),
        ("sample", {"n": 1, **WALK, "noise": NAN}, "must be finite"),
        ("sample", {"n": 1, **WALK, "step_size": LESS}, "at least 0"),
        ("classify_encoded", {"images": [b"GIF89a"]}, "neither a PNG nor a JPEG"),
        ("classify_encoded", {"images": [b""]}, "neither a PNG nor a JPEG"),
        ("classify_encoded", {"images": np.array([], "S1")}, "with N from 1 to 1024"),
        ("classify_encoded", {"images": [png(GOOD[0])[:-20]]}, "Invalid PNG"),
    ],
)
def test_a_bad_request_is_answered_with_a_sentence(model, name, inputs, says):
    inputs = {key: tf.constant(value) for key, value in inputs.items()}
    with pytest.raises(tf.errors.InvalidArgumentError, match=says):
        model[name](**inputs)
    assert model["classify"](images=tf.constant(GOOD))["class_ids"].shape == 2


def test_fuzzed_bytes_are_refused_or_answered_and_it_still_answers(model):
    generator, whole = np.random.default_rng(1), list(encodings.files())
    ends, good = {"answered": 0, "refused": 0}, tf.constant(whole)
    before = model["classify_encoded"](images=good)["logits"]
    for turn in range(1500):
        sent = encodings.mutated(bytearray(whole[turn % len(whole)]), generator, turn)
        try:
            found = model["classify_encoded"](images=tf.constant([bytes(sent)]))
            assert np.isfinite(found["logits"]).all()
            ends["answered"] += 1
        except tf.errors.InvalidArgumentError:
            ends["refused"] += 1
    assert min(ends.values()) > 50, ends
    np.testing.assert_array_equal(
        model["classify_encoded"](images=good)["logits"], before
    )


@pytest.mark.parametrize("side", [65_000, 2**31 - 1])
def test_a_small_file_that_claims_to_be_huge_is_refused(model, side):
    file = bytearray(png(GOOD[0]))
    file[16:24] = side.to_bytes(4, "big") * 2
    with pytest.raises(tf.errors.InvalidArgumentError, match="pixels, and is"):
        model["classify_encoded"](images=tf.constant([bytes(file)]))


def test_a_chunk_before_the_header_does_not_hide_a_size(model):
    """Of 10,000 x 10,000 pixels, said to be 8 x 8 where a header should be."""
    large, header = png(np.zeros([10_000, 10_000, 1], "uint8")), png(GOOD[0])[8:33]
    body = b"abCd" + header[8:21]
    chunk = struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    for file in (large, large[:8] + chunk + large[8:]):
        with pytest.raises(
            tf.errors.InvalidArgumentError, match=r"pixels, and|neither"
        ):
            model["classify_encoded"](images=tf.constant([file]))


def test_what_is_not_finite_is_no_image_the_model_knows(exported):
    known = served_calibration.Calibration(1.0, False, -1e9, 0.95, 0.95, 1.0, 1)
    network = keras.Sequential(
        [keras.Input((2, 2, 1)), keras.layers.Flatten(), keras.layers.Dense(2)]
    )
    network.layers[-1].set_weights([np.ones([4, 2]), np.zeros(2)])
    asked = signatures.Served(Scorer(EnergyModel(network)), ("a", "b"), known, SGLD)
    images = np.zeros([1, 2, 2, 1], "uint8")
    assert not asked.classify(images)["is_ood"][0]
    for bias in (np.nan, np.inf, -np.inf):
        network.layers[-1].set_weights([np.ones([4, 2]), np.full(2, bias)])
        assert asked.classify(images)["is_ood"][0]


def decoded(file, shape):
    return decoding.decode(tf.constant([file]), shape)[0]


def test_files_are_decoded_resized_and_converted_as_data_sets_are():
    image = np.random.default_rng(2).integers(0, 256, (20, 31, 3), dtype="uint8")
    found = decoded(png(image), (8, 8, 3))
    resized = tf.image.resize(image, [8, 8], antialias=True)
    np.testing.assert_array_equal(found, tf.cast(tf.round(resized), tf.uint8))
    np.testing.assert_array_equal(decoded(png(image), image.shape), image)
    grey = decoded(png(image), (20, 31, 1)).numpy()[..., 0].astype("int32")
    theirs = np.asarray(Image.fromarray(image).convert("L"), "int32")
    assert np.abs(grey - theirs).max() <= 1  # Pillow's weights are of 16 bits
    rgb = decoded(png(image[..., :1]), (20, 31, 3))
    np.testing.assert_array_equal(rgb, image[..., :1].repeat(3, -1))
    jpeg = io.BytesIO()
    Image.fromarray(image).save(jpeg, "JPEG", quality=95)
    theirs = np.asarray(Image.open(jpeg), "int32")
    ours = decoded(jpeg.getvalue(), image.shape).numpy()
    assert np.abs(ours - theirs).mean() < 3


@pytest.mark.parametrize(
    ("kind", "files", "share"),
    [("png", odd_pictures.pngs(), 1e-3), ("jpg", odd_pictures.jpegs(), 0.05)],
)
def test_an_export_sees_in_files_what_training_reads_in_a_folder(
    model, tmp_path, kind, files, share
):
    for i, (file, _) in enumerate(files.values()):
        (tmp_path / f"{i:03}.{kind}").write_bytes(file)
    pictures = picture_folders.read_pictures(f"folder:{tmp_path}")
    images, _ = image_conversion.convert_images(pictures, (8, 8, 1))
    sent = tf.constant([file for file, _ in files.values()])
    found = model["classify_encoded"](images=sent)["logits"]
    right = model["classify"](images=tf.constant(images))["logits"]
    spread = np.ptp(right, axis=0)  # over pictures: other pixels, other answers
    assert spread.min() > 1e-3
    assert (np.abs(found - right) <= share * spread).all()


def test_the_calibration_is_of_the_validation_images(exported, data):
    ours, place = exported
    about = json.loads((place / exporting.CALIBRATION).read_text())
    name = about["ood_score"]
    assert name == "knn"
    score = ours.ood_score(data.validation.images, [name])[name]
    passing = np.mean(score >= about["threshold"] - 1e-5)
    assert 0.95 <= about["accepted"] <= 0.95 + 2 / len(score)
    assert abs(passing - about["accepted"]) <= 1 / len(score)
    assert about["images"] == len(data.validation.labels)
    assert about["calibrated_on"] == "digits, the validation images"
    assert (about["checkpoint_step"], about["precision"]) == (12, "float32")
    assert not about["seen_in_training"]


def test_an_export_is_the_next_free_number_the_same_again_and_known(
    exported, data, monkeypatch
):
    ours, place = exported
    run = ours.run
    assert place == run.folder.exports / "1"
    assert exporting.is_already_exported(run, place.parent)
    archive = exporting._archive

    def raced(signatures, part):
        archive(signatures, part)
        (place.parent / "2" / "another's").mkdir(parents=True, exist_ok=True)

    monkeypatch.setattr(exporting, "_archive", raced)
    again = exporting.export_run(run, data, ood_score="knn")
    assert again.name == "3"
    shutil.rmtree(place.parent / "2")
    same = [(one / exporting.CALIBRATION).read_text() for one in (place, again)]
    assert same[0] == same[1]
    assert sorted(path.name for path in place.parent.iterdir()) == ["1", "3"]
    network = run.model.network
    weights = network.get_weights()
    network.set_weights([weight + 1 for weight in weights])
    assert not exporting.is_already_exported(run, place.parent)
    network.set_weights(weights)


def test_what_is_there_stays_and_what_fails_leaves_nothing(
    exported, data, tmp_path, full_disk
):
    run, place = exported[0].run, exported[1]
    before = processes.contents(place)
    with pytest.raises(InputError, match="exists already; name another"):
        exporting.export_run(run, data, number=np.int64(1))
    assert exporting._new_place(place.parent, 1764400000000).name == "1764400000000"
    with pytest.raises(InputError, match=r"^precision=foo is not known; choose"):
        exporting.export_run(run, data, tmp_path, precision="foo")
    for number in (-1, True, "x"):
        with pytest.raises(InputError, match=f"^number={number} is no version"):
            exporting.export_run(run, data, number=number)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        exporting.export_run(run, data, tmp_path / "file")
    with full_disk(1000), pytest.raises(InputError, match="cannot be written"):
        exporting.export_run(run, data, tmp_path / "full")
    assert not list((tmp_path / "full").iterdir())
    with pytest.raises(InputError, match=r"^accept=0 must be in \(0, 1\]"):
        exporting.export_run(run, data, tmp_path, accept=0)
    assert processes.contents(place) == before


def test_the_card_says_what_was_measured_and_of_what(exported):
    ours, place = exported
    text = (place / "README.md").read_text()
    measured = processes.results(ours.run.folder.root)
    about = json.loads((place / exporting.CALIBRATION).read_text())
    for value in (measured["accuracy"], measured["ece"]):
        assert f"{value:.4f}" in text
    assert f"temperature {about['temperature']:.4f}" in text
    assert f"threshold {about['threshold']:.4f}" in text
    assert "`ood_score` is `knn`" in text
    assert about["network_sha256"] in text
    assert "--network=convnet-8\n" in text
    for name in SIGNATURES:
        assert f"**`{name}`**" in text
    assert "Warning" not in text
    assert not re.search(r"\{\w+\}", text)


def test_the_card_of_imported_weights_warns_and_claims_nothing(
    exported, data, tmp_path
):
    run = exported[0].run._replace(folder=RunFolder(tmp_path), step=0)
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "import.json").write_text("{}")
    place = exporting.export_run(run, data)
    text = (place / "README.md").read_text()
    assert place == tmp_path / "export" / "1"
    assert "most likely seen in training" in text.replace("\n", " ")
    assert "Nothing yet" in text
    assert json.loads((place / exporting.CALIBRATION).read_text())["seen_in_training"]


def test_the_card_leaves_out_quick_looks_and_what_is_no_number(
    exported, data, tmp_path
):
    run = exported[0].run._replace(folder=RunFolder(tmp_path))
    (tmp_path / "results").mkdir()
    sha256 = findings.weights_sha256(run.model.network)
    trained_ = {"steps": run.step, "accuracy": None, "ece": 0.4321}
    (tmp_path / "results" / "train.json").write_text(json.dumps(trained_))
    for name, limit in (("calibration", 5), ("ood", 0)):
        found = {
            "protocol": {"network_sha256": sha256, "limit": limit},
            "metrics": {
                "accuracy": 0.1234,
                "ece": "much",
                "auroc/noise/log_px": 0.5678,
            },
        }
        (tmp_path / "results" / f"{name}.json").write_text(json.dumps(found))
    text = (exporting.export_run(run, data) / "README.md").read_text()
    assert "| ece | 0.4321 |" not in text  # what was measured last counts
    assert f"| {AUROC} | 0.5678 |" in text
    assert text.count("0.1234") == 1  # ood's, not the quick look's
    found = tmp_path / "results" / "ood.json"
    found.unlink()
    text = (exporting.export_run(run, data) / "README.md").read_text()
    assert "| ece | 0.4321 |" in text
    assert "0.1234" not in text


def test_a_score_that_is_none_is_refused_before_anything_is_written(
    exported, data, tmp_path
):
    with pytest.raises(InputError, match=r"^ood_score=none is no score; choose auto"):
        exporting.export_run(exported[0].run, data, tmp_path, ood_score="none")
    assert not list(tmp_path.iterdir())


def test_the_export_of_an_earlier_version_counts_as_one(exported, tmp_path):
    """Its calibration.json names no score, as log p(x) was the only one."""
    run, place = exported[0].run, tmp_path / "1"
    about = json.loads((exported[1] / exporting.CALIBRATION).read_text())
    (place / exporting.CALIBRATION).parent.mkdir(parents=True)
    old = {key: x for key, x in about.items() if not key.startswith("ood_score")}
    (place / exporting.CALIBRATION).write_text(json.dumps(old))
    assert exporting.is_already_exported(run, tmp_path)


@pytest.mark.parametrize(
    ("activation", "score"), [("leaky_relu", "typicality"), ("swish", "combined")]
)
def test_a_residual_network_with_clamps_answers_the_same(
    tmp_path, data, activation, score
):
    """With weights as `train` begins with them: how good they are is no matter."""
    root, _ = kept(
        tmp_path,
        Options(
            network=Network("wrn-10-1", norm="layer", activation=activation),
            sampling=Sampling(buffer_size=20, score_clamp=0.01, range_clamp=1.0),
            training=Training(precision="float32"),
        ),
    )
    ours = predictor.Predictor(loading.read_run(root))
    place = exporting.export_run(ours.run, data, ood_score=score)
    about = (place / "README.md").read_text()
    assert f"`ood_score` is `{score}`" in about
    assert "which was asked for" in about
    images, answered = data.test.images[:3].numpy(), {}
    loaded = tf.saved_model.load(place)
    for name, inputs in agreement.asked(images).items():
        given = {key: tf.constant(value) for key, value in inputs.items()}
        outputs = loaded.signatures[name](**given)
        answered[name] = {key: value.numpy() for key, value in outputs.items()}
    assert answered.keys() == loaded.signatures.keys()
    agreement.check(answered, ours, place, images)


def test_a_pretrained_model_is_not_written_to():
    run = loading.read_run(pretrained_models.find_preset("digits"))
    with pytest.raises(InputError) as error:
        exporting.export_run(run)
    assert str(error.value) == (
        "digits is a pretrained model, which is not written to; give base=FOLDER."
    )
    assert not run.folder.exports.exists()
