"""Classifies pictures, and says which of them the model does not know.

python examples/classify_and_detect.py
"""

import numpy as np

import jem_tf

model = jem_tf.load("digits")
digits = np.asarray(jem_tf.datasets.load("digits").test.images[:5])
noise = np.random.default_rng(0).integers(0, 256, digits.shape, dtype="uint8")

for name, images in {"digits": digits, "noise": noise}.items():
    answers = model.classify(images)
    for label, confidence, is_ood in zip(
        answers.class_names, answers.confidence, answers.is_ood, strict=True
    ):
        verdict = "an image it does not know" if is_ood else f"a {label}"
        print(f"{name}: {verdict} ({confidence:.0%} sure of {label})")
