import numpy as np
import pytest
import tensorflow as tf

from jem_tf import datasets, networks
from jem_tf.energy_model import EnergyModel
from jem_tf.evaluation import inference
from jem_tf.evaluation.attacks import AttackSettings
from jem_tf.evaluation.autoattack import run_standard_set, standard_set

RADII = {"linf": [0.0, 4.0, 255.0]}
SETTINGS = AttackSettings(10, 1, 0, "autoattack", targets=2, queries=8)
COUNTS = {
    "linf": {"apgd_ce": np.array([0, 5]), "square": np.array([0, 1])},
    "l2": {"apgd_ce": np.array([0, 7]), "square": np.array([0, 0])},
}
COUNTED = {"linf": [0.0, 8.0], "l2": [0.0, 0.5]}


@pytest.mark.slow
def test_what_the_parts_broke_and_what_is_right_are_the_images_right_before():
    network = networks.build("convnet-8", (8, 8, 1), 10, seed=1)
    network.set_weights([1.6 * weight for weight in network.get_weights()])
    model = EnergyModel(network)
    images = datasets.load("digits").test.images[:12]
    labels = np.argmax(inference.logits(model, images), 1).astype("int32")
    labels[::3] = (labels[::3] + 1) % 10
    done = []
    shares, counts = run_standard_set.attack_network(
        model,
        split=datasets.Split(images, tf.constant(labels)),
        radii=RADII,
        settings=SETTINGS,
        each=done.append,
    )
    assert done == [1, 1, 1]
    np.testing.assert_array_equal(shares["linf"][0], np.arange(12) % 3 > 0)
    broken = sum(counts["linf"].values())
    assert broken[0] == 0 < broken[2]
    np.testing.assert_array_equal(broken, 8 - shares["linf"].sum(1))
    assert list(counts["linf"]) == [*standard_set.PARTS]


def test_a_count_is_a_metric_of_its_radius_and_part():
    assert run_standard_set.compute_counts(COUNTS, COUNTED) == {
        "broken_by/linf/8/jem0/apgd_ce": 5,
        "broken_by/linf/8/jem0/square": 1,
        "broken_by/l2/0.5/jem0/apgd_ce": 7,
        "broken_by/l2/0.5/jem0/square": 0,
    }


@pytest.mark.parametrize(("images", "ok"), [(400, False), (500, True)])
def test_square_attack_may_break_two_in_a_thousand_more(images, ok):
    check = run_standard_set.check_square(COUNTS, COUNTED, images)
    assert check["ok"] is ok
    assert check["measured"]["linf"] == [0, 1 / images]
