"""JEM-k under all kinds of attacks, on networks that are solved by hand.

The network has the logits (f, -f), f = w x with w of signs, or the same held within
+-LEVEL. Its score is a multiple of w with the sign of f, so that a refinement never
changes the prediction: JEM-k is as robust as JEM-0. An image is broken within L2 eps,
in pixels of [0, 1], where |w x| < 2 eps |w|: here one image in two.
"""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from jem_tf import samplers
from jem_tf.datasets import Split
from jem_tf.energy_model import EnergyModel
from jem_tf.evaluation import (
    attack_checks,
    attack_gradients,
    attacks,
    defence_attacks,
    robust_accuracy,
)
from jem_tf.evaluation.refinement import Defence

SHAPE, LEVEL = (8, 8, 1), 2.0
W = np.random.default_rng(0).choice([-1.0, 1.0], SHAPE)
RADII = {"l2": [0.0, 1 / 16]}  # 2 eps |w| = 1
SETTINGS = attacks.AttackSettings(steps=10, restarts=1, seed=0)
BROKEN, WHOLE = 0.5, 1.0
SGLD = functools.partial(samplers.sgld, steps=2, step_size=0.5, noise=0.0)


def model(level=None):
    x = keras.Input(SHAPE)
    dense = keras.layers.Dense(2, use_bias=False)
    logits = dense(keras.layers.Flatten()(x))
    dense.set_weights([np.stack([W.ravel(), -W.ravel()], axis=1)])
    if level:
        logits = keras.ops.clip(logits, -level, level)
    return EnergyModel(keras.Model(x, logits))


def images():
    """Eight, of both classes: |w x| = 64 * 3 / 255 = .75 or 64 * 5 / 255 = 1.25."""
    rows = [
        np.where(sign * W > 0, 128 + far, 127 - far)
        for sign in (1, -1)
        for far in (1, 2)
    ]
    labels = tf.constant([0, 0, 1, 1] * 2, tf.int32)
    return Split(np.array(rows * 2, "uint8"), labels)


def rounding(energy, x, **arguments):
    end, info = SGLD.func(energy, x, **arguments)
    return tf.round(4 * end) / 4, info


# What each kind leaves: straight_through, full. The transferred points always break.
REFINEMENTS = {
    "smooth": (None, SGLD, BROKEN, BROKEN),
    "clamped": (None, functools.partial(SGLD, range_clamp=0.25), BROKEN, WHOLE),
    "rounded": (
        None,
        functools.partial(rounding, **SGLD.keywords),
        BROKEN,
        WHOLE,
    ),
    # The chain ends where the network is flat: nothing comes back in either way.
    "flat": (LEVEL, SGLD, WHOLE, WHOLE),
}


@pytest.mark.parametrize("name", REFINEMENTS)
def test_jem_k_is_reported_as_robust_as_the_solution_where_gradients_are_hidden(name):
    level, sampler, straight, full = REFINEMENTS[name]
    defences = [
        Defence(k=0, sampler=None, eot=1, fresh=1),
        Defence(k=2, sampler=sampler, eot=1, fresh=1),
    ]
    outcomes = defence_attacks.attack_defences(
        model(level), defences, split=images(), radii=RADII, settings=SETTINGS
    )
    metrics = robust_accuracy.compute_accuracies(outcomes, {}, RADII)
    key = f"robust_accuracy/l2/{1 / 16:g}"
    expected = {
        "jem0": BROKEN,
        "jem2/straight_through": straight,
        "jem2/full": full,
        "jem2/transferred": BROKEN,
        "jem2": BROKEN,
    }
    assert {last: metrics[f"{key}/{last}"] for last in expected} == expected
    # Without an attack, each kind counts the images alike.
    assert metrics["robust_accuracy/l2/0/jem2"] == 1
    # Both gradients hidden: the protocol's check says so.
    check = attack_checks.check_transfer(outcomes, RADII)
    assert check["ok"] == (BROKEN in (straight, full))


