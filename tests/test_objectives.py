import keras
import numpy as np
import pytest
import tensorflow as tf

from jem_tf import objectives
from jem_tf.errors import InputError

NAMES = ("labelled", "real", "drawn", "drawn_by_label")
LOGITS = {
    name: tf.constant(np.random.default_rng(i).normal(0, 3, [6, 4]), tf.float32)
    for i, name in enumerate(NAMES)
}
LABELS = tf.constant([0, 1, 2, 3, 0, 1])


def energy(logits):
    return -np.log(np.exp(logits.numpy().astype("float64")).sum(1))


def loss(names=NAMES, p_x_weight=0.0, p_x_y_weight=0.0, energy_l2=0.0):
    return objectives.generative_loss(
        {name: LOGITS[name] for name in names},
        LABELS,
        p_x_weight=p_x_weight,
        p_x_y_weight=p_x_y_weight,
        energy_l2=energy_l2,
    )


def test_smoothing_adds_to_the_cross_entropy_that_of_the_smoothed_target():
    logits, share = LOGITS["labelled"], 0.3
    keras_own = keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=share, reduction=None
    )
    plain = keras.losses.sparse_categorical_crossentropy(LABELS, logits, True)
    added = objectives.label_smoothing(logits, LABELS)
    np.testing.assert_allclose(
        plain + share * added, keras_own(tf.one_hot(LABELS, 4), logits), rtol=1e-5
    )


def test_p_x_lowers_real_against_drawn_energy():
    value, drawn = loss(("labelled", "real", "drawn"), p_x_weight=2.0)
    real, fake = energy(LOGITS["real"]), energy(LOGITS["drawn"])
    assert float(value) == pytest.approx(2 * (real.mean() - fake.mean()), rel=1e-5)
    np.testing.assert_allclose(drawn, fake, rtol=1e-5)


def test_p_x_learns_from_the_labelled_images_without_others():
    value, _ = loss(("labelled", "drawn"), p_x_weight=1.0)
    expected = energy(LOGITS["labelled"]).mean() - energy(LOGITS["drawn"]).mean()
    assert float(value) == pytest.approx(expected, rel=1e-5)


def test_p_x_y_lowers_the_energy_of_the_given_label_alone():
    value, _ = loss(("labelled", "drawn_by_label"), p_x_y_weight=3.0)
    rows = np.arange(6)
    real, fake = (
        -LOGITS[name].numpy()[rows, LABELS.numpy()]
        for name in ("labelled", "drawn_by_label")
    )
    assert float(value) == pytest.approx(3 * (real.mean() - fake.mean()), rel=1e-5)


def test_energy_l2_is_the_mean_square_of_real_plus_that_of_all_drawn():
    value, drawn = loss(energy_l2=0.5)
    fake = np.concatenate([energy(LOGITS[name]) for name in NAMES[2:]])
    expected = (energy(LOGITS["real"]) ** 2).mean() + (fake**2).mean()
    assert float(value) == pytest.approx(0.5 * expected, rel=1e-5)
    assert drawn.shape == (12,)


@pytest.fixture(params=objectives.OBJECTIVES)
def objective(request):
    return objectives.find(request.param)


def slopes(objective, real, drawn):
    real, drawn = tf.constant(real), tf.constant(drawn)
    with tf.GradientTape() as tape:
        tape.watch([real, drawn])
        value = objective(real, drawn)
    assert value.shape == []
    return [slope.numpy() for slope in tape.gradient(value, [real, drawn])]


def test_an_objective_has_the_paper_s_slope_where_energies_are_equal(objective):
    real, drawn = slopes(objective, [0.5, -2.0, 7.0, 1.0], [0.5, -2.0, 7.0, 1.0])
    np.testing.assert_allclose(real, 1 / 4, rtol=1e-6)
    np.testing.assert_allclose(drawn, -1 / 4, rtol=1e-6)


def test_an_objective_lowers_every_real_and_raises_every_drawn_energy(objective):
    rng = np.random.default_rng(0)
    energies = rng.normal(0, 3, [2, 9]).astype("float32")
    real, drawn = slopes(objective, *energies)
    assert (real > 0).all()
    assert (drawn < 0).all()
    np.testing.assert_allclose(real, -drawn, rtol=1e-6)


def test_an_objective_does_not_feel_the_constant_of_the_energy(objective):
    real, drawn = tf.constant([0.5, -2.0, 1.0]), tf.constant([1.5, 0.0, -1.0])
    shifted = objective(real + 5, drawn + 5)
    assert float(shifted) == pytest.approx(float(objective(real, drawn)), rel=1e-5)


def test_the_logistic_objective_is_bounded_below_and_so_are_its_slopes():
    far = tf.constant([-1e4, 1e4])
    assert float(objectives.logistic(far[:1], far[1:])) == 0
    real, drawn = slopes(objectives.logistic, [-40.0, 40.0], [40.0, -40.0])
    np.testing.assert_allclose(real, [0, 1], atol=1e-6)  # of 2 over n = 2
    np.testing.assert_allclose(drawn, [0, -1], atol=1e-6)
    assert float(objectives.difference(far[:1], far[1:])) == -2e4


