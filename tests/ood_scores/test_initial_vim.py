import numpy as np

from jem_tf.ood_scores import initial_vim, vim
from jem_tf.ood_scores.interface import Known, Labelled, Outputs
from tests.ood_scores import known


def own_of(outputs):
    return Outputs(outputs.initial_logits, outputs.initial_features)


def test_it_is_vim_of_the_other_network():
    given, tested = known.known(), known.labelled(20, seed=6).outputs
    train = Labelled(own_of(given.train.outputs), given.train.labels)
    alone = Known(train=train, kernel=known.INITIAL_KERNEL, bias=known.BIAS)
    np.testing.assert_array_equal(
        initial_vim.compute(tested, initial_vim.fit(given, {})),
        vim.compute(own_of(tested), vim.fit(alone, {})),
    )


def test_it_does_not_depend_on_the_models_own_outputs():
    given, tested = known.known(), known.labelled(20, seed=6).outputs
    state = initial_vim.fit(given, {}) | vim.fit(given, {})
    blank = tested._replace(logits=0 * tested.logits, features=0 * tested.features)
    np.testing.assert_array_equal(
        initial_vim.compute(blank, state), initial_vim.compute(tested, state)
    )
