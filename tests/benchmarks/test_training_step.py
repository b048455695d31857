"""What is measured of a step: counts of images, rates, and each part for itself."""

import pytest
import tensorflow as tf

from jem_tf.benchmarks import flops, training_step
from jem_tf.options import Network, Objective, Options, Sampling, Training
from jem_tf.training import cluster

SHAPE, BATCH, STEPS = (8, 8, 3), 4, 3


def options(**objective):
    return Options(
        network=Network(network="convnet-8"),
        objective=Objective(**objective),
        sampling=Sampling(sampler_steps=STEPS, buffer_size=20),
        training=Training(batch_size=BATCH, precision="float32"),
    )


@pytest.fixture(scope="module")
def trained():
    """(model, options, what one step of training took)."""
    opts = options()
    team = cluster.Cluster(tf.distribute.get_strategy())
    return *training_step.measure_training(opts, team, SHAPE, 1), opts


def test_a_step_with_the_same_images_for_both_terms_draws_a_batch():
    counts = training_step.count_images(options(p_x_images="same"))
    assert counts == (BATCH, 0, BATCH, 0)


def test_a_step_with_images_of_its_own_for_log_p_of_x_reads_as_many_as_it_draws():
    counts = training_step.count_images(options(p_x_images="plain", p_x_batch_size=6))
    assert counts == (BATCH, 6, 6, 0)


@pytest.mark.parametrize(("images", "altered"), [("same", BATCH), ("plain", 6)])
def test_there_are_as_many_altered_images_as_real_ones(images, altered):
    opts = options(p_x_images=images, p_x_batch_size=6, altered_weight=0.1)
    assert training_step.count_images(opts).altered == altered


def test_a_classifier_draws_nothing():
    counts = training_step.count_images(options(p_x_weight=0.0))
    assert counts == (BATCH, 0, 0, 0)


def test_rates_are_work_over_seconds():
    rates = training_step.compute_rates(0.5, images=10, work=4e9)
    assert rates == {"seconds": 0.5, "images_per_second": 20, "gflops": 8}


def check_rates(rates, images, work):
    """Images and GFLOP a second, times the seconds, are the images and the work."""
    seconds = rates["seconds"]
    assert seconds > 0
    assert rates["images_per_second"] * seconds == pytest.approx(images)
    assert rates["gflops"] * seconds * 1e9 == pytest.approx(work)


def test_a_training_step_counts_its_chains_and_its_update(trained):
    model, step, opts = trained
    counts = training_step.count_images(opts)
    work = flops.chain_flops(model.network, counts.drawn, steps=STEPS)
    work += flops.count_update(model.network, sum(counts))
    check_rates(step, BATCH, work)
    assert step["first_step_seconds"] > step["seconds"]  # it traces as well
    assert 0.01 < step["peak_memory_gb"] < 100


def test_chains_are_counted_without_the_update(trained):
    model, _, opts = trained
    drawn = training_step.count_images(opts).drawn
    work = flops.chain_flops(model.network, drawn, steps=STEPS)
    check_rates(training_step.measure_chain(model, opts, 1), drawn, work)


def test_evaluation_is_one_forward_pass_an_image(trained):
    model, _, opts = trained
    work = BATCH * flops.count_forward(model.network)
    check_rates(training_step.measure_evaluation(model, opts, SHAPE, 1), BATCH, work)


def test_a_feeds_share_is_of_the_step_it_is_given(monkeypatch):
    monkeypatch.setattr(
        training_step.build, "make_batches", lambda opts, data, steps: range(steps)
    )
    feed = training_step.measure_feed(options(), None, 0.25, 3)
    assert feed["share"] == pytest.approx(feed["seconds"] / 0.25)


def test_peaks_are_those_of_the_runs_precision(monkeypatch):
    timing = training_step.timing
    monkeypatch.setattr(timing, "measure_product_peak", lambda *given: given)
    monkeypatch.setattr(timing, "measure_convolution_peak", lambda *given: given)
    peaks = training_step.measure_peaks(options(), 2)
    assert peaks == {"convolution": ("float32", 2), "product": ("float32", 2)}
