"""The learning rate of `--schedule=steps`."""

import numpy as np
import pytest

from jem_tf import optimizers
from jem_tf.errors import InputError
from jem_tf.optimizers import step_decay
from jem_tf.options import Training


@pytest.mark.parametrize("steps", [200, 105_450, 7])
def test_the_rate_falls_by_the_factor_at_each_share_of_the_run(steps):
    shares = step_decay.parse_shares("1/3,0.5,5/6")
    rate = step_decay.in_steps(0.1, steps, at=shares, factor=0.2)
    for step in {0, steps // 3, steps // 3 + 1, steps // 2, steps * 5 // 6, steps - 1}:
        passed = sum(step >= steps * share for share in shares)
        np.testing.assert_allclose(rate(step), 0.1 * 0.2**passed, rtol=1e-6)


def test_the_defaults_are_those_of_the_options():
    assert Training().decay_at == step_decay.AT
    assert Training().decay_factor == step_decay.FACTOR
    assert step_decay.parse_shares(step_decay.AT) == (0.8, 0.9)


def test_the_optimiser_takes_both():
    style = {"decay_at": "0.25,0.5", "decay_factor": 0.1}
    sgd = optimizers.build("momentum", learning_rate=1.0, steps=100, **style)
    rates = []
    for step in (24, 25, 49, 50, 99):
        sgd.iterations.assign(step)
        rates.append(float(sgd.learning_rate))
    assert rates == pytest.approx([1, 0.1, 0.1, 0.01, 0.01])


@pytest.mark.parametrize(
    "text", ["", "0", "1", "0.9,0.8", "0.5,0.5", "half", "1/0", "nan", "0.5,", "-0.5"]
)
def test_what_are_no_shares_is_refused(text):
    with pytest.raises(InputError, match=f"decay_at={text} must list shares"):
        step_decay.parse_shares(text)
