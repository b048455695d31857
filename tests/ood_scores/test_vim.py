import numpy as np
import pytest

from jem_tf.ood_scores import vim
from tests.ood_scores import known


def test_it_is_the_papers_formula_in_numpy_of_logits_with_a_mean_of_0():
    train, tested = known.known().train.outputs, known.labelled(20, seed=6).outputs
    constant = train.logits.mean()
    origin = -np.linalg.pinv(known.KERNEL.T) @ (known.BIAS - constant)
    _, _, rows = np.linalg.svd(train.features.astype("float64") - origin)
    off = rows[known.FEATURES // 2 :].T  # the directions of least second moment

    def residual(outputs):
        return np.linalg.norm((outputs.features - origin) @ off, axis=1)

    alpha = (train.logits - constant).max(1).mean() / residual(train).mean()
    expected = np.log(np.exp(tested.logits).sum(1)) - alpha * residual(tested)
    score = vim.compute(tested, vim.fit(known.known(), {}))
    np.testing.assert_allclose(score, expected, rtol=1e-4, atol=1e-4)


def test_each_logit_is_the_mean_of_all_at_the_origin():
    given = known.known()
    logits = vim.fit(given, {})["vim/origin"] @ known.KERNEL + known.BIAS
    mean = given.train.outputs.logits.mean()
    np.testing.assert_allclose(logits, mean, rtol=1e-4, atol=1e-4)


def test_the_constant_in_the_energy_shifts_the_score_and_does_not_change_it():
    """As `networks.centre_energy` shifts it, for energies around 0."""
    given, tested = known.known(), known.labelled(20, seed=6).outputs
    logits = given.train.outputs.logits
    shift = -np.log(np.exp(logits).sum(1)).mean()
    train = given.train._replace(outputs=moved(given.train.outputs, shift))
    centred = given._replace(train=train, bias=known.BIAS + shift)
    assert train.outputs.logits.max(1).mean() < 0  # the paper's alpha would be, too
    np.testing.assert_allclose(
        vim.compute(moved(tested, shift), vim.fit(centred, {})),
        vim.compute(tested, vim.fit(given, {})) + shift,
        rtol=1e-4,
        atol=1e-4,
    )


def moved(outputs, shift):
    return outputs._replace(logits=outputs.logits + np.float32(shift))


@pytest.mark.parametrize(("features", "kept"), [(2048, 1000), (768, 512), (640, 320)])
def test_the_principal_subspace_has_the_dimensions_of_the_papers_code(features, kept):
    assert vim.principal_dimensions(features) == kept
