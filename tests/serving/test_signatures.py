"""What an exported model answers, asked in this process."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from jem_tf import energy_model, networks, samplers, sampling, starts
from jem_tf.evaluation.scorer import Scorer
from jem_tf.serving import served_calibration, signatures

SHAPE = (8, 8, 1)
IMAGES = np.random.default_rng(0).integers(0, 256, [5, *SHAPE]).astype("uint8")
CALIBRATION = served_calibration.Calibration(2.0, False, 2.3, 0.9, 0.9, 0.5, 10)
NUMBERS = (tf.constant(1.0), tf.constant(0.01))  # step size, noise


@pytest.fixture(scope="module")
def model():
    net = networks.build("convnet-8", SHAPE, 3, activation="swish", seed=1, fused=False)
    return energy_model.EnergyModel(net)


def served(model, name="sgld", **numbers):
    numbers = numbers or {"step_size": 1.0, "noise": 0.01}
    sampler = samplers.build(name, steps=3, range_clamp=1.0, **numbers)
    return signatures.Served(Scorer(model), ("a", "b", "c"), CALIBRATION, sampler)


def test_classes_are_at_the_calibrated_temperature_and_logits_are_raw(model):
    answer = served(model).classify(tf.constant(IMAGES))
    logits = answer["logits"].numpy()
    np.testing.assert_allclose(
        answer["probabilities"], tf.nn.softmax(logits / 2), rtol=1e-5
    )
    density = np.logaddexp.reduce(logits, axis=1)
    np.testing.assert_allclose(answer["log_density"], density, rtol=1e-5)
    np.testing.assert_array_equal(answer["is_ood"], density < 2.3)
    names = [b"abc"[y : y + 1] for y in logits.argmax(axis=1)]
    assert answer["class_names"].numpy().tolist() == names


def test_samples_are_the_chains_of_the_python_api(model):
    steps, seed = tf.constant(4), tf.constant(7)
    answer = served(model).sample(tf.constant(3), steps, seed, *NUMBERS)
    numbers = {"step_size": 1.0, "noise": 0.01, "range_clamp": 1.0}
    sampler = functools.partial(samplers.sgld, steps=4, **numbers)
    start = starts.uniform(SHAPE)
    drawn = sampling.draw(model, start, sampler, 3, tf.constant([7, 0]))
    np.testing.assert_allclose(answer["pixels"], drawn, atol=1e-5)
    np.testing.assert_array_equal(answer["images"], sampling.to_uint8(answer["pixels"]))


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("sgld", {"step_size": 1.0, "noise": 0.0}),
        ("normalised", {"step_size": 0.5, "noise": 0.0}),
        ("mala", {"step_size": 1.0, "temperature": 1.0}),
    ],
)
def test_the_inputs_of_sample_are_the_samplers_numbers(model, name, numbers):
    specs = served(model, name, **numbers).signatures()["sample"][1]
    assert [spec.name for spec in specs] == ["n", "steps", "seed", *numbers]


def test_a_temperature_of_0_is_refused(model):
    mala = served(model, "mala", step_size=1.0, temperature=1.0)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"temperature must .+ 0"):
        mala.sample(*map(tf.constant, (1, 1, 0)), tf.constant(1.0), tf.constant(0.0))


@pytest.mark.parametrize(
    ("n", "steps", "says"), [(0, 1, "n must be"), (1025, 1, "n must"), (1, -1, "steps")]
)
def test_a_request_out_of_range_is_refused_in_a_sentence(model, n, steps, says):
    with pytest.raises(tf.errors.InvalidArgumentError, match=says):
        served(model).sample(
            tf.constant(n), tf.constant(steps), tf.constant(0), *NUMBERS
        )
