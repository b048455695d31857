"""A network as a classifier, and the same read as an energy model."""

import dataclasses
import functools

import numpy as np
import pytest
import tensorflow as tf

from jem_tf import energies, energy_model, networks, replay, samplers, starts
from jem_tf.errors import InputError

SHAPE = (8, 8, 1)
IMAGES = np.random.default_rng(0).uniform(-1, 1, [6, *SHAPE]).astype("float32")


def network():
    return networks.build("convnet-8", SHAPE, 10, activation="swish", seed=1)


@pytest.fixture(scope="module")
def model():
    buffer = replay.ReplayBuffer(40, starts.uniform(SHAPE))
    sampler = functools.partial(samplers.sgld, steps=2, step_size=0.5, noise=0.01)
    return energy_model.EnergyModel(network(), buffer=buffer, sampler=sampler)


def test_energies_are_those_of_the_networks_logits(model):
    logits, labels = model.logits(tf.constant(IMAGES)), tf.range(6)
    np.testing.assert_allclose(
        model.energy()(IMAGES), energies.marginal_energy(logits), rtol=1e-5
    )
    np.testing.assert_allclose(
        model.energy(labels)(IMAGES), energies.joint_energy(logits, labels), rtol=1e-5
    )


def test_a_normalised_network_of_half_precision_has_the_energies_of_its_logits():
    half = networks.build(
        "convnet-8", SHAPE, 10, norm="layer", seed=1, dtype="mixed_bfloat16"
    )
    generator = np.random.default_rng(2)
    half.set_weights(
        [x + generator.normal(0, 0.3, x.shape) for x in half.get_weights()]
    )
    expected = energies.marginal_energy(tf.cast(half(IMAGES), "float32"))
    np.testing.assert_array_equal(
        energy_model.EnergyModel(half).energy()(IMAGES), expected
    )


def test_negatives_continue_chains_and_are_kept(model):
    before = model.buffer.all_images()
    drawn, fresh, info, slots = model.draw_negatives(5, tf.constant([0, 3]))
    changed = (model.buffer.all_images() != before).any(axis=(1, 2, 3))
    assert 1 <= changed.sum() <= 5
    ends = {image.tobytes() for image in drawn.numpy()}
    assert {x.tobytes() for x in model.buffer.all_images()[changed]} <= ends
    assert {*np.flatnonzero(changed)} <= {*slots.numpy()}
    assert fresh.shape == (5, 1, 1, 1)
    assert (info.score_norm.numpy() > 0).all()
    assert info.acceptance is None


def test_a_sample_leaves_the_buffer_alone_and_its_seed_determines_it(model):
    before = model.buffer.all_images()
    first, again, other = (model.sample(4, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).numpy().any()
    np.testing.assert_array_equal(model.buffer.all_images(), before)


def test_a_sample_is_one_of_its_candidates(model):
    at_start = functools.partial(model.sampler, steps=0)
    still = energy_model.EnergyModel(
        model.network, buffer=model.buffer, sampler=at_start
    )
    kept = {image.tobytes() for image in model.buffer.all_images()}
    drawn = still.sample(4, candidates=3, labels=tf.range(4), seed=1)
    assert drawn.shape == (4, *SHAPE)
    assert {image.tobytes() for image in drawn.numpy()} <= kept


def test_a_model_without_a_buffer_draws_nothing():
    with pytest.raises(InputError, match="without a replay buffer"):
        energy_model.EnergyModel(network()).sample(2)


def test_a_classifier_is_keras_with_logits_for_predictions():
    model = energy_model.Classifier(network())
    model.compile()
    np.testing.assert_allclose(
        model.predict(IMAGES, verbose=0), model.logits(tf.constant(IMAGES)), rtol=1e-5
    )
    metrics = model.evaluate(IMAGES, np.arange(6), verbose=0, return_dict=True)
    assert set(metrics) == {"loss", "accuracy"}


def test_one_label_is_that_of_all_images(model):
    three = model.sample(4, labels=3, seed=2)
    np.testing.assert_array_equal(three, model.sample(4, labels=[3] * 4, seed=2))
    assert three.shape == (4, *SHAPE)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"n": 0}, "n is 0; it must be from 1"),
        ({"n": 2.5}, "n is 2.5; give a whole number"),
        ({"candidates": 0}, "candidates is 0"),
        ({"labels": [1, 2]}, "give 4 class numbers, or one for all, from 0 to 9"),
        ({"labels": [1, 2, 3, 4, 5]}, "labels are"),
        ({"labels": [1.0, 2.0, 3.0, 4.0]}, "labels are"),
        ({"labels": [0, 1, 2, 10]}, "labels are"),
        ({"labels": -1}, "labels are -1"),
    ],
)
def test_a_request_that_cannot_be_met_is_refused(model, given, says):
    with pytest.raises(InputError, match=says):
        model.sample(**{"n": 4} | given)


def test_a_sample_is_by_the_sampler_and_of_the_buffer_that_the_model_has_now():
    buffer = replay.ReplayBuffer(40, starts.uniform(SHAPE))
    sampler = functools.partial(samplers.sgld, steps=2, step_size=0.5, noise=0.01)
    model = energy_model.EnergyModel(network(), buffer=buffer, sampler=sampler)
    first = model.sample(4)
    model.sampler = functools.partial(sampler, noise=0.5)
    louder = model.sample(4)
    assert tf.math.reduce_std(louder) > 1.5 * tf.math.reduce_std(first)
    model.sampler = sampler
    model.buffer = replay.ReplayBuffer(40, starts.uniform(SHAPE), seed=(7, 7))
    assert tf.reduce_max(tf.abs(model.sample(4) - first)) > 0.5


@dataclasses.dataclass
class Still:
    """A sampler that cannot be hashed."""

    level: float

    def __call__(self, energy, x, *, seed):
        return tf.fill(tf.shape(x), self.level), samplers.Info(tf.zeros([1]))


def test_a_sampler_that_wraps_another_or_has_no_hash_is_the_one_that_samples(model):
    @functools.wraps(samplers.sgld)
    def raised(energy, x, *, seed):
        return Still(0.5)(energy, x, seed=seed)

    for sampler in (raised, Still(0.5)):
        drawing = energy_model.EnergyModel(
            network(), buffer=model.buffer, sampler=sampler
        )
        assert (drawing.sample(3) == 0.5).numpy().all()


def test_samples_that_diverged_are_refused(model):
    steep = functools.partial(samplers.sgld, steps=2, step_size=1.0, noise=3e38)
    broken = energy_model.EnergyModel(network(), buffer=model.buffer, sampler=steep)
    with pytest.raises(InputError, match="pixels that are not finite"):
        broken.sample(3)


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_an_energy_that_is_kept_follows_the_weights(dtype):
    net = networks.build("convnet-8", SHAPE, 10, dtype=dtype, seed=1)
    kept = energy_model.EnergyModel(net).energy()
    in_graph = tf.function(lambda x: kept(x))
    before = kept(IMAGES), in_graph(IMAGES)
    net.set_weights([w * 1.5 for w in net.get_weights()])
    now = energy_model.EnergyModel(net).energy()(IMAGES)
    np.testing.assert_array_equal(kept(IMAGES), now)
    np.testing.assert_allclose(in_graph(IMAGES), now, rtol=1e-2)
    assert (now != before[0]).numpy().all()
    with tf.GradientTape() as tape:
        mean = tf.reduce_mean(kept(IMAGES))
    slopes = tape.gradient(mean, [w.value for w in net.trainable_weights])
    assert all(slope is not None for slope in slopes)
