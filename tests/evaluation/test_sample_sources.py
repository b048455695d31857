"""Samples of the buffer and of fresh chains, counted, rounded and filtered."""

import numpy as np
import pytest
import tensorflow as tf

from jem_tf import energy_model, networks, sampling, starts
from jem_tf.errors import InputError
from jem_tf.evaluation import inference, sample_sources
from tests.evaluation.buffered import SHAPE, STEPS, WALK, made


@pytest.fixture(scope="module")
def model():
    return made()


@pytest.fixture(scope="module")
def plain():
    net = networks.build("convnet-8", SHAPE, 10)
    return energy_model.EnergyModel(net, sampler=WALK)


def fresh(model):
    return sample_sources.FreshChains(model, starts.uniform(SHAPE), WALK)


def test_the_buffers_samples_are_its_images_of_all_shards_each_once(model):
    drawn = sample_sources.draw_samples(model, 40, seed=3)
    assert drawn.dtype == "uint8"
    shards = np.concatenate([model.buffer.shard_0, model.buffer.shard_1])
    ours, theirs = (
        sorted(image.tobytes() for image in images)
        for images in (drawn, sampling.to_uint8(shards))
    )
    assert ours == theirs
    assert (drawn != sampling.to_uint8(shards)).any()


def test_fewer_samples_are_a_choice_at_random_that_the_seed_determines(model):
    some = sample_sources.draw_samples(model, 15, seed=1)
    np.testing.assert_array_equal(sample_sources.draw_samples(model, 15, seed=1), some)
    assert (sample_sources.draw_samples(model, 15, seed=2) != some).any()
    assert len(np.unique(some.reshape(15, -1), axis=0)) == 15


def test_chains_that_began_at_altered_images_are_no_samples():
    model = made()
    altered = np.arange(20) % 4 == 1
    for i in model.buffer.own:
        getattr(model.buffer, f"origins_{i}").assign(
            np.where(altered, starts.ALTERED, starts.UNKNOWN_ORIGIN)
        )
    assert sample_sources.count_samples(model, 0, 0, None) == 30
    with pytest.raises(InputError, match=r"^count=31 is .* \(10 began at alt"):
        sample_sources.count_samples(model, 31, 0, None)
    drawn = sample_sources.draw_samples(model, 30, seed=3)
    assert sample_sources.buffer_protocol(model, 5, 40)["left_out"] == 10
    kept = model.buffer.all_images()[~np.tile(altered, 2)]
    ours, theirs = (
        sorted(image.tobytes() for image in images)
        for images in (drawn, sampling.to_uint8(kept))
    )
    assert ours == theirs
    for i in model.buffer.own:
        getattr(model.buffer, f"origins_{i}").assign(tf.fill([20], starts.ALTERED))
    for draw in (
        lambda: sample_sources.count_samples(model, 0, 0, None),
        lambda: model.sample(4),
    ):
        with pytest.raises(InputError, match=r"^All chains in the replay buffer began"):
            draw()


def test_the_count_is_what_is_asked_there_is_and_the_limit_allows(model):
    assert sample_sources.count_samples(model, 0, 0, None) == 40
    assert sample_sources.count_samples(model, 30, 0, None) == 30
    assert sample_sources.count_samples(model, 30, 12, None) == 12
    assert sample_sources.count_samples(model, 0, 0, fresh(model)) == 10_000
    assert sample_sources.count_samples(model, 50, 0, fresh(model)) == 50
    with pytest.raises(InputError, match=r"^count=41 is more than the 40 images"):
        sample_sources.count_samples(model, 41, 0, None)


@pytest.mark.parametrize("labels", [None, np.arange(20) % 10])
def test_fresh_chains_are_the_samplers_walk_from_the_start(model, labels):
    drawn = fresh(model).draw(20, labels=labels, seed=4)
    start_seed, chain_seed = tf.unstack(
        tf.random.split(tf.random.experimental.stateless_fold_in([4, 0], 0))
    )
    start = starts.uniform(SHAPE)(20, start_seed)
    expected, _ = WALK(model.energy(labels), start, seed=chain_seed)
    np.testing.assert_allclose(drawn, expected, atol=1e-4)


