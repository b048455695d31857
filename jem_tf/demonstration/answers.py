"""What a model says of a picture: classes, confidence, whether it knows such pictures.

Letters: K classes.
"""

from typing import Any

import numpy as np

from jem_tf.demonstration.inline_pictures import png_url
from jem_tf.demonstration.shown_models import ShownModel

MOST_CLASSES = 5


def answer(model: ShownModel, image: np.ndarray) -> dict[str, Any]:
    """Answers of one image uint8 [H, W, C], as `jem-tf classify` does.

    Returns:
      JSON values: "known"; "class" and "confidence", the likeliest class and its
      probability; "classes", [{"name", "probability"}, ...], the likeliest first, at
      most MOST_CLASSES; "score" and "threshold"; "reason", a sentence on both;
      "picture", the image as a data URL.
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
    }


def explain(model: ShownModel, known: bool, score: float) -> str:
    """Says what the score is and what it is compared with, in a sentence or two."""
    threshold, accept = model.calibration.threshold, model.calibration.accept
    side = "at or above" if known else "below"
    return (
        f"The picture's score is {score:.2f}, {side} the threshold {threshold:.2f}: "
        f"{accept:.0%} of the validation images score higher. The score is "
        f"{model.score_about}."
    )
