"""What holds of all scores: the conformance test of the table SCORES."""

import numpy as np
import pytest
import tensorflow as tf

from jem_tf import ood_scores
from jem_tf.ood_scores.interface import Outputs, Score
from tests.ood_scores import known

TEST = known.labelled(40, seed=3).outputs
ALL = list(ood_scores.SCORES)


@pytest.fixture(scope="module")
def state():
    return ood_scores.fit(known.known(), ALL)


def rows(outputs, chosen):
    return Outputs(*(column[chosen] for column in outputs))


def asked(name, outputs=TEST):
    """The outputs without those that a score says it does not need."""
    score = ood_scores.SCORES[name]
    return Outputs(
        outputs.logits,
        outputs.features if score.features and not score.initial else None,
        outputs.score_norm if score.gradient else None,
        outputs.initial_logits if score.initial else None,
        outputs.initial_features if score.initial and score.features else None,
    )


@pytest.mark.parametrize("name", ALL)
def test_a_score_is_a_finite_number_an_image_that_depends_on_no_other(name, state):
    compute = ood_scores.SCORES[name].compute
    whole = np.asarray(compute(TEST, state))
    assert (whole.shape, whole.dtype) == ((40,), "float32")
    assert np.isfinite(whole).all()
    some = compute(rows(TEST, [4, 0, 2]), state)
    np.testing.assert_allclose(some, whole[[4, 0, 2]], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ALL)
def test_a_score_needs_no_more_than_it_says(name, state):
    score = ood_scores.SCORES[name]
    own = ood_scores.with_parts([name])
    less = {key: x for key, x in state.items() if key.split("/")[0] in own}
    np.testing.assert_array_equal(
        score.compute(asked(name), less), score.compute(TEST, state)
    )
    fields = {"train", "validation"} - {ood_scores.SCORES[part].on for part in own}
    fitted = ood_scores.fit(known.known()._replace(**dict.fromkeys(fields)), [name])
    assert fitted.keys() == less.keys()
    for key, value in fitted.items():
        np.testing.assert_array_equal(value, less[key])


@pytest.mark.parametrize("name", ALL)
def test_a_score_is_the_same_in_a_graph_with_variables(name, state):
    variables = {key: tf.Variable(value) for key, value in state.items()}
    compute = ood_scores.SCORES[name].compute
    spec = [tf.TensorSpec([None, *x.shape[1:]], tf.float32) for x in TEST]

    @tf.function(input_signature=spec)
    def graph(*columns):
        return compute(Outputs(*columns), variables)

    np.testing.assert_allclose(graph(*TEST), compute(TEST, state), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_has_no_finite_score(name, bad, state):
    needed = asked(name)
    columns = [x if x is None else np.full_like(x, bad) for x in needed]
    score = ood_scores.SCORES[name].compute(Outputs(*columns), state)
    assert not np.isfinite(score).any()


@pytest.mark.parametrize("name", [n for n in ALL if ood_scores.SCORES[n].features])
def test_features_far_off_score_lower_than_validation_images(name, state):
    inside = known.labelled(300, seed=2).outputs
    far = known.outputs(known.FAR)
    scores = [ood_scores.compute(x, state, [name])[name] for x in (inside, far)]
    assert scores[1].max() < np.quantile(scores[0], 0.05)


def test_scores_are_computed_in_chunks_with_no_image_lost(monkeypatch, state):
    whole = ood_scores.compute(TEST, state, ALL)
    monkeypatch.setattr(ood_scores, "CHUNK", 7)
    for name, values in ood_scores.compute(TEST, state, ALL).items():
        np.testing.assert_allclose(values, whole[name], rtol=1e-5, atol=1e-5)


def test_the_parts_of_a_score_are_fitted_before_it():
    for name, score in ood_scores.SCORES.items():
        assert all(ALL.index(part) < ALL.index(name) for part in score.parts)
    assert ood_scores.with_parts(["combined", "max_p"]) == [
        "log_px", "max_p", "knn", "combined",
    ]  # fmt: skip


def test_no_default_takes_a_gradient_and_every_model_has_the_last():
    first, second, last = (ood_scores.SCORES[name] for name in ood_scores.DEFAULTS)
    assert first == Score(first.compute, first.about, initial=True)
    assert (second.initial, second.gradient) == (True, False)
    assert last == Score(last.compute, last.about)
    assert ood_scores.default_of(ALL) == "initial_log_px"
    assert ood_scores.default_of(["log_px", "max_p"]) == "max_p"
