"""Virtual-logit matching by the network that training began with, a plain classifier.

As of `initial_log_px`, it has kept what it knew of outliers. Source: `vim`.
"""

import numpy as np
import tensorflow as tf

from jem_tf.ood_scores import vim
from jem_tf.ood_scores.interface import Known, Labelled, Outputs, Score, State


def fit(known: Known, state: State) -> dict[str, np.ndarray]:
    """Fits `vim` to what the initial network computes: its state by other names."""
    outputs, labels = known.train
    own = Known(
        train=Labelled(_initial(outputs), labels),
        kernel=known.initial_kernel,
        bias=known.initial_bias,
    )
    return {f"initial_{name}": value for name, value in vim.fit(own, {}).items()}


def compute(outputs: Outputs, state: State) -> tf.Tensor:
    """`vim` of the initial network, float32 [N]."""
    own = {
        name.removeprefix("initial_"): value
        for name, value in state.items()
        if name.startswith("initial_vim/")
    }
    return vim.compute(_initial(outputs), own)


def _initial(outputs: Outputs) -> Outputs:
    return Outputs(outputs.initial_logits, outputs.initial_features)


SCORE = Score(
    compute,
    "virtual-logit matching (ViM) of the classifier that the run began with",
    fit,
    "train",
    features=True,
    initial=True,
)
