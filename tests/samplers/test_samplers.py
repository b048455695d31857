"""What every member of the family of samplers holds to."""

import numpy as np
import pytest
import tensorflow as tf

from jem_tf import samplers
from jem_tf.errors import InputError

NUMBERS = {
    "sgld": {"step_size": 0.1, "noise": 0.3},
    "normalised": {"step_size": 0.1, "noise": 0.3},
    "mala": {"step_size": 0.1, "temperature": 0.5},
}
FREE = np.array([[True, False], [False, True]])[..., None]
SEED = [1, 2]


@pytest.fixture(params=[*samplers.SAMPLERS])
def sampler(request):
    return samplers.build(request.param, **NUMBERS[request.param])


@pytest.fixture
def x():
    return tf.random.stateless_normal([8, 2, 2, 1], [0, 7])


def quartic(x):
    return tf.reduce_sum(x**4, [1, 2, 3]) / 4


def test_equal_seeds_give_equal_chains_and_others_do_not(sampler, x):
    first, again, other = (
        sampler(quartic, x, steps=9, seed=seed)[0] for seed in (SEED, SEED, [1, 3])
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).numpy().any(axis=(1, 2, 3)).all()


def test_zero_steps_go_nowhere(sampler, x):
    end, info = sampler(quartic, x, steps=0, seed=SEED)
    np.testing.assert_array_equal(end, x)
    np.testing.assert_array_equal(info.score_norm, np.zeros(8))


def test_pixels_that_are_not_free_stay_bit_for_bit(sampler, x):
    end, _ = sampler(quartic, x, steps=5, seed=SEED, free=FREE, range_clamp=9.0)
    assert np.asarray(end == x)[:, ~FREE[..., 0]].all()
    assert (end != x).numpy().any()


def test_where_all_is_free_it_is_the_plain_walk(sampler, x):
    every, _ = sampler(quartic, x, steps=5, seed=SEED, free=np.ones_like(FREE))
    np.testing.assert_array_equal(every, sampler(quartic, x, steps=5, seed=SEED)[0])


@pytest.mark.parametrize("cut", [0, 1, 4, 7])
def test_a_walk_cut_in_two_is_the_same_walk(sampler, x, cut):
    whole, _ = sampler(quartic, x, steps=7, seed=SEED)
    part, _ = sampler(quartic, x, steps=cut, seed=SEED)
    rest, _ = sampler(quartic, part, steps=7 - cut, first=cut, seed=SEED)
    np.testing.assert_array_equal(rest, whole)


def test_the_range_clamp_holds(sampler, x):
    inside = tf.clip_by_value(x, -0.8, 0.8)
    end, _ = sampler(quartic, inside, steps=20, seed=SEED, range_clamp=0.8)
    assert np.abs(end).max() <= np.float32(0.8)


def test_gradients_flow_only_where_they_are_asked_for(sampler, x):
    ends = []
    for through in (False, True):
        with tf.GradientTape() as tape:
            tape.watch(x)
            end, _ = sampler(quartic, x, steps=3, seed=SEED, differentiable=through)
        assert (tape.gradient(end, x) is not None) == through
        ends.append(end)
    np.testing.assert_array_equal(*ends)


def test_a_trace_is_the_walk(sampler, x):
    trace = samplers.trace(sampler, quartic, x, steps=6, seed=SEED)
    end, info = sampler(quartic, x, steps=6, seed=SEED)
    np.testing.assert_array_equal(trace.images[-1], end)
    np.testing.assert_array_equal(trace.score_norm[-1], info.score_norm)
    norms = np.linalg.norm(trace.images[5].numpy().reshape(8, -1) ** 3, axis=1)
    np.testing.assert_allclose(info.score_norm, norms, rtol=1e-4)


def test_xla_compiles_the_walk(sampler, x):
    end, _ = samplers.compiled(sampler)(quartic, x, steps=4, seed=SEED)
    assert np.isfinite(end).all()


def test_an_argument_that_means_nothing_is_refused_by_name():
    with pytest.raises(InputError, match=r"^temperature=1 means nothing to .* sgld"):
        samplers.build("sgld", temperature=1)
    with pytest.raises(InputError, match=r"^sampler=hmc is not known; choose one of"):
        samplers.build("hmc")
