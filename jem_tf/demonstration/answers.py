"""What a model says of a picture: classes, confidence, whether it knows such pictures.

Letters: K classes.
"""

import math
from typing import Any

import numpy as np

from jem_tf.demonstration.inline_pictures import png_url
from jem_tf.demonstration.shown_models import ShownModel

MOST_CLASSES = 5


def answer(model: ShownModel, image: np.ndarray, warning: str = "") -> dict[str, Any]:
    """Answers of one image, as `jem-tf classify` does.

    Args:
      model: ShownModel.
      image: uint8 [H, W, C].
      warning: of the picture that the image was made from.

    Returns:
      JSON values: "known"; "judge", what says so, in a phrase; "class" and
      "confidence", the likeliest class and its probability; "classes", [{"name",
      "probability"}, ...], the likeliest first, at most MOST_CLASSES; "score" and
      "threshold"; "reason", a sentence on both; "picture", the image as a data URL;
      "warning".
    """
    own = model.predictor.classify(image)
    known, score = not bool(own.is_ood), float(own.ood_score)
    calibration = model.calibration
    temperature = calibration.temperature
    probabilities = model.predictor.predict(
        image, temperature=temperature
    ).probabilities
    likeliest = np.argsort(-probabilities, kind="stable")[:MOST_CLASSES]
    return {
        "known": known,
        "judge": describe_judge(calibration.ood_score),
        "class": str(own.class_names),
        "confidence": float(own.confidence),
        "classes": [
            {
                "name": model.predictor.class_names[place],
                "probability": float(probabilities[place]),
            }
            for place in likeliest
        ],
        "score": score,
        "threshold": calibration.threshold,
        "reason": explain(model, known, score),
        "picture": png_url(image),
        "warning": warning,
    }


def describe_judge(score_name: str) -> str:
    """Says by what a picture is judged as known or not, in a phrase.

    Args:
      score_name: one of `ood_scores.SCORES`.
    """
    if score_name.startswith("initial_"):
        return "judged by the classifier that this model began with"
    return f"judged by the model's own score {score_name}"


def explain(model: ShownModel, known: bool, score: float) -> str:
    """Says what the score is and what it is compared with, in a sentence or two."""
    threshold, accept = model.calibration.threshold, model.calibration.accept
    side = "at or above" if known else "below"
    shown_score, shown_threshold = tell_apart(score, threshold)
    return (
        f"The picture's score is {shown_score}, {side} the threshold "
        f"{shown_threshold}: {100 * accept:.10g}% of the validation images score "
        f"higher. The score is {model.score_about}."
    )


def tell_apart(first: float, second: float) -> tuple[str, str]:
    """Writes two numbers with two decimals, or with more where they differ by less."""
    decimals = 2
    if math.isfinite(first) and math.isfinite(second) and first != second:
        while f"{first:.{decimals}f}" == f"{second:.{decimals}f}":
            decimals += 1
    return f"{first:.{decimals}f}", f"{second:.{decimals}f}"
