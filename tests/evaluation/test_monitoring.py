"""What a run measures of itself: accuracy, log p(x) of noise, samples, the buffer."""

import functools

import keras
import numpy as np
import pytest
import scipy.special
import tensorflow as tf

from jem_tf import networks, replay, samplers, starts
from jem_tf.evaluation import inference, monitoring
from jem_tf.jem import JEM
from jem_tf.metrics.calibration import expected_calibration_error

SHAPE, N, SLOPE = (8, 8, 1), 200, 100.0
SGLD = functools.partial(samplers.sgld, steps=2, step_size=1.0, noise=0.01)


def random_logits(n=300, classes=5):
    generator = np.random.default_rng(0)
    logits = 2 * generator.normal(size=[n, classes]).astype("float32")
    return logits, generator.integers(0, classes, n).astype("int32")


def generative(buffer_size, *, classes=4, seed=1):
    buffer = replay.ReplayBuffer(buffer_size, starts.uniform(SHAPE))
    network = networks.build("convnet-8", SHAPE, classes, seed=seed)
    return JEM(network, buffer=buffer, sampler=SGLD)


@pytest.fixture(scope="module")
def linear():
    """Both logits are SLOPE times the mean pixel, log p(x) is that plus log 2."""
    image = keras.Input(SHAPE)
    mean = keras.layers.GlobalAveragePooling2D()(image)
    logits = keras.layers.Dense(
        2, kernel_initializer=keras.initializers.Constant(SLOPE)
    )
    return JEM(keras.Model(image, logits(mean)), p_x_weight=0.0)


def compare_with_noise(model, images, **options):
    logits = inference.logits(model, images.astype("float32"))
    return monitoring.compare_with_noise(model, logits, SHAPE, **options)


def of_level(level):
    return np.full([N, *SHAPE], level)


def uniform(seed):
    return np.random.default_rng(seed).uniform(-1, 1, [N, *SHAPE])


def test_accuracy_and_nll_are_those_of_the_softmax():
    logits, labels = random_logits()
    p = scipy.special.softmax(logits.astype("float64"), axis=1)
    metrics = monitoring.classification_metrics(logits, labels)
    right = [row.argmax() == y for row, y in zip(p, labels, strict=True)]
    nll = [-np.log(row[y]) for row, y in zip(p, labels, strict=True)]
    assert metrics["accuracy"] == pytest.approx(np.mean(right))
    assert metrics["nll"] == pytest.approx(np.mean(nll), rel=1e-5)


@pytest.mark.parametrize("bins", [5, 20])
def test_ece_is_that_of_the_bins_asked_for(bins):
    logits, labels = random_logits()
    ece = monitoring.classification_metrics(logits, labels, bins=bins)["ece"]
    assert ece == expected_calibration_error(logits, labels, bins=bins)


def test_twenty_bins_are_the_default():
    logits, labels = random_logits()
    by_default = monitoring.classification_metrics(logits, labels)
    assert by_default == monitoring.classification_metrics(logits, labels, bins=20)


def test_to_know_nothing_costs_log_of_the_classes():
    logits = np.zeros([8, 4], "float32")
    metrics = monitoring.classification_metrics(logits, np.arange(8) % 4)
    assert metrics["nll"] == pytest.approx(np.log(4))
    assert metrics["accuracy"] == 0.25
    assert metrics["ece"] == pytest.approx(0.0, abs=1e-6)


def test_to_know_all_costs_nothing():
    labels = np.arange(8) % 4
    logits = 100 * np.eye(4, dtype="float32")[labels]
    metrics = monitoring.classification_metrics(logits, labels)
    assert metrics == pytest.approx({"accuracy": 1.0, "nll": 0.0, "ece": 0.0}, abs=1e-6)


def test_tensors_are_as_good_as_arrays_and_numbers_come_out():
    logits, labels = random_logits()
    metrics = monitoring.classification_metrics(
        tf.constant(logits), tf.constant(labels)
    )
    assert metrics == monitoring.classification_metrics(logits, labels)
    assert {type(value) for value in metrics.values()} == {float}


@pytest.mark.parametrize("level", [-1.0, 0.0, 0.5, 1.0])
def test_log_px_of_the_images_is_what_the_model_says(linear, level):
    log_px = compare_with_noise(linear, of_level(level))["log_px_test"]
    assert log_px == pytest.approx(SLOPE * level + np.log(2), rel=1e-5)


