import keras
import numpy as np
import pytest
import tensorflow as tf

from jem_tf import optimizers
from jem_tf.errors import InputError

RATE, STEPS = 0.5, 1000


def rates(at, **options):
    """The learning rates with which these steps of a run are taken."""
    options = {"learning_rate": RATE, "steps": STEPS} | options
    optimizer = optimizers.build("adam", **options)
    values = []
    for step in at:
        optimizer.iterations.assign(step)
        values.append(float(optimizer.learning_rate))
    return values


def stepped(optimizer, gradients, value=1.0):
    """The values of a variable after each of these gradients."""
    variable = keras.Variable(value)
    values = []
    for gradient in gradients:
        optimizer.apply([tf.constant(gradient)], [variable])
        values.append(float(variable))
    return values


@pytest.mark.parametrize("schedule", ["steps", "constant"])
def test_warm_up_is_linear_and_reaches_the_rate_with_its_last_step(schedule):
    values = rates(range(120), warmup_steps=100, schedule=schedule)
    np.testing.assert_allclose(values[:100], RATE * np.arange(1, 101) / 100, rtol=1e-6)
    np.testing.assert_allclose(values[100:], RATE, rtol=1e-6)


@pytest.mark.parametrize("schedule", optimizers.SCHEDULES)
def test_without_warm_up_a_run_begins_with_the_rate(schedule):
    assert rates([0], schedule=schedule) == pytest.approx([RATE])


def test_the_rate_falls_to_its_0_3_at_80_and_at_90_percent():
    values = rates([0, 400, 799, 800, 899, 900, 999], schedule="steps")
    shares = [1, 1, 1, 0.3, 0.3, 0.09, 0.09]
    np.testing.assert_allclose(values, RATE * np.array(shares), rtol=1e-6)


def test_cosine_is_half_way_down_at_half_time_and_ends_at_0():
    values = rates(range(STEPS + 1), schedule="cosine")
    expected = RATE * (1 + np.cos(np.pi * np.arange(STEPS + 1) / STEPS)) / 2
    np.testing.assert_allclose(values, expected, atol=1e-6)
    assert values[500] == pytest.approx(RATE / 2)
    assert values[-1] < 1e-6


@pytest.mark.parametrize("warmup", [0, 1, 250, STEPS - 1])
def test_one_cycle_is_a_triangle_that_ends_at_0(warmup):
    steps = range(0, STEPS + 1, 50)
    up = [(step + 1) / max(warmup, 1) for step in steps]
    down = [(STEPS - step) / (STEPS - warmup) for step in steps]
    expected = RATE * np.minimum(np.minimum(up, down), 1)
    values = rates(steps, warmup_steps=warmup, schedule="one_cycle")
    np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-7)


def test_constant_is_constant():
    assert set(rates(range(0, 2 * STEPS, 50), schedule="constant")) == {RATE}


@pytest.mark.parametrize("schedule", optimizers.SCHEDULES)
def test_a_run_of_one_step_has_a_rate(schedule):
    assert rates([0], steps=1, schedule=schedule) == pytest.approx([RATE])


def test_adam_goes_by_the_rate_whatever_the_gradient():
    for gradient in (1e-3, 1e3):
        adam = optimizers.build("adam", learning_rate=0.1, steps=9)
        assert stepped(adam, [gradient]) == pytest.approx([0.9], abs=1e-3)


def test_sgd_has_nesterovs_momentum_of_0_9():
    sgd = optimizers.build("sgd", learning_rate=0.1, steps=9, schedule="constant")
    velocity, value, expected = 0.0, 1.0, []
    for gradient in (1.0, 2.0, -1.0):
        velocity = 0.9 * velocity - 0.1 * gradient
        value += 0.9 * velocity - 0.1 * gradient
        expected.append(value)
    assert stepped(sgd, [1.0, 2.0, -1.0]) == pytest.approx(expected)


def test_momentum_is_that_of_pytorchs_sgd():
    plain = optimizers.build("momentum", learning_rate=0.1, steps=9)
    buffer, value, expected = 0.0, 1.0, []
    for gradient in (1.0, 2.0, -1.0):
        buffer = 0.9 * buffer + gradient
        value -= 0.1 * buffer
        expected.append(value)
    assert stepped(plain, [1.0, 2.0, -1.0]) == pytest.approx(expected)


