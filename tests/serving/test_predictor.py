import concurrent.futures
import dataclasses
import fractions
import functools

import numpy as np
import pytest
import tensorflow as tf

from jem_tf import datasets, energies, ood_scores, pixels, samplers, sampling, starts
from jem_tf.errors import InputError
from jem_tf.evaluation.scorer import Scorer
from jem_tf.options import Objective
from jem_tf.serving import predictor
from tests.runs.test_run_folder import SHAPE, SMALL, kept

IMAGES = np.random.default_rng(0).integers(0, 256, [5, *SHAPE], dtype="uint8")
FLOATS = pixels.from_uint8(IMAGES).numpy()


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    root, _ = kept(tmp_path_factory.mktemp("run"), SMALL)
    return predictor.load(root, precision="float32")


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    options = dataclasses.replace(SMALL, objective=Objective(p_x_weight=0.0))
    root, _ = kept(tmp_path_factory.mktemp("plain"), options)
    return predictor.load(root, precision="float32")


def test_probabilities_are_the_softmax_and_the_names_its_likeliest(model):
    logits = model.model.logits(FLOATS)
    for temperature in (1.0, 2.5):
        probabilities, names = model.predict(IMAGES, temperature=temperature)
        np.testing.assert_allclose(
            probabilities, tf.nn.softmax(logits / temperature), rtol=1e-5
        )
    assert names == [model.class_names[y] for y in np.argmax(logits, axis=1)]


def test_log_density_is_minus_the_energy(model):
    np.testing.assert_allclose(
        model.log_density(IMAGES), -model.model.energy()(FLOATS), rtol=1e-5
    )


def test_the_scores_are_those_of_the_evaluation(model):
    theirs = Scorer(model.model).scores(IMAGES, ood_scores.PAPER)
    ours = model.ood_score(IMAGES)
    assert list(ours) == ["log_px", "max_p", "approximate_mass"] == list(theirs)
    for name, score in ours.items():
        np.testing.assert_allclose(score, theirs[name], rtol=1e-5)
    certain = 1 / (1 + np.exp(-ours["max_p"]))
    np.testing.assert_allclose(certain, model.predict(IMAGES)[0].max(1), rtol=1e-4)


def test_names_that_are_no_scores_are_refused(model):
    for names in (["nonesuch"], "knn"):
        with pytest.raises(InputError, match="give a list of some of log_px, max_p"):
            model.ood_score(IMAGES, names)


def test_float_and_uint8_one_and_several_numpy_and_tensorflow_agree(model):
    for answer in (
        lambda x: model.predict(x).probabilities,
        model.log_density,
        lambda x: model.ood_score(x)["approximate_mass"],
        lambda x: model.refine(x, 2),
    ):
        whole = answer(IMAGES)
        for same in (FLOATS, FLOATS.astype("float64"), tf.constant(FLOATS)):
            np.testing.assert_allclose(answer(same), whole, rtol=1e-5, atol=1e-6)
    for answer in (model.log_density, lambda x: model.predict(x).probabilities):
        np.testing.assert_allclose(answer(IMAGES[3]), answer(IMAGES)[3], rtol=1e-5)
    assert model.predict(IMAGES[3]).class_names == model.predict(IMAGES)[1][3]
    assert model.refine(IMAGES[3], 2).shape == SHAPE


@pytest.mark.parametrize("start", predictor.STARTS)
def test_samples_are_the_seeds_and_leave_the_buffer_alone(model, start):
    before = model.model.buffer.shard.numpy()
    one, same, other = (
        model.sample(3, steps=2, seed=seed, start=start) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert one.shape == (3, *SHAPE)
    assert np.abs(one - other).max() > 0.1
    np.testing.assert_array_equal(model.model.buffer.shard, before)


def test_no_steps_leave_the_start(model):
    noise = model.sample(200, steps=0, start="noise")
    assert -1 <= noise.min() < -0.99 < 0.99 < noise.max() <= 1
    assert abs(noise.mean()) < 0.03
    buffer = model.model.buffer.shard.numpy()
    for image in model.sample(4, steps=0):
        assert (image == buffer).all(axis=(1, 2, 3)).any()
    np.testing.assert_allclose(model.refine(IMAGES, 0), FLOATS, atol=1e-6)


def test_more_steps_are_likelier(model):
    values = [model.log_density(model.refine(IMAGES, k)) for k in (0, 20, 100)]
    assert (np.diff(np.mean(values, axis=1)) > 0).all()


def test_a_label_draws_from_its_class_by_number_or_name(model):
    joint = []
    for label in (None, 7, "7"):
        x = model.sample(6, label, steps=20, start="noise")
        joint.append(-energies.joint_energy(model.model.logits(x), [7] * 6).numpy())
    np.testing.assert_array_equal(joint[1], joint[2])
    assert joint[1].mean() > joint[0].mean()


def test_a_plain_classifier_answers_and_samples_from_noise_only(plain):
    assert plain.predict(IMAGES).probabilities.shape == (5, 10)
    assert plain.sample(2, steps=1, start="noise").shape == (2, *SHAPE)
    with pytest.raises(InputError, match="without a replay buffer"):
        plain.sample(2)


@pytest.mark.parametrize(
    ("images", "says"),
    [
        (IMAGES[:, :4], r"shape \[5, 4, 8, 1\]; this model takes \[8, 8, 1\]"),
        (IMAGES[..., 0], r"shape \[5, 8, 8\]"),
        (IMAGES[None], r"shape \[1, 5, 8, 8, 1\]"),
        (3, r"shape \[\]"),
        ([[1], [1, 2]], "not of one shape"),
        (IMAGES[:0], "an empty batch"),
        (IMAGES.astype("int64"), "images are int64; give uint8"),
        (IMAGES > 7, "images are bool"),
        (IMAGES.astype("float32"), "scale them to"),
        (np.where(FLOATS > 0, np.nan, FLOATS), "NaN or infinite"),
        (np.where(FLOATS > 0, np.inf, FLOATS), "NaN or infinite"),
    ],
)
def test_bad_images_are_refused_in_a_sentence_by_every_method(model, images, says):
    for method in (model.predict, model.log_density, model.ood_score, model.refine):
        with pytest.raises(InputError, match=says) as raised:
            method(images)
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"n": 0}, "n is 0"),
        ({"candidates": 0}, "candidates is 0; it must be from 1"),
        ({"candidates": 1.5}, "candidates is 1.5; give a whole number"),
        ({"n": 2.5}, "n is 2.5; give a whole number"),
        ({"n": True}, "n is True; give a whole number"),
        ({"label": True}, "label is True; give a whole number"),
        ({"start": np.zeros(2)}, "choose one of buffer, noise"),
        ({"label": 10}, "label is 10; the classes are 0, 1"),
        ({"label": -1}, "label is -1"),
        ({"label": "cat"}, "label is 'cat'; the classes are 0, 1"),
        ({"steps": -1}, "steps is -1"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": 2**31}, "seed is 2147483648"),
        ({"start": "here"}, "choose one of buffer, noise"),
    ],
)
def test_bad_arguments_are_refused_in_a_sentence(model, arguments, says):
    with pytest.raises(InputError, match=says):
        model.sample(**({"n": 2} | arguments))


