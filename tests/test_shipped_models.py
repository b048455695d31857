"""The models that come with the package give the numbers that came with them."""

import json

import numpy as np
import pytest
import tensorflow as tf

import jem_tf
from jem_tf.runs import loading
from jem_tf.serving import exporting

pytestmark = pytest.mark.slow

MODELS = jem_tf.pretrained()
NEAR = {"rtol": 1e-4, "atol": 1e-3}  # float32 on other processors


@pytest.fixture(scope="module", params=sorted(MODELS))
def shipped(request):
    """(name, Predictor, {"images", "logits", ...})."""
    with np.load(MODELS[request.param].folder / "examples.npz") as file:
        examples = {name: file[name] for name in file.files}
    return request.param, jem_tf.load(request.param), examples


# The least shares of stored and of drawn images that are of their class. Of a hundred
# classes: .644 less three standard errors of 64 images, and half of eight.
BARS = {"cifar100": (0.46, 0.49)}
BARS_OF_TEN = (0.85, 0.7)


def test_stored_images_get_their_stored_answers(shipped):
    name, model, examples = shipped
    images, labels = examples["images"], examples["labels"]
    classes = set(range(len(model.class_names)))
    if len(classes) > len(labels):
        assert set(labels) < classes
        assert len(set(labels)) == len(labels)
    else:
        assert set(labels) == classes
    np.testing.assert_allclose(model.model.logits(images), examples["logits"], **NEAR)
    answers = model.classify(images)
    served = model.run.folder.calibration.read_text()
    served = json.loads(served)["ood_score"]  # without the data it was fitted to
    scores = model.ood_score(images, [served])[served]
    np.testing.assert_allclose(scores, examples["ood_score"], **NEAR)
    for key in ("log_density", "ood_score"):
        np.testing.assert_allclose(getattr(answers, key), examples[key], **NEAR)
    right = np.mean(answers.class_names == np.array(model.class_names)[labels])
    assert right > BARS.get(name, BARS_OF_TEN)[0]
    assert answers.is_ood.mean() < 0.2


def test_noise_is_not_known(shipped):
    _, model, examples = shipped
    shape = (32, *examples["images"].shape[1:])
    noise = np.random.default_rng(0).integers(0, 256, shape, dtype="uint8")
    assert model.classify(noise).is_ood.mean() > 0.9


def test_it_is_exported_and_the_export_answers_the_same(shipped, tmp_path):
    name, model, examples = shipped
    place = exporting.export_run(loading.read_run(name), None, tmp_path)
    served = tf.saved_model.load(str(place)).signatures["classify"]
    answers = served(images=tf.constant(examples["images"]))
    for key in ("logits", "log_density", "ood_score"):
        np.testing.assert_allclose(answers[key], examples[key], **NEAR)
    ours = model.classify(examples["images"])
    np.testing.assert_array_equal(answers["is_ood"], ours.is_ood)


def test_it_draws_images_of_a_class_that_it_takes_for_this_class(shipped):
    name, model, _ = shipped
    drawn = model.sample(8, label=3, seed=1)
    taken = np.mean(model.predict(drawn).probabilities.argmax(axis=1) == 3)
    assert taken > BARS.get(name, BARS_OF_TEN)[1]


def test_the_digits_have_the_published_accuracy_and_detection_of_noise():
    """All that was published of them, on the data that the package has."""
    folder, model = MODELS["digits"].folder, jem_tf.load("digits", precision="float32")
    test = loading.read_data(model.run).test
    results = json.loads((folder / "results" / "calibration.json").read_text())
    labels = np.array(model.class_names)[np.asarray(test.labels)]
    right = np.mean(model.classify(test.images).class_names == labels)
    assert right == pytest.approx(results["metrics"]["accuracy"], abs=1e-9)
    assert right > 0.97
