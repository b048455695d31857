import numpy as np
import pytest
import tensorflow as tf

from jem_tf import samplers

SHAPE = (2000, 2, 2, 1)
VARIANCE = 0.7
WALK = {"step_size": 0.1, "noise": 0.3, "seed": [1, 2]}


def sgld(energy, x, **arguments):
    """The images at the end of the walk."""
    return samplers.sgld(energy, x, **arguments)[0]


def gaussian(x):
    """The energy of N(0, VARIANCE) in every pixel."""
    return tf.reduce_sum(x**2, [1, 2, 3]) / (2 * VARIANCE)


def test_a_step_is_the_equation():
    x = tf.random.stateless_normal(SHAPE, [0, 0])
    ours = sgld(gaussian, x, steps=1, step_size=0.25, noise=0.0, seed=[0, 0])
    np.testing.assert_allclose(ours, x - 0.25 * x / VARIANCE, rtol=1e-5, atol=1e-6)


def test_the_noise_of_a_step_has_its_standard_deviation():
    x = tf.zeros(SHAPE)
    drawn = sgld(gaussian, x, steps=1, step_size=1.0, noise=0.3, seed=[0, 0])
    assert np.std(drawn) == pytest.approx(0.3, rel=0.03)
    assert np.mean(drawn) == pytest.approx(0.0, abs=0.01)


def test_sgld_on_a_gaussian_has_the_closed_form_variance():
    # x' = (1 - a/v) x + s n is an AR(1) process; s^2 / (1 - (1 - a/v)^2) its variance.
    a, s = WALK["step_size"], WALK["noise"]
    expected = s**2 / (1 - (1 - a / VARIANCE) ** 2)
    drawn = sgld(gaussian, tf.zeros(SHAPE), steps=200, **WALK)
    # 8,000 independent values: the estimate's standard error is 1.6%.
    assert np.var(drawn) == pytest.approx(expected, rel=0.06)
    assert abs(np.var(drawn) / VARIANCE - 1) > 0.06  # which is not the density's own


def test_sgld_is_unadjusted_langevin_of_a_tempered_density():
    import tensorflow_probability as tfp

    # x + a grad f + s n is Langevin dynamics of (2a / s^2) f with TFP's step size s^2.
    a, s = WALK["step_size"], WALK["noise"]
    kernel = tfp.mcmc.UncalibratedLangevin(
        lambda x: -(2 * a / s**2) * gaussian(x), step_size=s**2
    )
    start = tf.random.stateless_normal(SHAPE, [0, 5])

    @tf.function
    def theirs():
        return tfp.mcmc.sample_chain(
            1, start, kernel=kernel, num_burnin_steps=49, trace_fn=None, seed=[3, 4]
        )[0]

    ours = sgld(gaussian, start, steps=50, **WALK)
    for moment in (np.var, lambda x: np.mean(x**4)):
        assert moment(ours.numpy()) == pytest.approx(moment(theirs().numpy()), rel=0.12)


def test_one_langevin_step_without_noise_is_tfps():
    import tensorflow_probability as tfp

    # One seed, one noise: the difference of two walks has only the drift.
    a, s = 0.05, 0.2
    kernel = tfp.mcmc.UncalibratedLangevin(
        lambda x: -(2 * a / s**2) * gaussian(x), step_size=s**2
    )
    x, z = (tf.random.stateless_normal([8, 2, 2, 1], [0, i]) for i in (1, 2))

    def theirs(x):
        return kernel.one_step(x, kernel.bootstrap_results(x), seed=[5, 6])[0]

    def ours(x):
        return sgld(gaussian, x, steps=1, step_size=a, noise=s, seed=[5, 6])

    np.testing.assert_allclose(theirs(x) - theirs(z), ours(x) - ours(z), atol=1e-5)


def test_equal_seeds_give_equal_chains_and_others_do_not():
    x = tf.zeros([4, 2, 2, 1])
    walk = {"steps": 5, "step_size": 0.1, "noise": 0.3}
    first, again, other = (
        sgld(gaussian, x, seed=seed, **walk) for seed in ([1, 2], [1, 2], [1, 3])
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).min() > 0


def test_steps_draw_fresh_noise():
    trace = samplers.trace(
        samplers.sgld,
        lambda x: 0 * gaussian(x),
        tf.zeros([50, 2, 2, 1]),
        steps=2,
        **WALK,
    )
    moves = np.diff(trace.images, axis=0).reshape(2, -1)
    assert abs(np.corrcoef(moves)[0, 1]) < 0.25


def test_zero_steps_go_nowhere():
    x = tf.random.stateless_normal([4, 2, 2, 1], [0, 0])
    np.testing.assert_array_equal(sgld(gaussian, x, steps=0, **WALK), x)


def test_the_score_clamp_bounds_a_move_by_step_size_times_it():
    x = tf.constant(5.0, shape=[4, 2, 2, 1])
    moved = sgld(
        gaussian, x, steps=1, step_size=0.5, noise=0.0, seed=[0, 0], score_clamp=0.2
    )
    np.testing.assert_allclose(x - moved, 0.1 * tf.ones_like(x), rtol=1e-5)


def test_the_range_clamp_holds_after_every_step():
    trace = samplers.trace(
        samplers.sgld,
        lambda x: -100 * gaussian(x),
        tf.random.stateless_normal([8, 2, 2, 1], [0, 0]) / 10,
        steps=6,
        range_clamp=1.0,
        **WALK,
    )
    assert np.abs(trace.images).max() == 1.0


