import functools
import json

import numpy as np
import pytest
import tensorflow as tf

from jem_tf import datasets, networks, samplers
from jem_tf.energy_model import EnergyModel
from jem_tf.evaluation import attack_checks, inference, robust_accuracy, robustness

RADII = {"linf": [0.0, 32.0, 255.0], "l2": [0.0, 0.5]}
HOW = robustness.How(steps=5, restarts=1, seed=2)
N = 12


def walk(k, noise):
    return functools.partial(samplers.sgld, steps=k, step_size=1.0, noise=noise)


DEFENCES = [
    robustness.Defence(0, None, 1, 1),
    robustness.Defence(2, walk(2, 0.1), 2, 3),
]


@pytest.fixture(scope="module")
def model():
    network = networks.build("convnet-8", (8, 8, 1), 10, seed=1)
    network.set_weights([1.6 * weight for weight in network.get_weights()])
    return EnergyModel(network)


@pytest.fixture(scope="module")
def split(model):
    """Images that the model classifies, two in three of them rightly."""
    images = datasets.load("digits").test.images[:N]
    labels = np.argmax(inference.logits(model, images), 1).astype("int32")
    labels[::3] = (labels[::3] + 1) % 10
    return datasets.Split(images, tf.constant(labels))


@pytest.fixture(scope="module")
def measured(model, split):
    other = networks.build("convnet-8", (8, 8, 1), 10, seed=5)
    return robustness.measure(
        model, split, DEFENCES, RADII, HOW, baseline=EnergyModel(other)
    )


def test_every_radius_norm_and_refinement_has_its_metric(measured):
    expected = {
        f"{name}/{norm}/{eps:g}/{last}{ci}"
        for norm, of in RADII.items()
        for eps in of
        for name, lasts in {
            "robust_accuracy": ["jem0", "jem2", "jem2/straight_through", "jem2/full"],
            "transfer_accuracy": ["jem0", "jem2"],
        }.items()
        for last in lasts
        for ci in ("", "_ci")
    }
    assert set(measured[0]) == expected


def test_an_accuracy_lies_in_its_interval(measured):
    metrics, *_ = measured
    for key in (key for key in metrics if not key.endswith("_ci")):
        low, high = metrics[f"{key}_ci"]
        assert 0 <= low <= metrics[key] + 0.5 / N
        assert metrics[key] - 0.5 / N <= high <= 1


def test_a_radius_of_0_is_the_clean_accuracy(measured, model, split):
    metrics, checks, _ = measured
    named = np.argmax(inference.logits(model, split.images), 1)
    right = named == split.labels.numpy()
    assert 0 < right.mean() < 1
    for norm in RADII:
        assert metrics[f"robust_accuracy/{norm}/0/jem0"] == right.mean()
        assert metrics[f"transfer_accuracy/{norm}/0/jem0"] == right.mean()
    check = checks["eps_0_equals_clean_accuracy"]
    assert check["ok"]
    assert set(check["measured"]) == {"jem0", "jem2"}


def test_an_unbounded_attack_reaches_0(measured):
    metrics, checks, _ = measured
    assert metrics["robust_accuracy/linf/255/jem0"] == 0
    assert checks["unbounded_attack_reaches_0"]["measured"]["jem0/plain"] == 0


def test_accuracy_falls_with_the_radius(measured):
    metrics, *_ = measured
    for norm, of in RADII.items():
        for last in ("jem0", "jem2", "jem2/full"):
            found = [metrics[f"robust_accuracy/{norm}/{eps:g}/{last}"] for eps in of]
            assert (np.diff(found) <= 0).all()


def test_the_worst_is_below_each_kind(measured):
    metrics, *_ = measured
    for norm, of in RADII.items():
        for key in (f"robust_accuracy/{norm}/{eps:g}/jem2" for eps in of):
            kinds = [metrics[f"{key}/{kind}"] for kind in ("straight_through", "full")]
            assert metrics[key] <= min(kinds)


def test_the_worst_is_taken_image_by_image():
    kinds = {"a": {"l2": np.array([[1.0, 0.0]])}, "b": {"l2": np.array([[0.0, 1.0]])}}
    np.testing.assert_array_equal(robust_accuracy.worst(kinds)["l2"], [[0.0, 0.0]])


def test_what_breaks_at_a_radius_is_broken_at_larger_ones():
    right = np.array([[1.0, 1.0, 0.0], [0.4, 1.0, 1.0], [0.6, 0.2, 1.0]])
    expected = [[1.0, 1.0, 0.0], [0.4, 1.0, 0.0], [0.4, 0.2, 0.0]]
    np.testing.assert_array_equal(robust_accuracy.carried(right), expected)


def raw(*accuracies):
    return {0: {"plain": {"linf": np.array(accuracies)[:, None]}}}


def test_the_checks_see_what_is_wrong():
    radii = {"linf": [0.0, 1.0, 255.0]}
    assert attack_checks.never_raises(raw(0.9, 0.5, 0.0), radii)["ok"]
    assert not attack_checks.never_raises(raw(0.9, 0.5, 0.6), radii)["ok"]
    assert attack_checks.zero_is_clean(raw(0.9, 0.5, 0.0), {0: 0.9})["ok"]
    assert not attack_checks.zero_is_clean(raw(0.9, 0.5, 0.0), {0: 0.8})["ok"]
    assert attack_checks.unbounded_wins(raw(0.9, 0.5, 0.0))["ok"]
    assert not attack_checks.unbounded_wins(raw(0.9, 0.5, 0.1))["ok"]


def test_the_protocol_and_the_checks_are_json(measured):
    said = robustness.protocol(DEFENCES, RADII, HOW) | measured[1]
    assert json.loads(json.dumps(said)) == said
    assert said["refinement"]["noise"] == 0.1
    assert said["refinement"]["eot_draws"] == {"jem0": 1, "jem2": 2}