def test_only_pairs_need_as_many_real_images_as_drawn_ones():
    real, drawn = tf.constant([1.0, 3.0, 5.0]), tf.constant([0.0, 1.0])
    assert float(objectives.difference(real, drawn)) == 2.5
    for few in (drawn, drawn[:1]):
        with pytest.raises(InputError, match="objective=logistic compares pairs, and"):
            objectives.logistic(real, few)


# A density of real points on a grid, one of drawn points; and all pairs of the two, as
# often as they are likely: a mean over the pairs is the exact expectation.
REAL = np.repeat(np.arange(5), [1, 2, 5, 3, 1])
DRAWN = np.repeat(np.arange(5), [3, 1, 2, 2, 4])
PAIRS = np.repeat(REAL, 12), np.tile(DRAWN, 12)


def density(points):
    return np.bincount(points, minlength=5) / len(points)


def test_at_its_optimum_the_logistic_energy_is_the_log_ratio_of_drawn_and_real():
    energy = tf.Variable(tf.zeros([5]))

    @tf.function(jit_compile=True)
    def descend():
        with tf.GradientTape() as tape:
            real, drawn = (tf.gather(energy, points) for points in PAIRS)
            value = objectives.logistic(real, drawn)
        energy.assign_sub(4.0 * tf.convert_to_tensor(tape.gradient(value, energy)))

    for _ in range(200):
        descend()
    log_ratio = np.log(density(DRAWN) / density(REAL))
    found = energy.numpy() - energy.numpy().mean()
    np.testing.assert_allclose(found, log_ratio - log_ratio.mean(), atol=1e-4)


def pull(objective, energy, p, q):
    """The gradient of the exact expectation over x of p and z of q: float64 [5]."""
    energy = tf.Variable(energy)
    with tf.GradientTape() as tape:
        real, drawn = (tf.reshape(x, [-1, 1]) for x in (energy, energy))
        each = [
            objective(real[i], drawn[j]) * p[i] * q[j]
            for i in range(5)
            for j in range(5)
        ]
        value = tf.add_n(each)
    return tape.gradient(value, energy).numpy()


@pytest.mark.parametrize("temperature", [1.0, 0.1, 5e-5])
def test_what_e_is_when_the_sampler_keeps_up_at_a_temperature(temperature):
    """`difference`: -T log p. `logistic`: -T/(1 + T) log p; q is p^(1/(1 + T))."""
    p = density(REAL)
    for objective, scale in (
        (objectives.difference, temperature),
        (objectives.logistic, temperature / (1 + temperature)),
    ):
        energy = -scale * np.log(p)
        q = np.exp(-energy / temperature)
        q /= q.sum()
        np.testing.assert_allclose(pull(objective, energy, p, q), 0, atol=1e-12)
        assert np.abs(pull(objective, 2 * energy, p, np.sqrt(q))).max() > 1e-3


def test_for_a_fixed_sampler_the_difference_has_no_optimum():
    p, q = density(REAL), density(DRAWN)
    for scale in (0.0, 10.0, 1e6):
        slope = pull(objectives.difference, scale * np.log(q / p), p, q)
        np.testing.assert_allclose(slope, p - q, atol=1e-9)  # wherever E is


def test_both_terms_compare_by_the_objective(objective):
    value, _ = objectives.generative_loss(
        LOGITS,
        LABELS,
        p_x_weight=2.0,
        p_x_y_weight=3.0,
        energy_l2=0.0,
        objective=objective,
    )
    e = {name: tf.constant(energy(z), tf.float32) for name, z in LOGITS.items()}
    joint = [
        -tf.gather(LOGITS[name], LABELS, batch_dims=1)
        for name in ("labelled", "drawn_by_label")
    ]
    expected = 2 * objective(e["real"], e["drawn"]) + 3 * objective(*joint)
    assert float(value) == pytest.approx(float(expected), rel=1e-5)


def test_altered_images_are_asked_to_be_a_margin_above_real_ones(objective):
    logits = LOGITS | {"altered": LOGITS["drawn_by_label"]}
    terms = {"p_x_weight": 1.0, "p_x_y_weight": 0.0, "energy_l2": 0.0}
    plain, _ = objectives.generative_loss(LOGITS, LABELS, objective=objective, **terms)
    value, drawn = objectives.generative_loss(
        logits, LABELS, objective=objective, altered_weight=0.4, **terms
    )
    real, altered = energy(logits["real"]), energy(logits["altered"])
    expected = 0.4 * np.log1p(np.exp(real - altered + 1)).mean()
    assert float(value - plain) == pytest.approx(expected, rel=1e-4)
    assert drawn.shape == (12,)  # the altered ones are not among the drawn


def test_an_objective_that_does_not_exist_is_refused():
    says = "^objective=hinge is not known; choose one of difference, logistic"
    with pytest.raises(InputError, match=says):
        objectives.find("hinge")


@pytest.mark.parametrize("name", objectives.OBJECTIVES)
def test_an_objective_takes_arrays_of_numpy(name):
    real, drawn = np.zeros(3, "float32"), np.ones(3, "float32")
    tensors = tf.constant(real), tf.constant(drawn)
    objective = objectives.find(name)
    assert float(objective(real, drawn)) == float(objective(*tensors))
