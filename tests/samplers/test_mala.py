import numpy as np
import pytest
import tensorflow as tf

from jem_tf import samplers
from jem_tf.errors import InputError
from jem_tf.samplers.mala import log_acceptance_ratio, reflect

SHAPE = (2000, 2, 2, 1)
VARIANCE = 0.7
A, T = 0.3, 0.5
NOISE = (2 * A * T) ** 0.5
FREE = np.array([[True, False], [False, True]])[..., None]
WALK = {"step_size": A, "temperature": T, "seed": [1, 2]}


def mala(energy, x, **arguments):
    """The images at the end of the walk."""
    return samplers.mala(energy, x, **arguments)[0]


def gaussian(x):
    """The energy of N(0, VARIANCE) in every pixel."""
    return tf.reduce_sum(x**2, [1, 2, 3]) / (2 * VARIANCE)


def quartic(x):
    return tf.reduce_sum(x**4, [1, 2, 3]) / 4


def normal(shape, seed):
    return tf.random.stateless_normal(shape, [0, seed])


# 8,000 independent values: the standard error of a variance is 1.6%.


@pytest.mark.parametrize("temperature", [0.2, 1.0])
def test_a_gaussian_has_its_variance_times_the_temperature(temperature):
    walk = WALK | {"temperature": temperature}
    drawn = mala(gaussian, tf.zeros(SHAPE), steps=100, **walk)
    assert np.var(drawn) == pytest.approx(VARIANCE * temperature, rel=0.06)
    assert np.mean(drawn) == pytest.approx(0, abs=0.05)


def test_the_same_walk_without_the_refusals_has_another_variance():
    walk = {"step_size": A, "noise": NOISE, "seed": [1, 2]}
    drawn, _ = samplers.sgld(gaussian, tf.zeros(SHAPE), steps=100, **walk)
    assert np.var(drawn) > 1.2 * VARIANCE * T


def test_a_score_clamp_leaves_the_density_as_it_is():
    drawn = mala(gaussian, tf.zeros(SHAPE), steps=200, score_clamp=0.2, **WALK)
    assert np.var(drawn) == pytest.approx(VARIANCE * T, rel=0.06)


def test_a_score_clamp_bounds_the_drift_of_a_proposal():
    def slope(x):
        return tf.reduce_sum(x, [1, 2, 3])

    x = tf.zeros(SHAPE)
    plain, clamped = (
        mala(slope, x, steps=1, score_clamp=bound, **WALK) for bound in (None, 0.2)
    )
    moved = np.all((plain != x) & (clamped != x), axis=(1, 2, 3))
    assert moved.sum() > 500
    np.testing.assert_allclose((clamped - plain)[moved], A * (1 - 0.2), rtol=1e-4)


def test_a_range_clamp_truncates_the_density():
    from scipy import stats

    deviation = (VARIANCE * T) ** 0.5
    expected = stats.truncnorm(-0.5 / deviation, 0.5 / deviation, scale=deviation).var()
    drawn = mala(
        gaussian,
        tf.zeros(SHAPE),
        steps=100,
        range_clamp=0.5,
        **WALK | {"step_size": 0.1},
    )
    assert np.abs(drawn).max() <= 0.5
    assert np.var(drawn) == pytest.approx(expected, rel=0.06)


@tf.function(autograph=False)
def walk_within_bounds(x):
    """500 steps as one graph: step by step they take four seconds."""
    walk = WALK | {"step_size": 0.01}
    return samplers.mala(gaussian, x, steps=500, range_clamp=1.0, **walk)


@pytest.mark.parametrize("start", ["inside", "at the bounds", "beyond them"])
def test_a_range_clamp_holds_no_image_of_3072_pixels_up(start):
    x = tf.random.stateless_uniform([16, 32, 32, 3], [0, 1], -1, 1)
    if start != "inside":
        x = tf.sign(x) * (1.0 if start == "at the bounds" else 1.2)
    end, info = walk_within_bounds(x)
    from scipy import stats

    scale = (VARIANCE * T) ** 0.5
    expected = stats.truncnorm(-1 / scale, 1 / scale, scale=scale).var()
    assert np.min(info.acceptance) > 0.3
    assert np.abs(end).max() <= 1
    assert np.var(end) == pytest.approx(expected, rel=0.03)  # 49,152 values: 0.6%


def test_a_reflection_brings_a_pixel_inside_and_knows_its_slope():
    y = tf.constant([-5.0, -2.6, -1.4, -1.0, 0.3, 1.0, 1.4, 2.6, 5.0, 9.2])[:, None]
    image, slope = reflect(y, 1.0)
    expected = [-1, 0.6, -0.6, -1, 0.3, 1, 0.6, -0.6, 1, 0.8]
    np.testing.assert_allclose(image[:, 0], expected, atol=1e-6)
    near, _ = reflect(y + 1e-3, 1.0)
    inner = np.abs(expected) < 1
    measured = ((near - image) / 1e-3).numpy()[inner, 0]
    np.testing.assert_allclose(measured, slope.numpy()[inner, 0], atol=1e-2)


def test_a_reflection_leaves_fixed_pixels_and_unbounded_ranges_alone():
    y = tf.constant([[3.0, -1.2]])
    assert reflect(y, None)[0] is y
    image, slope = reflect(y, 1.0, free=np.array([False, True]))
    np.testing.assert_allclose(image, [[3.0, -0.8]], rtol=1e-6)
    np.testing.assert_array_equal(slope, [[1, -1]])


