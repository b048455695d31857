import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from jem_tf.ood_scores import knn
from tests.ood_scores import known


@pytest.mark.parametrize("count", [60, 900])
def test_distances_are_those_of_scikit_learn(count):
    state = knn.fit(known.known(count), {})
    outputs = known.labelled(30, seed=4).outputs
    search = NearestNeighbors().fit(state["knn/bank"].astype("float32"))
    unit = outputs.features / np.linalg.norm(outputs.features, axis=1, keepdims=True)
    distances, _ = search.kneighbors(unit, knn.neighbours(count))
    np.testing.assert_allclose(
        -knn.compute(outputs, state), distances[:, -1], atol=2e-4
    )


def test_the_bank_is_the_training_images_to_half_precision():
    features = known.known().train.outputs.features
    bank = knn.fit(known.known(), {})["knn/bank"].astype("float32")
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    assert np.abs(bank - unit).max() < 1e-3


def test_k_is_half_a_percent_of_the_bank_up_to_fifty():
    assert [knn.neighbours(n) for n in (1, 199, 1300, 10_000, 60_000)] == [
        1, 1, 6, 50, 50,
    ]  # fmt: skip


def test_a_dead_feature_vector_is_at_distance_one():
    state = knn.fit(known.known(), {})
    dead = known.outputs(np.zeros([2, known.FEATURES]))
    np.testing.assert_allclose(knn.compute(dead, state), -1, atol=1e-3)