def test_labels_say_which_energy_chains_walk_down(model):
    labels = np.arange(20) % 10
    by_class = fresh(model).draw(20, labels=labels, seed=4)
    other = fresh(model).draw(20, labels=(labels + 1) % 10, seed=4)
    assert (by_class != other).any(axis=(1, 2, 3)).all()


def test_a_last_batch_has_chains_of_its_own_and_its_labels(model):
    labels = np.arange(11) % 10
    drawn = fresh(model).draw(11, labels=labels, batch_size=4)
    assert drawn.shape == (11, *SHAPE)
    assert len(np.unique(drawn.reshape(11, -1), axis=0)) == 11
    longer = fresh(model).draw(12, labels=np.arange(12) % 10, batch_size=4)
    np.testing.assert_array_equal(drawn[:8], longer[:8])
    np.testing.assert_allclose(drawn[8:], longer[8:11], atol=1e-5)


def test_a_model_without_a_buffer_draws_fresh_chains_and_no_others(plain):
    assert sample_sources.draw_samples(plain, 6, fresh(plain)).shape == (6, *SHAPE)
    with pytest.raises(InputError, match="without a replay buffer"):
        plain.sample(6)


def test_the_protocol_names_the_walk(model):
    protocol = fresh(model).protocol("uniform", conditional=True)
    assert (protocol["sampler_steps"], protocol["sampler_step_size"]) == (STEPS, 0.5)
    assert (protocol["start"], protocol["conditional"]) == ("uniform", True)
    model.buffer.ages_0.assign(tf.fill([20], 4))
    protocol = sample_sources.buffer_protocol(model, 5, model.buffer.size)
    assert protocol["sampler_steps_mean"] == pytest.approx(10)
    assert protocol["source"] == "replay buffer, as it is"
    some = sample_sources.buffer_protocol(model, 5, 5000)["source"]
    assert some == "replay buffer, 40 of its 5,000 chains: a packed run's"


def test_the_most_confident_of_each_predicted_class_stay(model):
    images = np.random.default_rng(0).integers(0, 256, [50, *SHAPE], "uint8")
    assert sample_sources.keep_confident(model, images, 1) is images
    kept = sample_sources.keep_confident(model, images, 0.3)
    p = tf.nn.softmax(inference.logits(model, images)).numpy()
    expected = []
    for y in range(10):
        own = [i for i in range(50) if p[i].argmax() == y]
        own.sort(key=lambda i: -p[i].max())
        expected += own[: -(-3 * len(own) // 10)]
    np.testing.assert_array_equal(kept, images[sorted(expected)])


def test_the_ages_are_those_of_the_samples_drawn():
    model = made()
    for i in model.buffer.own:
        own = 20 * i + np.arange(20)
        getattr(model.buffer, f"ages_{i}").assign(own)
        level = np.broadcast_to(own[:, None, None, None] / 100, [20, *SHAPE])
        getattr(model.buffer, f"shard_{i}").assign(level.astype("float32"))
        getattr(model.buffer, f"origins_{i}").assign(np.where(own % 4 == 1, 2, 0))
    drawn = sample_sources.draw_samples(model, 25, seed=7)
    ages = sample_sources.ages_of_samples(model, 25, seed=7)
    levels = sampling.to_uint8(ages[:, None, None, None] / np.float32(100))
    np.testing.assert_array_equal(drawn[:, :1, :1], levels)
    model.buffer.ages_0.assign(tf.fill([20], -1))
    with pytest.raises(InputError, match=r"^by_age=true: the ages .* are not known"):
        sample_sources.ages_of_samples(model, 25, seed=7)