@pytest.mark.parametrize("name", ["step_size", "temperature"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_a_number_that_is_not_above_0_is_refused(name, value):
    with pytest.raises(InputError, match=f"^{name}={value} must be above 0"):
        mala(gaussian, tf.zeros(SHAPE), steps=1, **WALK | {name: value})


def test_it_takes_images_of_64_bits():
    """Whatever its energies are: a network's are of 32."""
    for energy in (gaussian, lambda x: tf.cast(gaussian(x), tf.float32)):
        drawn = mala(energy, tf.zeros(SHAPE, tf.float64), steps=3, **WALK)
        assert drawn.dtype == tf.float64


def test_a_range_clamp_leaves_the_pixels_that_are_not_free_where_they_are():
    x = tf.where(FREE, tf.zeros([8, 2, 2, 1]), 3.0)  # out of the range, and fixed
    end, info = samplers.mala(gaussian, x, steps=30, free=FREE, range_clamp=1.0, **WALK)
    np.testing.assert_array_equal(tf.where(FREE, 3.0, end), tf.fill(x.shape, 3.0))
    assert np.all(info.acceptance > 0)
    assert np.abs(tf.where(FREE, end, 0.0)).max() <= 1.0


def test_free_pixels_have_the_density_given_the_others():
    # E = (u - w)^2 / 2: given w, u is normal with the mean w and the variance T.
    def near(x):
        return tf.reduce_sum((x[:, 0] - x[:, 1]) ** 2, [1, 2]) / 2

    x = normal(SHAPE, 7)
    free = np.array([[False, False], [True, True]])[..., None]
    end = mala(near, x, steps=100, free=free, **WALK)
    np.testing.assert_array_equal(end[:, 0], x[:, 0])
    apart = (end[:, 1] - end[:, 0]).numpy()
    assert np.var(apart) == pytest.approx(T, rel=0.1)  # 4,000 values: 2.2%
    assert np.mean(apart) == pytest.approx(0, abs=0.05)
    assert abs(np.corrcoef(apart.ravel(), x[:, 0].numpy().ravel())[0, 1]) < 0.06


@pytest.mark.parametrize("energy", [gaussian, quartic])
def test_the_log_acceptance_ratio_is_tfps_for_its_own_proposals(energy):
    import tensorflow_probability as tfp

    # TFP's step size e drifts by e/2 and adds noise of variance e: e = s^2 = 2 a T.
    kernel = tfp.mcmc.MetropolisAdjustedLangevinAlgorithm(
        lambda x: -energy(x) / T, step_size=NOISE**2
    )
    x = normal([64, 2, 2, 1], 5)
    _, results = kernel.one_step(x, kernel.bootstrap_results(x), seed=[5, 6])
    y = results.proposed_state
    ratio = log_acceptance_ratio(
        x, y, energy(x), energy(y), drift(energy, x), drift(energy, y), T, NOISE
    )
    assert np.ptp(results.log_accept_ratio) > 1
    np.testing.assert_allclose(ratio, results.log_accept_ratio, rtol=1e-4, atol=1e-4)


def drift(energy, x):
    """A times the score, by the slope of the energy."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(energy(x))
    return -A * tape.gradient(total, x)


def test_the_way_back_has_the_inverse_ratio():
    x, y = normal([64, 2, 2, 1], 1), normal([64, 2, 2, 1], 2)
    pairs = [(quartic(z), drift(quartic, z)) for z in (x, y)]
    (energy_x, drift_x), (energy_y, drift_y) = pairs
    there = log_acceptance_ratio(
        x, y, energy_x, energy_y, drift_x, drift_y, T, NOISE, free=FREE
    )
    back = log_acceptance_ratio(
        y, x, energy_y, energy_x, drift_y, drift_x, T, NOISE, free=FREE
    )
    np.testing.assert_allclose(there, -back, rtol=1e-4, atol=1e-4)


def test_the_ratio_leaves_out_the_pixels_that_are_not_free():
    x, y = normal([64, 2, 2, 1], 1), normal([64, 2, 2, 1], 2)
    y = tf.where(FREE, y, x)
    ratios = [
        log_acceptance_ratio(
            x, y, tf.zeros(64), tf.zeros(64), up, -up, T, NOISE, free=FREE
        )
        for up in (normal(x.shape, 3), tf.where(FREE, normal(x.shape, 3), 9.0))
    ]
    np.testing.assert_array_equal(*ratios)


def test_the_acceptance_goes_to_1_as_the_step_size_goes_to_0():
    x = normal([500, 2, 2, 1], 3)
    shares = [
        np.mean(
            samplers.mala(
                quartic, x, steps=10, temperature=T, step_size=a, seed=[1, 2]
            )[1].acceptance
        )
        for a in (1.0, 0.1, 0.01, 1e-4)
    ]
    assert shares == sorted(shares)
    assert shares[0] < 0.6
    assert shares[-1] > 0.999


def test_the_acceptance_is_the_share_of_the_steps_that_moved():
    x = normal([64, 2, 2, 1], 3)
    trace = samplers.trace(samplers.mala, quartic, x, steps=10, **WALK)
    moved = np.any(np.diff(trace.images, axis=0) != 0, axis=(2, 3, 4))
    acceptance = samplers.mala(quartic, x, steps=10, **WALK)[1].acceptance
    np.testing.assert_allclose(acceptance, moved.mean(axis=0), rtol=1e-6)
    assert 0 < moved.mean() < 1


def test_a_proposal_whose_energy_is_not_a_number_is_refused():
    def half(x):
        return gaussian(x) + 0 * tf.reduce_sum(tf.math.log(x), [1, 2, 3])

    end = mala(half, tf.ones([64, 2, 2, 1]), steps=20, **WALK)
    assert np.all(end > 0)
    assert np.any(end != 1)