def test_chains_show_the_walk_that_sgld_takes():
    x = tf.random.stateless_normal([8, 2, 2, 1], [0, 7])
    trace = samplers.trace(samplers.sgld, gaussian, x, steps=6, score_clamp=0.4, **WALK)
    end = sgld(gaussian, x, steps=6, score_clamp=0.4, **WALK)
    assert trace.images.shape == (7, 8, 2, 2, 1)
    np.testing.assert_array_equal(trace.images[0], x)
    np.testing.assert_array_equal(trace.images[-1], end)
    np.testing.assert_allclose(
        trace.energy, [gaussian(x) for x in trace.images], rtol=1e-5
    )
    norms = [
        np.linalg.norm(x.reshape(8, -1), axis=1) for x in trace.images.numpy()[:-1]
    ]
    np.testing.assert_allclose(trace.score_norm, np.array(norms) / VARIANCE, rtol=1e-5)


def test_no_gradient_flows_through_a_chain():
    x = tf.Variable(tf.ones([2, 2, 2, 1]))
    with tf.GradientTape() as tape:
        end = sgld(gaussian, x * 2.0, steps=2, **WALK)
    assert tape.gradient(end, x) is None


def test_a_long_chain_traces_no_longer_than_a_short_one():
    def nodes(steps):
        graph = tf.function(
            lambda x: sgld(gaussian, x, steps=steps, **WALK)
        ).get_concrete_function(tf.TensorSpec([4, 2, 2, 1]))
        return len(graph.graph.as_graph_def().SerializeToString())

    assert nodes(100) == pytest.approx(nodes(10), rel=0.01)


def quartic(x):
    """An energy whose score is not linear: a chain's gradient depends on its noise."""
    return tf.reduce_sum(x**4, [1, 2, 3]) / 4


@pytest.mark.parametrize("clamps", [{}, {"score_clamp": 0.5, "range_clamp": 0.9}])
def test_the_gradient_of_a_chain_is_that_of_its_steps_written_out(clamps):
    x = tf.random.stateless_normal([4, 2, 2, 1], [0, 7])

    def written_out(x):
        for k in range(5):
            up = -(x**3)
            if clamps:
                up = tf.clip_by_value(up, -0.5, 0.5)
            seed = tf.random.experimental.stateless_fold_in(WALK["seed"], k)
            noise = tf.random.stateless_normal(x.shape, seed)
            x = x + WALK["step_size"] * up + WALK["noise"] * noise
            if clamps:
                x = tf.clip_by_value(x, -0.9, 0.9)
        return x

    def walked(x):
        return sgld(quartic, x, steps=5, differentiable=True, **WALK, **clamps)

    def gradient(end):
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = tf.reduce_sum(tf.sin(end(x)))
        return tape.gradient(total, x)

    expected = gradient(written_out)
    assert np.abs(expected).max() > 0.1
    for ours in (gradient(walked), tf.function(lambda: gradient(walked))()):
        np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-6)


def test_a_differentiable_chain_is_the_same_chain():
    x = tf.random.stateless_normal([4, 2, 2, 1], [0, 7])
    ends = [
        sgld(quartic, x, steps=5, differentiable=through, **WALK)
        for through in (False, True)
    ]
    np.testing.assert_array_equal(*ends)


FREE = np.array([[True, False], [False, True]])[..., None]


def test_pixels_that_are_not_free_stay_bit_for_bit_where_they_are():
    x = 3 * tf.random.stateless_normal([8, 2, 2, 1], [0, 7])  # out of the range, too
    end = sgld(gaussian, x, steps=5, free=FREE, range_clamp=1.0, **WALK)
    stayed = np.asarray(end == x)
    np.testing.assert_array_equal(stayed, np.broadcast_to(~FREE, stayed.shape))


def test_where_nothing_is_free_nothing_moves_and_where_all_is_it_is_sgld():
    x = tf.random.stateless_normal([8, 2, 2, 1], [0, 7])
    none, every, plain = (
        sgld(quartic, x, steps=5, free=free, **WALK)
        for free in (np.zeros_like(FREE), np.ones_like(FREE), None)
    )
    np.testing.assert_array_equal(none, x)
    np.testing.assert_array_equal(every, plain)


def test_free_pixels_walk_down_the_energy_given_the_others():
    # Correlated pixels: E = (u - w)^2 / 2 has u = w where the density given w is most.
    def near(x):
        return tf.reduce_sum((x[:, 0] - x[:, 1]) ** 2, [1, 2]) / 2

    x = tf.random.stateless_normal([8, 2, 2, 1], [0, 7])
    free = np.array([[False, False], [True, True]])[..., None]
    walk = WALK | {"noise": 0.0}
    end = sgld(near, x, steps=200, free=free, **walk)
    np.testing.assert_allclose(end[:, 1], x[:, 0], atol=1e-5)


@pytest.mark.parametrize("cut", [0, 1, 4, 7])
def test_a_walk_cut_in_two_is_the_same_walk(cut):
    x = tf.random.stateless_normal([8, 2, 2, 1], [0, 7])
    whole = sgld(quartic, x, steps=7, **WALK)
    part = sgld(quartic, x, steps=cut, **WALK)
    rest = sgld(quartic, part, steps=7 - cut, first=cut, **WALK)
    np.testing.assert_array_equal(rest, whole)
