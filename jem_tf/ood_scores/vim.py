"""Virtual-logit matching: logsumexp f(x) less the part of the features off a subspace.

Source: Wang et al., CVPR 2022 (arXiv 2203.10807), section 4, and its code for the
number of dimensions. Letters: h features [D], logits f = W' h + b.

We depart from the paper in one thing: the mean of all training logits is taken from f
and b before the fit. This constant changes no probability, but the paper's alpha is
about 0, or negative, where the energies of real images are kept around 0.
"""

import numpy as np
import tensorflow as tf

from jem_tf import energies
from jem_tf.ood_scores.interface import Known, Outputs, Score, State


def principal_dimensions(features: int) -> int:
    """The dimensions of the principal subspace of `features` numbers."""
    return 1000 if features >= 2048 else 512 if features >= 768 else features // 2


def fit(known: Known, state: State) -> dict[str, np.ndarray]:
    """Fits the principal subspace and the scale to the training images.

    Returns:
      "origin" [D], where each logit is as nearly as can be the mean of all; "residual"
      [D, R], an orthonormal basis of the subspace's complement; "scale", the paper's
      alpha.
    """
    logits, features, *_ = known.train.outputs
    constant = np.mean(logits, dtype="float64")
    bias = np.asarray(known.bias, "float64") - constant
    origin = -np.linalg.pinv(np.asarray(known.kernel, "float64").T) @ bias
    centred = np.asarray(features, "float64") - origin
    _, vectors = np.linalg.eigh(centred.T @ centred / len(centred))  # ascending values
    size = vectors.shape[0]
    residual = vectors[:, : size - principal_dimensions(size)]
    off = np.linalg.norm(centred @ residual, axis=1).mean()
    scale = (np.max(logits, axis=1).mean() - constant) / off if off else 0.0
    return {
        "vim/origin": origin.astype("float32"),
        "vim/residual": residual.astype("float32"),
        "vim/scale": np.float32(scale),
    }


def compute(outputs: Outputs, state: State) -> tf.Tensor:
    """logsumexp f(x) - alpha ||R' (h - origin)||, float32 [N] in nats."""
    centred = tf.cast(outputs.features, tf.float32) - state["vim/origin"]
    off = tf.norm(tf.matmul(centred, state["vim/residual"]), axis=1)
    log_px = -energies.marginal_energy(outputs.logits)
    return log_px - tf.cast(state["vim/scale"], tf.float32) * off


SCORE = Score(
    compute,
    "logsumexp f(x) less the virtual logit (ViM)",
    fit,
    "train",
    features=True,
)