def test_a_temperature_that_is_none_is_refused(model):
    numbers = (0, -1, 1e-40, float("nan"), float("inf"), 10**400)
    for temperature in (*numbers, True, "1", None, [1.0]):
        with pytest.raises(InputError, match="must be above 0"):
            model.predict(IMAGES, temperature=temperature)


def test_a_temperature_of_any_kind_gives_float32_and_the_likeliest(model):
    expected = model.predict(IMAGES, temperature=1.5)
    for temperature in (np.float64(1.5), fractions.Fraction(3, 2), np.float32(1.5)):
        found = model.predict(IMAGES, temperature=temperature)
        assert found.probabilities.dtype == np.float32
        np.testing.assert_array_equal(found.probabilities, expected.probabilities)
    assert model.predict(IMAGES, temperature=1e30).class_names == expected.class_names


def test_chains_that_go_astray_are_refused(model, monkeypatch):
    walk = functools.partial(samplers.sgld, step_size=float("inf"), noise=0.0)
    astray = predictor.Predictor(model.run)
    monkeypatch.setattr(model.model, "sampler", walk)
    for draw in (
        lambda: astray.sample(2, steps=2),
        lambda: astray.sample(2, steps=2, start="noise"),
        lambda: astray.refine(IMAGES, 2),
    ):
        with pytest.raises(InputError, match="not finite, as the chains diverged"):
            draw()


def test_another_number_of_images_is_no_other_graph(model):
    model.sample(2, steps=0, start="noise")
    traced = model._draw.experimental_get_tracing_count()
    for n in (3, 4, 5):
        model.sample(n, steps=0, start="noise")
    assert model._draw.experimental_get_tracing_count() == traced


def test_candidates_are_chosen_among_the_ends_of_their_chains(model):
    chosen = model.sample(3, steps=2, candidates=4, start="noise")
    start, seed = starts.uniform(SHAPE), tf.constant([0, 0])
    walk = functools.partial(model.model.sampler, steps=2)
    begun = sampling.begin(start, 3, seed, candidates=4)
    ends, _ = walk(model.model.energy(), begun.images, seed=begun.walk_seed)
    apart = np.abs(chosen[:, None] - ends.numpy().reshape(3, 4, *SHAPE))
    assert (apart.max(axis=(2, 3, 4)).min(axis=1) < 1e-4).all()


def train_a_step(model, images):
    model.compile(tf.keras.optimizers.SGD(0.01))
    model.fit(images, np.zeros(1, "int32"), verbose=0)


def give_others(model, _):
    model.network.set_weights([w / 2 for w in model.network.get_weights()])


@pytest.mark.parametrize("change", [train_a_step, give_others])
def test_the_known_is_not_told_of_weights_that_were_trained_on(change):
    trained_on = predictor.load("digits")
    images = np.zeros([1, *trained_on.image_shape], "uint8")
    assert len(trained_on.classify(images).is_ood) == 1
    change(trained_on.model, images)
    with pytest.raises(InputError, match="digits was trained on after it was loaded"):
        trained_on.classify(images)
    assert len(trained_on.predict(images).class_names) == 1


def test_scores_are_fitted_to_the_weights_that_there_are():
    images = datasets.load("digits").test.images[:5]
    one = predictor.load("digits")
    before = one.ood_score(images, ["knn"])["knn"]
    give_others(one.model, None)
    after = one.ood_score(images, ["knn"])["knn"]
    other = predictor.load("digits")
    give_others(other.model, None)
    np.testing.assert_allclose(after, other.ood_score(images, ["knn"])["knn"])
    assert np.abs(after - before).max() > 1e-3


def test_threads_may_ask_for_different_scores_at_once():
    images = datasets.load("digits").test.images[:5]
    model = predictor.load("digits")
    names = ["knn", "vim", "mahalanobis", "typicality"]
    with concurrent.futures.ThreadPoolExecutor(len(names)) as pool:
        asked = [pool.submit(model.ood_score, images, [name]) for name in names]
        first = [one.result()[name] for one, name in zip(asked, names, strict=True)]
    again = model.ood_score(images, names)
    for name, scores in zip(names, first, strict=True):
        np.testing.assert_allclose(scores, again[name], rtol=1e-5, atol=1e-5)
