"""Scores that NumPy fits and a graph computes: CI asks with the older NumPy, too."""

import dataclasses

import keras

from jem_tf import datasets, ood_scores, samplers
from jem_tf.evaluation import fitted_scores
from jem_tf.evaluation.scorer import Scorer
from jem_tf.options import Training
from jem_tf.runs import loading
from jem_tf.serving import served_calibration, signatures
from tests.runs.test_run_folder import SMALL, kept
from tests.serving import agreement

SGLD = samplers.build("sgld", steps=1, step_size=1.0, noise=0.01)


def test_every_score_of_an_export_is_that_in_memory(tmp_path):
    """`score` and `classify` in this process, without the cost of writing each."""
    whole = dataclasses.replace(SMALL, training=Training(precision="float32"))
    run, data = loading.read_run(kept(tmp_path, whole)[0]), datasets.load("digits")
    images = data.test.images[:5]
    initial = keras.models.clone_model(run.model.network)  # of other weights
    scorer = Scorer(run.model, initial=initial)
    names = list(ood_scores.SCORES)
    fitted_scores.attach(scorer, names, run, data, precision="float32")
    wanted = scorer.scores(images, names)
    for name in names:
        known = served_calibration.calibrate(
            scorer, data.validation, 0.9, ood_score=name
        )
        served = signatures.Served(scorer, run.class_names, known, SGLD)
        agreement.near(served.score(images)[name], wanted[name])
        agreement.near(served.classify(images)["ood_score"], wanted[name])
