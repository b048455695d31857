"""What a training step can call, and what it cannot."""

import functools

import pytest

from jem_tf import samplers
from jem_tf.errors import InputError
from jem_tf.keras_support import sampler_checks


def test_a_sampler_is_taken_by_its_own_arguments_whatever_it_wraps():
    @functools.wraps(samplers.sgld)
    def bound(energy, x, *, seed):
        return samplers.sgld(energy, x, seed=seed, steps=1, step_size=1.0, noise=0.1)

    sampler_checks.check_bound(bound)


@pytest.mark.parametrize(
    ("sampler", "says"),
    [
        (samplers.sgld, "missing a required argument: 'steps'"),
        ("sgld", "sampler is 'sgld'; give a function"),
    ],
)
def test_a_sampler_that_no_step_can_call_is_refused(sampler, says):
    with pytest.raises(InputError, match=says):
        sampler_checks.check_bound(sampler)
