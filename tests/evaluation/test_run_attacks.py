"""Which attacks are run, by an attack that finds nothing but records its arguments."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from jem_tf import datasets, networks, samplers
from jem_tf.energy_model import EnergyModel
from jem_tf.evaluation import attack_gradients, attacks, inference, run_attacks
from jem_tf.evaluation.refinement import Defence

RADII = {"linf": [0.0, 8.0], "l2": [0.0, 0.5, 1.0]}
SETTINGS = attacks.AttackSettings(steps=5, restarts=3, seed=2, attack="recorder")
SAMPLER = functools.partial(samplers.sgld, steps=2, step_size=1.0, noise=0.1)
PLAIN = Defence(k=0, sampler=None, eot=1, fresh=1)
REFINED = Defence(k=2, sampler=SAMPLER, eot=4, fresh=2)


@pytest.fixture(scope="module")
def model():
    return EnergyModel(networks.build("convnet-8", (8, 8, 1), 3, seed=1))


@pytest.fixture(scope="module")
def split(model):
    """Images of which the model classifies one in three wrongly."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (6, 8, 8, 1)).astype("uint8")
    labels = np.argmax(inference.logits(model, images), 1)
    labels[::3] = (labels[::3] + 1) % 3
    return datasets.Split(images, tf.constant(labels, tf.int32))


@pytest.fixture
def calls(monkeypatch):
    """The arguments of all attacks."""
    recorded = []

    def attack(view, x, labels, **arguments):
        recorded.append(arguments)
        return x

    entry = attacks.AttackEntry(attack, dict)
    monkeypatch.setitem(attacks.ATTACKS, "recorder", entry)
    return recorded


def test_an_attack_within_every_radius_by_every_kind_of_gradient(model, split, calls):
    outcomes = run_attacks.attack_defence(
        model, REFINED, split=split, radii=RADII, settings=SETTINGS
    )
    assert list(outcomes) == ["straight_through", "full"]
    balls = [(norm, eps) for norm, row in RADII.items() for eps in row]
    assert [(call["norm"], call["eps"]) for call in calls] == 2 * balls
    for norm, row in RADII.items():
        assert outcomes["full"][norm].shape == (len(row), 6)
    # Two fresh draws judge each point.
    assert set(np.unique(outcomes["full"]["l2"])) <= {0.0, 0.5, 1.0}


def test_a_radius_of_0_takes_one_step(model, split, calls):
    run_attacks.attack_defence(
        model, PLAIN, split=split, radii=RADII, settings=SETTINGS
    )
    for call in calls:
        expected = (5, 3) if call["eps"] else (1, 1)
        assert (call["steps"], call["restarts"]) == expected
        assert call["seed"] == 2


def test_an_attack_stops_at_a_larger_margin_where_there_is_noise(model, split, calls):
    for defence in (PLAIN, REFINED):
        run_attacks.attack_defence(
            model, defence, split=split, radii={"l2": [0.0]}, settings=SETTINGS
        )
    assert [call["stop_margin"] for call in calls] == [
        attack_gradients.STOP_MARGIN_WITHOUT_NOISE,
        attack_gradients.STOP_MARGIN,
        attack_gradients.STOP_MARGIN,
    ]


def test_points_that_did_not_move_are_right_where_the_network_is(model, split, calls):
    outcomes = run_attacks.attack_defence(
        model, PLAIN, split=split, radii=RADII, settings=SETTINGS
    )
    for shares in outcomes["plain"].values():
        np.testing.assert_array_equal(shares, [[0, 1, 1, 0, 1, 1]] * len(shares))


def test_a_transfer_attacks_the_baseline_once_and_never_stops_early(
    model, split, calls
):
    outcomes = run_attacks.transfer_attack(
        model,
        [PLAIN, REFINED],
        baseline=EnergyModel(networks.build("convnet-8", (8, 8, 1), 3, seed=5)),
        split=split,
        radii=RADII,
        settings=SETTINGS,
    )
    assert list(outcomes) == [0, 2]
    assert len(calls) == sum(map(len, RADII.values()))
    assert {call["stop_margin"] for call in calls} == {np.inf}
    # It is the model that judges the points.
    np.testing.assert_array_equal(outcomes[0]["linf"], [[0, 1, 1, 0, 1, 1]] * 2)


@pytest.mark.parametrize("defence", [PLAIN, REFINED], ids=["plain", "refined"])
def test_the_costs_of_all_radii_add_up_to_the_estimate(model, split, calls, defence):
    costs = []
    run_attacks.attack_defence(
        model,
        defence,
        split=split,
        radii=RADII,
        settings=SETTINGS,
        each=costs.append,
    )
    assert sum(costs) == 5 * run_attacks.estimate_cost(defence)
    assert run_attacks.estimate_cost(PLAIN) == 1


def test_noise_that_is_drawn_once_is_noise():
    once = REFINED._replace(eot=1)
    assert run_attacks.stop_margin(once) == attack_gradients.STOP_MARGIN
    quiet = once._replace(sampler=functools.partial(SAMPLER, noise=0))
    assert run_attacks.stop_margin(quiet) < attack_gradients.STOP_MARGIN
