import keras
import numpy as np
import pytest
import tensorflow as tf

from jem_tf import objectives

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
