"""The score that is_ood goes by is none by which uniform noise passes."""

import functools
import types

import keras
import numpy as np
import pytest

from jem_tf.datasets import Split
from jem_tf.energy_model import EnergyModel
from jem_tf.evaluation import fitted_scores, served_score
from jem_tf.evaluation.scorer import Scorer

# Falling by 6 along the rows and by 2 along the columns: no edges such as noise has.
FALL = 6 * np.arange(8)[:, None] + 2 * np.arange(8)
SMOOTH = (np.arange(60, 100)[:, None, None] + 60 - FALL)[..., None].astype("uint8")


def network(slope, offset, second=True):
    """Logits (slope * edges + offset, 0, 0); features: edges of two directions.

    Of the second direction there are none without `second`.
    """
    image = keras.Input((8, 8, 1))
    steep = keras.layers.Conv2D(2, 2, activation="relu", use_bias=False)
    dense = keras.layers.Dense(3)
    model = keras.Model(image, dense(keras.layers.GlobalMaxPooling2D()(steep(image))))
    kernel = np.zeros([2, 2, 1, 2])
    kernel[0, 0], kernel[1, 0, 0, 0], kernel[0, 1, 0, 1] = 1, -1, -1
    steep.set_weights([kernel * [1, second]])
    dense.set_weights([np.array([[slope, 0, 0], [0, 0, 0]]), np.array([offset, 0, 0])])
    return model


def scorer(*, max_p, initial_log_px, initial_vim=True):
    """Whether each of the defaults falls (True) or grows with edges."""
    return Scorer(
        EnergyModel(network(-10, 8) if max_p else network(10, 0)),
        initial=network(-10, 0) if initial_log_px else network(10, 0, initial_vim),
    )


def fit(own, names):
    """Gives a scorer the state of scores, fitted on smooth images."""
    split = Split(SMOOTH, np.arange(len(SMOOTH)) % 3)
    data = types.SimpleNamespace(train=split, validation=split)
    own.state = fitted_scores.fit_scores(own, names, data)


@pytest.mark.parametrize(
    ("falling", "name", "why"),
    [
        ((True, True), "initial_log_px", "the first of the defaults that tells noise"),
        ((False, True), "initial_log_px", "the first of the defaults that tells noise"),
        ((True, False), "initial_vim", "; by `initial_log_px` most uniform noise"),
        (
            (True, False, False),
            "max_p",
            "; by `initial_log_px` and by `initial_vim` most",
        ),
        (
            (False, False, False),
            "max_p",
            "the last of the defaults; by `initial_log_px` and",
        ),
    ],
)
def test_it_is_the_first_default_by_which_noise_does_not_pass(falling, name, why):
    kinds = ("max_p", "initial_log_px", "initial_vim")
    own = scorer(**dict(zip(kinds, falling, strict=False)))
    chosen, reason = served_score.choose(own, SMOOTH, functools.partial(fit, own))
    assert chosen == name
    assert why in reason


def test_the_share_is_of_noise_below_the_threshold():
    own = scorer(max_p=True, initial_log_px=False)
    assert served_score.share_of_noise(own, "max_p", 0.0, SMOOTH) == 1
    assert served_score.share_of_noise(own, "initial_log_px", 2.0, SMOOTH) == 0
    noise = np.median(scores_of_noise(own))
    half = served_score.share_of_noise(own, "log_px", float(noise), SMOOTH)
    assert half == pytest.approx(0.5, abs=0.01)  # some scores are the median itself


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_noise_of_no_finite_score_is_unknown_as_when_served(bad):
    own = scorer(max_p=True, initial_log_px=True)
    weights = own.initial.get_weights()
    own.initial.set_weights([*weights[:-1], np.full_like(weights[-1], bad)])
    assert served_score.share_of_noise(own, "initial_log_px", -1e9, SMOOTH) == 1


def scores_of_noise(own):
    noise, _ = served_score.outliers.load_outliers(
        "uniform", SMOOTH, limit=served_score.NOISE_IMAGES, seed=served_score.SEED
    )
    return own.scores(noise, ["log_px"])["log_px"]