@pytest.mark.parametrize("name", optimizers.OPTIMIZERS)
def test_weight_decay_is_decoupled_from_the_gradient(name):
    options = {"learning_rate": 0.1, "steps": 9, "weight_decay": 0.5}
    still = optimizers.build(name, **options)
    assert stepped(still, [0.0]) == pytest.approx([1 - 0.1 * 0.5])
    without = stepped(optimizers.build(name, learning_rate=0.1, steps=9), [0.0])
    assert without == [1.0]


def test_the_schedule_moves_the_weights_and_not_only_a_number():
    options = {"learning_rate": 0.1, "steps": 9, "schedule": "constant"}
    sgd = optimizers.build("sgd", warmup_steps=2, **options)
    # The first step with half the rate: momentum 0.9, hence 1.9 times the gradient.
    assert stepped(sgd, [1.0]) == pytest.approx([1 - 1.9 * 0.05])


@pytest.mark.parametrize(
    ("name", "schedule", "says"),
    [
        ("lion", "steps", "^optimizer=lion is not known; choose one of adam, sgd"),
        ("adam", "linear", "^schedule=linear is not known; choose one of steps, "),
    ],
)
def test_optimisers_and_schedules_that_do_not_exist_are_refused(name, schedule, says):
    with pytest.raises(InputError, match=says):
        optimizers.build(name, learning_rate=0.1, steps=9, schedule=schedule)


GRADIENTS = [tf.constant([3.0, 0.0]), tf.constant([[4.0]])]  # of norm 5


@pytest.mark.parametrize(("bound", "scale"), [(1.0, 0.2), (2.5, 0.5), (5.0, 1), (9, 1)])
def test_clipping_scales_a_longer_gradient_to_the_bound(bound, scale):
    clipped, norm = optimizers.clip_over_replicas(GRADIENTS, bound)
    assert float(norm) == pytest.approx(5.0)
    for before, after in zip(GRADIENTS, clipped, strict=True):
        np.testing.assert_allclose(after, before * scale, rtol=1e-6)


def test_clipping_leaves_no_gradient_alone():
    (clipped,), norm = optimizers.clip_over_replicas([tf.zeros([3])], 1.0)
    np.testing.assert_array_equal(clipped, np.zeros(3))
    assert norm == 0.0


def test_without_a_bound_gradients_are_left_alone_and_measured():
    unclipped, norm = optimizers.clip_over_replicas(GRADIENTS)
    assert float(norm) == pytest.approx(5.0)
    for before, after in zip(GRADIENTS, unclipped, strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize(("bound", "length"), [(3.0, 3.0), (None, 15.0)])
def test_what_is_bounded_and_measured_is_the_sum_over_replicas(
    two_replicas, bound, length
):
    @tf.function
    def step():
        def on_replica():
            context = tf.distribute.get_replica_context()
            share = tf.cast(context.replica_id_in_sync_group, tf.float32) + 1.0
            return optimizers.clip_over_replicas([g * share for g in GRADIENTS], bound)

        return two_replicas.run(on_replica)

    gradients, norms = step()
    whole = [two_replicas.reduce("SUM", gradient, axis=None) for gradient in gradients]
    # The sum over both is three times GRADIENTS; clipped, it keeps their direction.
    for norm in two_replicas.experimental_local_results(norms):
        assert float(norm) == pytest.approx(15.0)
    for before, after in zip(GRADIENTS, whole, strict=True):
        np.testing.assert_allclose(after, before * length / 5.0, rtol=1e-6)


def test_a_gradient_that_is_none_stays_none_and_the_others_are_clipped():
    (first, second, third), norm = optimizers.clip_over_replicas(
        [tf.constant([3.0]), None, tf.constant([4.0])], 1.0
    )
    assert second is None
    np.testing.assert_allclose([first, third], [[0.6], [0.8]], rtol=1e-6)
    assert norm == 5
    with pytest.raises(InputError, match="no weights that images reach"):
        optimizers.clip_over_replicas([None])


def test_each_accumulated_gradient_is_counted():
    optimizer = keras.optimizers.SGD(0.1, gradient_accumulation_steps=4)
    weight = keras.Variable([1.0])
    for taken in range(6):
        for counted in (optimizer, keras.optimizers.LossScaleOptimizer(optimizer)):
            assert optimizers.gradients_taken(counted) == taken
        optimizer.apply([tf.constant([1.0])], [weight])


def test_a_schedule_is_the_same_after_a_file():
    rate = optimizers.build("sgd", learning_rate=0.1, steps=20, warmup_steps=4)
    again = type(rate).from_config(rate.get_config())
    for step in (0, 3, 10, 19):
        rates = [float(one._learning_rate(step)) for one in (rate, again)]
        assert rates[0] == rates[1] > 0