def three_ways():
    """A network of three classes, and images of the first class."""
    x = keras.Input(SHAPE)
    weights = np.random.default_rng(1).normal(size=(64, 3))
    dense = keras.layers.Dense(3, use_bias=False)
    logits = dense(keras.layers.Flatten()(x))
    dense.set_weights([weights])
    pull = (weights[:, 0] - weights[:, 1:].mean(1)).reshape(SHAPE)
    images = np.where(pull > 0, 140, 115)[None].repeat(3, 0).astype("uint8")
    return EnergyModel(keras.Model(x, logits)), Split(images, tf.zeros(3, tf.int32))


class TestWhatIsCalled:
    """By an attack that finds nothing but records its arguments."""

    plain = Defence(k=0, sampler=None, eot=1, fresh=1)
    refined = Defence(2, functools.partial(SGLD, noise=0.1), eot=4, fresh=2)
    again = Defence(3, functools.partial(SGLD, steps=3, noise=0.1), eot=4, fresh=2)
    settings = SETTINGS._replace(attack="recorder", targets=2)

    @pytest.fixture
    def calls(self, monkeypatch):
        recorded = []

        def attack(view, x, labels, **arguments):
            recorded.append({"labels": np.asarray(labels)} | arguments)
            return x

        entry = attacks.AttackEntry(attack, dict)
        monkeypatch.setitem(attacks.ATTACKS, "recorder", entry)
        return recorded

    def test_those_that_refine_share_the_points_of_jem_0(self, calls):
        net, split = three_ways()
        radii, costs = {"linf": [0.0, 8.0]}, []
        defences = [self.plain, self.refined, self.again]
        outcomes = defence_attacks.attack_defences(
            net,
            defences,
            split=split,
            radii=radii,
            settings=self.settings,
            each=costs.append,
        )
        refined = ["straight_through", "full", "transferred"]
        kinds = {0: ["plain"], 2: refined, 3: refined}
        assert {k: list(found) for k, found in outcomes.items()} == kinds
        # At radius 0 nothing is attacked; at 8 without a target, and towards both.
        last = calls[-3:]
        assert len(calls) == 2 * (1 + 2 + 2) + 3
        assert [call["stop_margin"] for call in last] == [np.inf] * 3
        assert [call["eps"] for call in last] == [8.0] * 3
        towards = {tuple(call["labels"][0]) for call in last[1:]}
        assert towards == {(0, 1), (0, 2)}
        estimate = defence_attacks.estimate_cost(defences, 3, self.settings)
        assert sum(costs) == 2 * estimate
        assert defence_attacks.estimate_cost([self.plain], 3, self.settings) == 1


def test_jem_k_takes_the_worst_of_the_points_toward_other_classes():
    net, split = three_ways()
    settings = SETTINGS._replace(targets=2)
    defence = Defence(k=2, sampler=SGLD, eot=1, fresh=1)
    shares = defence_attacks.attack_by_transfer(
        net, [defence], split=split, radii={"l2": [0.0, 8.0]}, settings=settings
    )
    np.testing.assert_array_equal(shares[2]["l2"], [[1, 1, 1], [0, 0, 0]])


def test_a_targeted_view_rises_toward_its_target():
    net, split = three_ways()
    x = np.asarray(split.images, "float32") / 255
    view = attack_gradients.make_targeted_view(lambda x, seed: net.network(x), SHAPE)
    pairs = tf.constant([[0, 1], [0, 2], [0, 1]])
    margin, least, gradient = view(x, pairs, tf.constant([0, 0]))
    logits = net.network(2 * x - 1).numpy()
    rows = np.arange(3)
    by_hand = logits[rows, pairs[:, 1]] - logits[:, 0]
    np.testing.assert_allclose(margin, by_hand, rtol=1e-4)
    np.testing.assert_array_equal(margin, least)
    weights = net.network.get_weights()[0]
    slope = 2 * (weights[:, 1] - weights[:, 0]).reshape(SHAPE)  # x in [0, 1]
    np.testing.assert_allclose(gradient[0], slope, rtol=1e-4)
