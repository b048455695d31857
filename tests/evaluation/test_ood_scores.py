import numpy as np
import pytest
import scipy.special
import tensorflow as tf

from jem_tf import energies, jem, networks
from jem_tf.evaluation import ood_scores

SHAPE = (8, 8, 1)
IMAGES = np.random.default_rng(0).uniform(-1, 1, [7, *SHAPE]).astype("float32")


@pytest.fixture(scope="module")
def model():
    return jem.JEM(networks.build("convnet-8", SHAPE, 4, seed=1), p_x_weight=0.0)


def test_the_norm_is_that_of_the_score_of_each_image_alone(model):
    outputs = ood_scores.compute_outputs(model, IMAGES)
    for image, logits, norm in zip(IMAGES, *outputs, strict=True):
        alone = tf.constant(image[None])
        score = energies.score(model.energy(), alone)
        assert norm == pytest.approx(float(tf.norm(score)), rel=1e-4)
        np.testing.assert_allclose(logits, model.logits(alone)[0], atol=1e-5)


def test_the_norm_is_how_fast_log_px_changes_along_the_score(model):
    x, step = tf.constant(IMAGES[:1]), 1e-2
    score = energies.score(model.energy(), x)
    along = score / tf.norm(score)
    ends = [-model.energy()(x + side * step * along) for side in (1, -1)]
    slope = float((ends[0] - ends[1])[0]) / (2 * step)
    outputs = ood_scores.compute_outputs(model, IMAGES[:1])
    assert outputs.score_norm[0] == pytest.approx(slope, rel=2e-2)


def test_each_score_is_what_its_paper_says():
    logits = np.random.default_rng(1).normal(size=[6, 5]) * 3
    scores = ood_scores.all_scores(
        ood_scores.Outputs(logits, np.arange(6.0)), temperature=2.0
    )
    np.testing.assert_allclose(scores["log_px"], np.log(np.exp(logits).sum(1)))
    np.testing.assert_allclose(
        scipy.special.expit(scores["max_p"]),
        scipy.special.softmax(logits, axis=1).max(1),
    )
    np.testing.assert_allclose(scores["approximate_mass"], -np.arange(6.0))
    np.testing.assert_allclose(scores["energy"], 2 * np.log(np.exp(logits / 2).sum(1)))
    at_one = ood_scores.all_scores(
        ood_scores.Outputs(logits, np.arange(6.0)), temperature=1.0
    )
    np.testing.assert_allclose(at_one["energy"], at_one["log_px"])


def test_certainties_that_round_to_one_keep_their_order():
    logits = np.array([[40.0, 0.0], [60.0, 0.0], [50.0, 0.0]])
    scores = ood_scores.all_scores(
        ood_scores.Outputs(logits, np.zeros(3)), temperature=1.0
    )
    assert np.argsort(scores["max_p"]).tolist() == [0, 2, 1]


def test_the_papers_scores_are_the_first_of_all_and_know_no_temperature():
    generator = np.random.default_rng(2)
    outputs = ood_scores.Outputs(generator.normal(size=[6, 5]), np.arange(6.0))
    paper = ood_scores.paper_scores(outputs)
    everything = ood_scores.all_scores(outputs, temperature=3.0)
    assert list(everything) == list(ood_scores.SCORES) == [*paper, "energy"]
    for name, score in paper.items():
        np.testing.assert_array_equal(score, everything[name])


@pytest.mark.parametrize("name", ood_scores.SCORES)
def test_a_score_of_an_image_depends_on_no_other(name):
    generator = np.random.default_rng(3)
    outputs = ood_scores.Outputs(generator.normal(size=[6, 5]), np.arange(6.0))
    score, rows = ood_scores.SCORES[name], [4, 0, 2]
    some = ood_scores.Outputs(*(values[rows] for values in outputs))
    np.testing.assert_allclose(
        score(some, temperature=2.0), np.asarray(score(outputs, temperature=2.0))[rows]
    )
