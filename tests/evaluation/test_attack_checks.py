import functools

import numpy as np
import pytest
import tensorflow as tf

from jem_tf import datasets, networks, samplers
from jem_tf.energy_model import EnergyModel
from jem_tf.evaluation import attack_checks, inference
from jem_tf.evaluation.refinement import Defence

RADII = {"linf": [0.0, 1.0, 255.0]}


def outcomes(*accuracies):
    return {0: {"plain": {"linf": np.array(accuracies)[:, None]}}}


def test_a_larger_radius_may_not_raise_accuracy():
    assert attack_checks.check_larger_radii(outcomes(0.9, 0.5, 0.0), RADII)["ok"]
    assert not attack_checks.check_larger_radii(outcomes(0.9, 0.5, 0.6), RADII)["ok"]


def test_a_radius_of_0_must_leave_the_clean_accuracy():
    assert attack_checks.check_zero_radius(outcomes(0.9, 0.5, 0.0), {0: 0.9})["ok"]
    assert not attack_checks.check_zero_radius(outcomes(0.9, 0.5, 0.0), {0: 0.8})["ok"]


def test_an_unbounded_radius_must_leave_nothing_right():
    assert attack_checks.check_unbounded_radius(outcomes(0.9, 0.5, 0.0))["ok"]
    assert not attack_checks.check_unbounded_radius(outcomes(0.9, 0.5, 0.1))["ok"]


def test_points_of_jem_0_need_not_break_more_in_a_larger_radius():
    row = np.array([0.9, 0.5, 0.0])[:, None]
    kinds = {"full": {"linf": row}, "transferred": {"linf": row[[0, 2, 1]]}}
    assert attack_checks.check_larger_radii({2: kinds}, RADII)["ok"]
    assert attack_checks.check_unbounded_radius({2: kinds})["ok"]
    # But at radius 0 they are the images.
    assert attack_checks.check_zero_radius({2: kinds}, {2: 0.9})["ok"]
    kinds["transferred"] = {"linf": row[[1, 1, 1]]}
    assert not attack_checks.check_zero_radius({2: kinds}, {2: 0.9})["ok"]


def test_points_of_jem_0_may_not_break_more_than_both_gradients_together():
    # Together the gradients leave one image of three.
    kinds = {
        "straight_through": {"l2": np.array([[1.0, 0.0, 1.0]])},
        "full": {"l2": np.array([[0.0, 1.0, 1.0]])},
    }
    plain = {"plain": {"l2": np.array([[0.0, 0.0, 0.0]])}}
    for left, ok in (([1.0, 0.0, 0.0], True), ([0.5, 0.0, 0.0], False)):
        moved = kinds | {"transferred": {"l2": np.array([left])}}
        check = attack_checks.check_transfer({0: plain, 2: moved}, {"l2": [0.5]})
        shares = {"gradients": [pytest.approx(1 / 3)], "transferred": [sum(left) / 3]}
        assert check == {
            "ok": ok,
            "measured": {"eps": {"l2": [0.5]}, "l2/jem2": shares},
        }


def test_a_check_tells_what_it_measured():
    shares = outcomes(0.9, 0.5, 0.1)
    larger = attack_checks.check_larger_radii(shares, RADII)["measured"]
    assert larger == {"eps": RADII, "linf/jem0/plain": [0.9, 0.5, 0.1]}
    zero = attack_checks.check_zero_radius(shares, {0: 0.8})["measured"]
    assert zero == {"jem0": {"clean": 0.8, "linf/plain": 0.9}}
    unbounded = attack_checks.check_unbounded_radius(shares)["measured"]
    assert unbounded == {"jem0/plain": 0.1}


@pytest.fixture(scope="module")
def model():
    return EnergyModel(networks.build("convnet-8", (8, 8, 1), 3, seed=1))


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (9, 8, 8, 1)).astype("uint8")


def test_without_a_sampler_the_clean_accuracy_is_the_networks(model, images):
    labels = np.argmax(inference.logits(model, images), 1)
    labels[::3] = (labels[::3] + 1) % 3
    split = datasets.Split(images, tf.constant(labels))
    plain = Defence(k=0, sampler=None, eot=1, fresh=1)
    accuracy = attack_checks.clean_accuracy(model, plain, split=split, seed=0)
    assert accuracy == pytest.approx(2 / 3)


def test_with_a_sampler_the_clean_accuracy_is_that_of_refined_images(model, images):
    sampler = functools.partial(samplers.sgld, steps=1, step_size=0.0, noise=3.0)
    labels = np.argmax(inference.logits(model, images), 1)
    split = datasets.Split(images, tf.constant(labels))
    shares = []
    for draw in range(2):
        start = tf.cast(images, tf.float32) / 127.5 - 1
        refined, _ = sampler(model.energy(), start, seed=[7, draw])
        predicted = np.argmax(model.network(refined), 1)
        shares.append(np.mean(predicted == labels))
    assert len({*shares, 1.0}) == 3
    noisy = Defence(k=1, sampler=sampler, eot=1, fresh=2)
    accuracy = attack_checks.clean_accuracy(model, noisy, split=split, seed=7)
    assert accuracy == pytest.approx(np.mean(shares))
