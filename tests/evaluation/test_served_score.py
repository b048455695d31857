"""The score that is_ood goes by is none by which uniform noise passes."""

import keras
import numpy as np
import pytest

from jem_tf.energy_model import EnergyModel
from jem_tf.evaluation import served_score
from jem_tf.evaluation.scorer import Scorer

# One grey an image: without edges, as no uniform noise is.
SMOOTH = np.broadcast_to(
    np.random.default_rng(0).integers(0, 256, [40, 1, 1, 1], "uint8"), [40, 8, 8, 1]
)


def network(slope, offset):
    """Logits (slope * edges + offset, 0, 0); edges: how much neighbours differ."""
    image = keras.Input((8, 8, 1))
    steep = keras.layers.Conv2D(1, (1, 2), activation="relu", use_bias=False)
    dense = keras.layers.Dense(3)
    pooled = keras.layers.GlobalMaxPooling2D()(steep(image))
    model = keras.Model(image, dense(pooled))
    steep.set_weights([np.reshape([1.0, -1.0], [1, 2, 1, 1])])
    dense.set_weights([np.array([[slope, 0, 0]]), np.array([offset, 0, 0])])
    return model


def scorer(*, max_p, initial_log_px):
    """Whether each of the defaults falls (True) or grows with edges."""
    return Scorer(
        EnergyModel(network(-10, 8) if max_p else network(10, 0)),
        initial=network(-10, 0) if initial_log_px else network(10, 0),
    )


@pytest.mark.parametrize(
    ("max_p", "initial_log_px", "name", "why"),
    [
        (True, True, "initial_log_px", "the default for every such model"),
        (False, True, "initial_log_px", "the default for every such model"),
        (True, False, "max_p", "but for `initial_log_px`, by which most uniform"),
        (False, False, "max_p", "the last of the defaults (`initial_log_px`, `max_p`)"),
    ],
)
def test_it_is_the_first_default_by_which_noise_does_not_pass(
    max_p, initial_log_px, name, why
):
    own = scorer(max_p=max_p, initial_log_px=initial_log_px)
    chosen, reason = served_score.choose(own, SMOOTH)
    assert chosen == name
    assert why in reason


def test_the_share_is_of_noise_below_the_threshold():
    own = scorer(max_p=True, initial_log_px=False)
    assert served_score.share_of_noise(own, "max_p", 0.0, SMOOTH) == 1
    assert served_score.share_of_noise(own, "initial_log_px", 2.0, SMOOTH) == 0
    noise = np.median(scores_of_noise(own))
    assert served_score.share_of_noise(own, "log_px", float(noise), SMOOTH) == 0.5


def scores_of_noise(own):
    noise, _ = served_score.outliers.load_outliers(
        "uniform", SMOOTH, limit=served_score.NOISE_IMAGES, half="even"
    )
    return own.scores(noise, ["log_px"])["log_px"]
