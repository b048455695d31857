"""JEM-k: a classifier that first takes k steps of SGLD from the image it is shown.

A classifier here is a function (x [B, H, W, C] in [-1, 1], seed int [2]) -> logits
float32 [B, K]; all that is random in it is the seed's.
"""

import tensorflow as tf

KINDS = ("straight_through", "full")  # of gradients through a refinement
PLAIN = "plain"  # where there is none


def classifier(model, walk=None, *, kind="straight_through"):
    """The classifier JEM-k.

    Args:
      model: an EnergyModel.
      walk: `samplers.sgld` with k steps and all but energy, images and seed bound; None
        for k = 0, the network alone.
      kind: one of KINDS. "straight_through" takes the refinement for the identity on
        the way back; "full" goes back through its steps, which takes second derivatives
        of E(x).
    """

    def classify(x, seed):
        if walk is not None:
            through = kind == "full"
            end = walk(model.energy(), x, seed=seed, differentiable=through)
            x = end if through else x + tf.stop_gradient(end - x)
        return model.network(x, training=False)

    return classify


def kinds(walk):
    """The kinds of gradients that differ: of no refinement there is one."""
    return KINDS if walk is not None else (PLAIN,)