def test_the_noise_is_uniform_in_minus_one_to_one(linear):
    # The mean of 64 pixels of U(-1, 1) has a deviation of sqrt(1 / 3 / 64), and the
    # mean of N of them one of sqrt(N) less: five of these are allowed.
    deviation = SLOPE * np.sqrt(1 / 3 / 64 / N)
    log_px = compare_with_noise(linear, of_level(0.0))["log_px_noise"]
    assert abs(log_px - np.log(2)) < 5 * deviation


@pytest.mark.parametrize(("level", "auroc"), [(1.0, 1.0), (-1.0, 0.0)])
def test_images_likelier_than_any_noise_are_all_told_from_it(linear, level, auroc):
    assert compare_with_noise(linear, of_level(level))["auroc_noise"] == auroc


def test_noise_is_not_told_from_noise(linear):
    # The AUROC of 200 against 200 alike has a deviation of 0.029.
    assert abs(compare_with_noise(linear, uniform(5))["auroc_noise"] - 0.5) < 0.12


def test_the_noise_is_as_wide_as_the_range_allows(linear):
    # Narrower noise would hardly ever have a mean beyond 2 deviations of the wide.
    edge = of_level(2 * np.sqrt(1 / 3 / 64))
    assert 0.9 < compare_with_noise(linear, edge)["auroc_noise"] < 0.999


def test_equal_seeds_give_equal_noise(linear):
    metrics, again, other = (
        compare_with_noise(linear, uniform(5), seed=seed) for seed in (1, 1, 2)
    )
    assert metrics == again
    assert metrics != other


def test_plain_numbers_come_out(linear):
    metrics = compare_with_noise(linear, uniform(5))
    assert {type(value) for value in metrics.values()} == {float}


def test_a_sample_grid_has_samples_of_four_candidates():
    model = generative(50, classes=10)
    grid = monitoring.draw_preview(model, 6, seed=2)
    np.testing.assert_array_equal(grid, model.sample(6, candidates=4, seed=2))
    assert (grid != model.sample(6, seed=2)).numpy().any()


def test_ages_are_those_of_all_chains_of_this_process():
    buffer = replay.ReplayBuffer(
        40, starts.uniform(SHAPE), devices=[None] * 2, replicas=4, first_replica=2
    )
    new = {"chain_age_mean": 0.0, "chain_age_max": 0}
    assert monitoring.chain_ages(buffer) == new
    buffer.ages_2.assign([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    buffer.ages_3.assign([100] * 10)
    old = {"chain_age_mean": 52.25, "chain_age_max": 100}
    assert monitoring.chain_ages(buffer) == old


def test_the_classes_of_a_small_buffer_are_those_of_all_its_images():
    model = generative(50)
    counts = monitoring.buffer_classes(model)
    predicted = model.logits(model.buffer.shard).numpy().argmax(axis=1)
    assert counts.tolist() == [np.sum(predicted == y) for y in range(4)]


def test_of_a_large_buffer_about_a_thousand_images_are_classified():
    assert monitoring.buffer_classes(generative(3300)).sum() == 1100


def test_ages_and_classes_are_those_of_samples_where_there_are_any():
    model = generative(50)
    buffer, altered = model.buffer, np.arange(50) % 5 == 0
    buffer.origins.assign(np.where(altered, starts.ALTERED, 0))
    buffer.ages.assign(np.where(altered, 100, 7))
    ages = {"chain_age_mean": 7.0, "chain_age_max": 7}
    assert monitoring.chain_ages(buffer) == ages
    images = buffer.shard.numpy()[~altered]
    predicted = model.logits(images).numpy().argmax(axis=1)
    counts = monitoring.buffer_classes(model)
    assert counts.tolist() == [np.sum(predicted == y) for y in range(4)]
    buffer.origins.assign(tf.fill([50], starts.ALTERED))
    assert monitoring.chain_ages(buffer)["chain_age_max"] == 100


def test_the_few_samples_of_a_buffer_of_negatives_are_classified():
    model = generative(3300)
    origins = np.full(3300, starts.ALTERED)
    origins[1] = 0  # not one of every third
    model.buffer.origins.assign(origins)
    assert monitoring.buffer_classes(model).sum() == 1
