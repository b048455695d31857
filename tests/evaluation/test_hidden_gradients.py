"""Refinements whose gradients mislead an attack, on networks that are solved by hand.

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
from jem_tf.evaluation import attack_checks, attacks, robust_accuracy, run_attacks
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
    outcomes = run_attacks.attack_defences(
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
