"""What an exported model must answer wherever it is asked: what the API answers."""

import json

import numpy as np

from jem_tf import ood_scores
from jem_tf.pixels import from_uint8, to_uint8
from jem_tf.serving import exporting
from tests.serving.encodings import png

WALK = {
    "steps": np.int32(3),
    "seed": np.int32(5),
    "step_size": np.float32(1),
    "noise": np.float32(0.01),
}
CLASSIFYING = ("serving_default", "classify", "classify_encoded")


def asked(images):
    """{signature: {input: array}}, all there are, of images uint8 [N, H, W, C]."""
    files = np.array([png(image) for image in images], dtype=object)
    return {
        "serving_default": {"images": images},
        "classify": {"images": images},
        "classify_encoded": {"images": files},
        "score": {"images": images},
        "sample": {"n": np.int32(4), **WALK},
        "refine": {"images": images, **WALK},
    }


def check(answered, ours, place, images):
    """That {signature: {output: array}} to what was asked are those of a Predictor.

    Args:
      answered: to `asked(images)`.
      ours: the Predictor of the run that was exported to `place`.
    """
    about = json.loads((place / exporting.CALIBRATION).read_text())
    for name in CLASSIFYING:
        classified(answered[name], ours, about, images)
    names = dict.fromkeys([*ood_scores.PAPER, about["ood_score"]])
    assert answered["score"].keys() == names.keys()
    for name, score in ours.ood_score(images, list(names)).items():
        near(answered["score"][name], score)
    pixels = ours.sample(4, steps=3, seed=5, start="noise")
    near(answered["sample"]["pixels"], pixels)
    rounded = to_uint8(pixels).numpy().astype("int32")
    assert np.abs(answered["sample"]["images"] - rounded).max() <= 1
    near(answered["refine"]["pixels"], ours.refine(images, 3, seed=5))


def classified(found, ours, about, images):
    probabilities, names = ours.predict(images, temperature=about["temperature"])
    log_density = ours.log_density(images)
    near(found["probabilities"], probabilities)
    near(found["logits"], ours.model.logits(from_uint8(images)))
    near(found["log_density"], log_density)
    near(found["confidence"], probabilities.max(1))
    np.testing.assert_array_equal(found["class_ids"], probabilities.argmax(1))
    assert [name.decode() for name in found["class_names"]] == names
    score = ours.ood_score(images, [about["ood_score"]])[about["ood_score"]]
    near(found["ood_score"], score)
    np.testing.assert_array_equal(found["is_ood"], score < about["threshold"])


def near(found, wanted):
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)
