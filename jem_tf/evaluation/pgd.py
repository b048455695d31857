"""Projected gradient descent (PGD) by foolbox; the best point of an image is kept.

Letters as in `attack_gradients`. Source: Madry et al., "Towards Deep Learning Models
Resistant to Adversarial Attacks", ICLR 2018.
"""

import os
from typing import Any

import numpy as np
import tensorflow as tf

from jem_tf.evaluation.attack_gradients import UNITS, AttackView, BestPoints

REACH = 2.5  # the length of all steps together, in radii (Madry et al.)


def pgd(
    view: AttackView,
    x: Any,
    labels: Any,
    *,
    norm: str,
    eps: float,
    steps: int,
    restarts: int,
    batch_size: int,
    stop_margin: float,
    seed: int,
) -> np.ndarray:
    """Finds points near images by PGD; the images themselves are evaluated first.

    Args and returns as in `Attack`. The length of a step is REACH / steps times the
    radius, and each restart begins at a random point of the ball. The points returned
    are the best among the images and all points of all restarts.
    """
    # foolbox's model zoo imports GitPython, which fails if git is not installed.
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    import eagerpy
    import foolbox

    x = np.asarray(x, "float32")
    best = BestPoints(
        view, x, labels, batch_size=batch_size, stop_margin=stop_margin, seed=seed
    )
    base: Any = {"linf": foolbox.attacks.LinfPGD, "l2": foolbox.attacks.L2PGD}[norm]

    class BestPointPGD(base):
        def value_and_grad(self, loss_fn, x):
            return None, eagerpy.astensor(tf.constant(best.look(x.raw.numpy())))

    attack = BestPointPGD(rel_stepsize=REACH / steps, steps=steps)
    bounds = foolbox.TensorFlowModel(tf.identity, bounds=(0, 1), device="/CPU:0")
    # foolbox wants labels, but the loss is that of `view`.
    unused = tf.zeros(len(x), tf.int32)
    criterion = foolbox.criteria.Misclassification(unused)
    best.look(x)
    for restart in range(restarts):
        if best.settled.all():
            break
        # foolbox draws its start from TensorFlow's global generator.
        tf.random.set_seed(1000 * seed + restart)
        radius = eps * UNITS[norm]
        last = attack.run(bounds, tf.constant(x), criterion, epsilon=radius)
        best.look(last.numpy())
    return best.points


def describe_pgd(*, steps: int, restarts: int) -> dict[str, Any]:
    """Describes the attack with these arguments for a protocol."""
    return {
        "attack": "PGD (foolbox LinfPGD, L2PGD), untargeted, on the cross-entropy in "
        "its log-odds form log (1 - p(y|x)) / p(y|x)",
        "pgd_steps": steps,
        "pgd_step_size": f"{REACH:g} eps / steps",
        "restarts": f"{restarts}, each from a random point of the ball",
    }
