import inspect

import pytest

from jem_tf import ood_scores
from jem_tf.ood_scores import interface


def parameters(function):
    return [p for p in inspect.signature(function).parameters if p != "self"]


@pytest.mark.parametrize("name", ood_scores.SCORES)
def test_every_score_has_the_signature(name):
    score = ood_scores.SCORES[name]
    assert parameters(score.compute) == parameters(interface.Compute.__call__)
    assert (score.fit is None) == (score.on == "")
    if score.fit:
        assert parameters(score.fit) == parameters(interface.Fit.__call__)
    assert len(score.about) > 10
