import keras
import numpy as np
import pytest
import tensorflow as tf

from jem_tf import energies, jem, networks, ood_scores
from jem_tf.energy_model import Classifier
from jem_tf.errors import InputError
from jem_tf.evaluation.scorer import Scorer
from tests.evaluation.test_penultimate import Subclassed, convolutional

SHAPE = (8, 8, 1)
INITIAL = ["initial_logits", "initial_features"]
IMAGES = np.random.default_rng(0).uniform(-1, 1, [7, *SHAPE]).astype("float32")


@pytest.fixture(scope="module")
def model():
    return jem.JEM(networks.build("convnet-8", SHAPE, 4, seed=1), p_x_weight=0.0)


@pytest.fixture(scope="module")
def outputs(model):
    return Scorer(model).outputs(IMAGES, ["approximate_mass", "knn"])


def test_the_norm_is_that_of_the_score_of_each_image_alone(model, outputs):
    for image, logits, norm in zip(
        IMAGES, outputs.logits, outputs.score_norm, strict=True
    ):
        alone = tf.constant(image[None])
        score = energies.score(model.energy(), alone)
        assert norm == pytest.approx(float(tf.norm(score)), rel=1e-4)
        np.testing.assert_allclose(logits, model.logits(alone)[0], atol=1e-5)


def test_the_norm_is_how_fast_log_px_changes_along_the_score(model, outputs):
    x, step = tf.constant(IMAGES[:1]), 1e-2
    score = energies.score(model.energy(), x)
    along = score / tf.norm(score)
    ends = [-model.energy()(x + side * step * along) for side in (1, -1)]
    slope = float((ends[0] - ends[1])[0]) / (2 * step)
    assert outputs.score_norm[0] == pytest.approx(slope, rel=2e-2)


def test_the_features_are_what_the_last_layer_reads(model, outputs):
    pooled = keras.Model(model.network.inputs[0], model.network.layers[-1].input)
    np.testing.assert_allclose(outputs.features, pooled(IMAGES), rtol=1e-5, atol=1e-6)


def test_no_more_is_computed_than_the_scores_take(model, outputs):
    for names, none in (
        (["log_px"], ["features", "score_norm", *INITIAL]),
        (["vim", "max_p"], ["score_norm", *INITIAL]),
        (["typicality"], ["features", *INITIAL]),
    ):
        found = Scorer(model).outputs(IMAGES, names)._asdict()
        assert [key for key, x in found.items() if x is None] == none
        for key in found.keys() - none:
            np.testing.assert_allclose(
                found[key], getattr(outputs, key), rtol=1e-4, atol=1e-6
            )


def test_a_score_of_the_initial_network_is_that_networks_own(model):
    initial = networks.build("convnet-8", SHAPE, 4, seed=2)
    scorer = Scorer(model, initial=initial)
    assert scorer.names == [*ood_scores.SCORES]
    names = ["initial_log_px", "log_px", "approximate_mass"]
    for others in ([], ["knn"]):  # packed with features, and without
        outputs = scorer.outputs(IMAGES, [*names, *others])
        found = ood_scores.compute(outputs, {}, names)
        for name, network in zip(names[:2], (initial, model.network), strict=True):
            expected = tf.reduce_logsumexp(network(IMAGES), axis=1)
            np.testing.assert_allclose(found[name], expected, rtol=1e-5)
        own = Scorer(model).scores(IMAGES, ["approximate_mass"])
        np.testing.assert_allclose(
            found["approximate_mass"], own["approximate_mass"], rtol=1e-5
        )


def test_a_run_without_an_initial_classifier_lacks_its_score(model):
    scorer = Scorer(model)
    assert "initial_log_px" not in scorer.names
    with pytest.raises(InputError, match=r"^initial_log_px is a score of a run that"):
        scorer.check(["initial_log_px"])


@pytest.mark.parametrize("make", [Subclassed, convolutional])
def test_a_network_without_features_has_the_other_scores(make):
    scorer = Scorer(Classifier(make(), image_shape=(4, 4, 1)))
    scores = ood_scores.SCORES.items()
    featureless = [n for n, s in scores if not (s.features or s.initial)]
    assert scorer.names == featureless
    scorer.check(featureless)
    with pytest.raises(InputError, match="has no features that scores"):
        scorer.check(["log_px", "knn"])
    images = np.zeros([2, 4, 4, 1], "uint8")
    assert scorer.scores(images, ood_scores.PAPER).keys() == set(ood_scores.PAPER)


@pytest.mark.parametrize("name", ood_scores.SCORES)
def test_a_score_takes_as_many_passes_as_it_says(model, name, monkeypatch):
    initial = networks.build("convnet-8", SHAPE, 4, seed=2)
    scorer, forward, backward = Scorer(model, initial=initial), [], []
    call, gradient = keras.Model.__call__, tf.GradientTape.gradient

    def counted_call(network, *args, **kw):
        forward.append(network)
        return call(network, *args, **kw)

    def counted_gradient(tape, *args, **kw):
        backward.append(tape)
        return gradient(tape, *args, **kw)

    monkeypatch.setattr(keras.Model, "__call__", counted_call)
    monkeypatch.setattr(tf.GradientTape, "gradient", counted_gradient)
    scorer.batch_outputs(tf.constant(IMAGES), [name])
    assert ood_scores.SCORES[name].passes() == (len(forward), len(backward))
