import functools
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from jem_tf import datasets, samplers
from jem_tf.energy_model import EnergyModel
from jem_tf.errors import InputError
from jem_tf.evaluation import inference, robustness

pytestmark = pytest.mark.slow

RADII = {"linf": [0.0, 32.0, 255.0], "l2": [0.0, 0.5]}
SETTINGS = robustness.AttackSettings(steps=5, restarts=1, seed=2)
N = 12
KINDS = ("straight_through", "full", "transferred")


def sampler(k, noise):
    return functools.partial(samplers.sgld, steps=k, step_size=1.0, noise=noise)


DEFENCES = [
    robustness.Defence(0, None, 1, 1),
    robustness.Defence(2, sampler(2, 0.1), 2, 3),
]


def untrained(seed):
    """A network of one hidden layer, which is quick to attack."""
    keras.utils.set_random_seed(seed)
    layers = [keras.layers.Flatten(), keras.layers.Dense(16, "tanh")]
    ends = [keras.Input((8, 8, 1)), *layers, keras.layers.Dense(10)]
    return keras.Sequential(ends)


@pytest.fixture(scope="module")
def model():
    network = untrained(1)
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
    return robustness.evaluate_robustness(
        model,
        split,
        defences=DEFENCES,
        radii=RADII,
        settings=SETTINGS,
        baseline=EnergyModel(untrained(5)),
    )


def test_every_radius_norm_and_refinement_has_its_metric(measured):
    expected = {
        f"{name}/{norm}/{eps:g}/{last}{ci}"
        for norm, row in RADII.items()
        for eps in row
        for name, lasts in {
            "robust_accuracy": ["jem0", "jem2", *(f"jem2/{kind}" for kind in KINDS)],
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
    predicted = np.argmax(inference.logits(model, split.images), 1)
    right = predicted == split.labels.numpy()
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


def test_the_points_of_jem_0_are_compared_with_the_gradients(measured):
    check = measured[1]["transfer_breaks_no_more_than_gradients"]["measured"]
    assert list(check) == ["eps", "linf/jem2", "l2/jem2"]
    assert len(check["linf/jem2"]["transferred"]) == len(RADII["linf"])


def test_accuracy_falls_with_the_radius(measured):
    metrics, *_ = measured
    for norm, row in RADII.items():
        for last in ("jem0", "jem2", "jem2/full"):
            keys = [f"robust_accuracy/{norm}/{eps:g}/{last}" for eps in row]
            assert (np.diff([metrics[key] for key in keys]) <= 0).all()


def test_the_worst_is_below_each_kind(measured):
    metrics, *_ = measured
    for norm, row in RADII.items():
        for key in (f"robust_accuracy/{norm}/{eps:g}/jem2" for eps in row):
            assert metrics[key] <= min(metrics[f"{key}/{kind}"] for kind in KINDS)


def test_the_protocol_and_the_checks_are_json(measured):
    protocol = robustness.describe_robustness(DEFENCES, RADII, SETTINGS) | measured[1]
    assert json.loads(json.dumps(protocol)) == protocol
    assert protocol["refinement"]["sampler"] == "sgld"
    assert protocol["refinement"]["noise"] == 0.1
    assert protocol["refinement"]["eot_draws"] == {"jem0": 1, "jem2": 2}


def test_an_unknown_attack_is_refused(model, split):
    settings = SETTINGS._replace(attack="bim")
    with pytest.raises(InputError, match=r"^attack=bim is not known"):
        robustness.evaluate_robustness(
            model, split, defences=DEFENCES, radii=RADII, settings=settings
        )
