import keras
import pytest
import tensorflow as tf

from jem_tf import optimizers
from jem_tf.errors import InputError


def stepped(optimizer, gradients, value=1.0):
    """The values of a variable after each of these gradients."""
    variable = keras.Variable(value)
    values = []
    for gradient in gradients:
        optimizer.apply([tf.constant(gradient)], [variable])
        values.append(float(variable))
    return values


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


def test_each_accumulated_gradient_is_counted():
    optimizer = keras.optimizers.SGD(0.1, gradient_accumulation_steps=4)
    weight = keras.Variable([1.0])
    for taken in range(6):
        for counted in (optimizer, keras.optimizers.LossScaleOptimizer(optimizer)):
            assert optimizers.gradients_taken(counted) == taken
        optimizer.apply([tf.constant([1.0])], [weight])
