"""What every member of the family of samplers holds to."""

import inspect

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
def name(request):
    return request.param


@pytest.fixture
def sampler(name):
    return samplers.build(name, **NUMBERS[name])


@pytest.fixture
def x():
    return tf.random.stateless_normal([8, 2, 2, 1], [0, 7])


def quartic(x):
    return tf.reduce_sum(x**4, [1, 2, 3]) / 4


def score_norms(x):
    """The L2 norms of the score of `quartic`, -x^3: [B, H, W, C] -> [B]."""
    return np.linalg.norm(np.reshape(x, [len(x), -1]) ** 3, axis=1)


def test_a_sampler_has_the_signature_of_the_family(name):
    parameters = inspect.signature(samplers.SAMPLERS[name]).parameters
    assert [*parameters][:2] == ["energy", "x"]
    shared = {"steps", "seed", "score_clamp", "range_clamp"}
    shared |= {"free", "first", "differentiable"}
    assert {*parameters} == {"energy", "x"} | shared | {*NUMBERS[name]}
    assert all(p.kind == p.KEYWORD_ONLY for p in [*parameters.values()][2:])


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
    x = 3 * x  # out of the range, too
    end, _ = sampler(quartic, x, steps=5, seed=SEED, free=FREE, range_clamp=1.0)
    assert np.abs(x)[:, ~FREE[..., 0]].max() > 1
    assert np.asarray(end == x)[:, ~FREE[..., 0]].all()


def test_free_pixels_move(sampler, x):
    end, _ = sampler(quartic, x, steps=5, seed=SEED, free=FREE, range_clamp=9.0)
    assert np.asarray(end == x)[:, ~FREE[..., 0]].all()
    assert np.asarray(end != x).any()


def test_where_nothing_is_free_nothing_moves(sampler, x):
    end, _ = sampler(quartic, x, steps=5, seed=SEED, free=np.zeros_like(FREE))
    np.testing.assert_array_equal(end, x)


def test_where_all_is_free_it_is_the_plain_walk(sampler, x):
    every, _ = sampler(quartic, x, steps=5, seed=SEED, free=np.ones_like(FREE))
    np.testing.assert_array_equal(every, sampler(quartic, x, steps=5, seed=SEED)[0])


@pytest.mark.parametrize("cut", [0, 1, 4, 7])
def test_a_walk_cut_in_two_is_the_same_walk(sampler, x, cut):
    whole, _ = sampler(quartic, x, steps=7, seed=SEED)
    part, _ = sampler(quartic, x, steps=cut, seed=SEED)
    rest, _ = sampler(quartic, part, steps=7 - cut, first=cut, seed=SEED)
    np.testing.assert_array_equal(rest, whole)


def test_the_number_of_the_first_step_picks_the_noise(sampler, x):
    ends = [sampler(quartic, x, steps=3, first=k, seed=SEED)[0] for k in (0, 3)]
    assert (ends[0] != ends[1]).numpy().any(axis=(1, 2, 3)).all()


def test_steps_and_first_may_be_tensors(sampler, x):
    walk = tf.function(
        lambda steps, first: sampler(quartic, x, steps=steps, first=first, seed=SEED)[0]
    )
    end, _ = sampler(quartic, x, steps=4, first=2, seed=SEED)
    # A graph's arithmetic may differ from the eager one in the last bit.
    np.testing.assert_allclose(walk(tf.constant(4), tf.constant(2)), end, atol=1e-6)


def test_the_range_clamp_holds_after_every_step(sampler, x):
    inside = tf.clip_by_value(x, -0.8, 0.8)
    bound, unbound = (
        samplers.trace(
            sampler, quartic, inside, steps=20, seed=SEED, range_clamp=clamp
        ).images
        for clamp in (0.8, None)
    )
    assert np.abs(bound).max() <= np.float32(0.8)
    assert np.abs(unbound).max() > 0.8


def test_a_score_clamp_acts_on_the_scores_beyond_it_alone(sampler, x):
    loose, tight, plain = (
        sampler(quartic, x, steps=5, seed=SEED, score_clamp=clamp)[0]
        for clamp in (1e6, 0.05, None)
    )
    np.testing.assert_array_equal(loose, plain)
    assert (tight != plain).numpy().any(axis=(1, 2, 3)).all()


def test_gradients_flow_only_where_they_are_asked_for(sampler, x):
    ends = []
    for through in (False, True):
        with tf.GradientTape() as tape:
            tape.watch(x)
            end, _ = sampler(quartic, x, steps=3, seed=SEED, differentiable=through)
        assert (tape.gradient(end, x) is not None) == through
        ends.append(end)
    np.testing.assert_array_equal(*ends)


