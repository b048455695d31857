import numpy as np
import pytest

from jem_tf.ood_scores import vim
from tests.ood_scores import known


def test_it_is_the_papers_formula_in_numpy():
    train, tested = known.known().train.outputs, known.labelled(20, seed=6).outputs
    origin = -np.linalg.pinv(known.KERNEL.T) @ known.BIAS
    _, _, rows = np.linalg.svd(train.features.astype("float64") - origin)
    off = rows[known.FEATURES // 2 :].T  # the directions of least second moment

    def residual(outputs):
        return np.linalg.norm((outputs.features - origin) @ off, axis=1)

    alpha = train.logits.max(1).mean() / residual(train).mean()
    expected = np.log(np.exp(tested.logits).sum(1)) - alpha * residual(tested)
    score = vim.compute(tested, vim.fit(known.known(), {}))
    np.testing.assert_allclose(score, expected, rtol=1e-4, atol=1e-4)


def test_the_logits_are_0_at_the_origin():
    origin = vim.fit(known.known(), {})["vim/origin"]
    np.testing.assert_allclose(origin @ known.KERNEL + known.BIAS, 0, atol=1e-5)


@pytest.mark.parametrize(("features", "kept"), [(2048, 1000), (768, 512), (640, 320)])
def test_the_principal_subspace_has_the_dimensions_of_the_papers_code(features, kept):
    assert vim.principal_dimensions(features) == kept
