import numpy as np
import pytest
import tensorflow as tf

from jem_tf.evaluation import attack_gradients
from jem_tf.evaluation.pgd import REACH, describe_pgd, pgd
from tests.evaluation.linear import SHAPE, WEIGHTS, images, linear, margin, predictions

ARGUMENTS = {"restarts": 1, "batch_size": 50, "stop_margin": np.inf, "seed": 0}


def attack(x, labels, **changes):
    view = attack_gradients.make_attack_view(linear, SHAPE)
    return pgd(view, x, labels, **(ARGUMENTS | changes))


@pytest.mark.parametrize(
    ("norm", "eps", "dual", "near"),
    [("linf", 10.0, 1, 1e-3), ("l2", 0.3, 2, 0.05), ("l2", 0.05, 2, 0.05)],
)
def test_on_a_linear_model_it_finds_the_closed_form(norm, eps, dual, near):
    # A ball in [0, 1] is twice as large in [-1, 1]; no pixel of these meets 0 or 1.
    x = images()
    labels = predictions(x)
    points = attack(x, labels, norm=norm, eps=eps, steps=60)
    slope = np.linalg.norm(2 * (WEIGHTS[:, 0] - WEIGHTS[:, 1]), dual)
    radius = eps / 255 if norm == "linf" else eps
    gained = margin(points, labels) - margin(x, labels)
    # Steps that are 2.5 radii together reach the pole of an L2 ball but nearly.
    np.testing.assert_allclose(gained, radius * slope, rtol=near)
    assert (gained <= radius * slope * (1 + 1e-5)).all()


def test_the_best_point_is_kept_though_the_attack_walks_on():
    # The margin is largest on a ring of radius 0.05; sign steps walk beyond it.
    x = images()
    labels = np.zeros(len(x), "int32")
    centre = tf.constant(2 * x - 1)

    def ring(z, seed):
        away = tf.norm(tf.reshape(z - centre, [len(x), -1]), axis=1) - 0.05
        return tf.stack([tf.zeros_like(away), tf.sin(40 * away) - 0.5], 1)

    view = attack_gradients.make_attack_view(ring, SHAPE)
    seen = []

    def watched(points, labels, seed):
        response = view(points, labels, seed)
        seen.append((points, response.margin.numpy()))
        return response

    changes = {"norm": "linf", "eps": 30.0, "steps": 7, "restarts": 3}
    points = pgd(watched, x, labels, **(ARGUMENTS | changes))
    margins = np.array([margin for _, margin in seen])
    assert len(seen) == 1 + 3 * (7 + 1)  # the image, iterates, and each last one
    best = margins.argmax(axis=0)
    assert (best < len(seen) - 1).any()
    expected = [seen[look][0][i] for i, look in enumerate(best)]
    np.testing.assert_array_equal(points, expected)


def test_a_settled_image_costs_no_more_looks():
    x = images()
    labels = 1 - predictions(x)  # wrong from the start
    sizes = []
    view = attack_gradients.make_attack_view(linear, SHAPE)

    def counting(points, labels, seed):
        sizes.append(len(points))
        return view(points, labels, seed)

    changes = {"norm": "linf", "eps": 8.0, "steps": 9, "stop_margin": -np.inf}
    pgd(counting, x, labels, **(ARGUMENTS | changes))
    assert sizes == [len(x)]


def test_the_protocol_has_its_arguments():
    protocol = describe_pgd(steps=7, restarts=3)
    assert protocol["pgd_steps"] == 7
    assert protocol["pgd_step_size"] == f"{REACH} eps / steps"
    assert protocol["restarts"].startswith("3,")