def test_no_gradient_flows_from_the_info(sampler, x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        _, info = sampler(quartic, x, steps=3, seed=SEED, differentiable=True)
        told = [value for value in info if value is not None]
    assert tape.gradient(told, x) is None


def test_a_trace_is_the_walk(sampler, x):
    trace = samplers.trace(sampler, quartic, x, steps=6, seed=SEED)
    end, info = sampler(quartic, x, steps=6, seed=SEED)
    assert trace.images.shape == (7, *x.shape)
    np.testing.assert_array_equal(trace.images[0], x)
    np.testing.assert_array_equal(trace.images[-1], end)
    np.testing.assert_array_equal(trace.score_norm[-1], info.score_norm)
    assert (trace.acceptance is None) == (info.acceptance is None)
    if trace.acceptance is not None:
        share = tf.reduce_mean(trace.acceptance, 0)
        np.testing.assert_allclose(share, info.acceptance, rtol=1e-6)
    energy = [quartic(images) for images in trace.images]
    np.testing.assert_allclose(trace.energy, energy, rtol=1e-5)


def test_the_score_norm_is_of_the_score_where_the_last_step_began(sampler, x):
    trace = samplers.trace(sampler, quartic, x, steps=6, seed=SEED, score_clamp=0.1)
    norms = [score_norms(images) for images in trace.images[:-1]]
    np.testing.assert_allclose(trace.score_norm, norms, rtol=1e-4)  # before the clamp
    for steps in (1, 6):
        _, info = sampler(quartic, x, steps=steps, seed=SEED, score_clamp=0.1)
        np.testing.assert_allclose(info.score_norm, norms[steps - 1], rtol=1e-4)


def test_only_mala_tells_an_acceptance(name, sampler, x):
    _, info = sampler(quartic, x, steps=6, seed=SEED)
    assert (info.acceptance is not None) == (name == "mala")
    if info.acceptance is not None:
        assert info.acceptance.shape == (8,)
        counts = 6 * info.acceptance.numpy()
        np.testing.assert_allclose(counts, np.round(counts), atol=1e-5)
        assert np.all((counts >= 0) & (counts <= 6.001))


def test_a_long_chains_graph_is_no_larger_than_a_short_ones(sampler):
    def size(steps):
        graph = tf.function(
            lambda x: sampler(quartic, x, steps=steps, seed=SEED)
        ).get_concrete_function(tf.TensorSpec([4, 2, 2, 1]))
        return len(graph.graph.as_graph_def().SerializeToString())

    assert size(100) == pytest.approx(size(10), rel=0.01)


def test_xla_compiles_the_walk(sampler, x):
    end, info = samplers.compiled(sampler)(quartic, x, steps=4, seed=SEED)
    assert np.isfinite(end).all()
    assert np.isfinite(info.score_norm).all()


@pytest.mark.parametrize("noiseless", ["sgld", "normalised"])
def test_xla_takes_the_graphs_walk_where_no_noise_is_drawn(noiseless, x):
    # With noise the two differ: XLA may draw other random numbers from a seed.
    sampler = samplers.build(noiseless, step_size=0.1, noise=0.0)
    in_graph = tf.function(lambda x: sampler(quartic, x, steps=4, seed=SEED))(x)
    by_xla = samplers.compiled(sampler)(quartic, x, steps=4, seed=SEED)
    np.testing.assert_allclose(by_xla[0], in_graph[0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(by_xla[1].score_norm, in_graph[1].score_norm, rtol=1e-5)


def test_build_binds_the_arguments(name):
    sampler = samplers.build(name, steps=3, **NUMBERS[name])
    assert sampler.keywords == {"steps": 3, **NUMBERS[name]}


def test_numbers_of_a_sampler_are_those_it_needs(name):
    assert samplers.hyperparameters_of(name) == tuple(NUMBERS[name])


def test_an_argument_that_means_nothing_is_refused_by_name():
    with pytest.raises(InputError, match=r"^temperature=1 is no argument of .* sgld"):
        samplers.build("sgld", temperature=1)
    with pytest.raises(
        InputError, match=r"^noise=0.1 .* step_size, temperature; leave"
    ):
        samplers.build("mala", noise=0.1)


def test_an_unknown_name_is_refused_with_those_there_are():
    expected = r"^sampler=hmc is not known; choose one of sgld, normalised, mala\.$"
    with pytest.raises(InputError, match=expected):
        samplers.build("hmc")


def test_a_description_has_the_name_and_all_that_is_bound(name):
    sampler = samplers.build(name, steps=6, step_size=0.1, range_clamp=None)
    assert samplers.describe(sampler) == {
        "sampler": name,
        "sampler_steps": 6,
        "sampler_step_size": 0.1,
        "sampler_range_clamp": None,
    }


def test_the_numbers_that_a_sampler_takes_are_named_as_the_caller_names_them():
    with pytest.raises(InputError) as raised:
        samplers.build("mala", noise=0.1)
    says = "--noise=0.1 is no argument of the sampler mala, which takes "
    says += "--step_size, --temperature; leave it out."
    assert raised.value.with_flags() == says
