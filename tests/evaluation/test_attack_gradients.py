import numpy as np
import pytest
import tensorflow as tf

from jem_tf.evaluation import attack_gradients
from tests.evaluation.linear import SHAPE, images, linear, margin, noisy, predictions


def best_points(view, x, labels, *, batch_size=50, stop_margin=np.inf):
    return attack_gradients.BestPoints(
        view, x, labels, batch_size=batch_size, stop_margin=stop_margin, seed=0
    )


def test_without_noise_the_margin_is_that_of_the_logits():
    x = images()
    labels = 1 - predictions(x)
    labels[::2] = 1 - labels[::2]
    view = attack_gradients.make_attack_view(linear, SHAPE)
    response = view(x, labels, tf.constant([0, 0]))
    np.testing.assert_allclose(response.margin, margin(x, labels), atol=1e-5)
    np.testing.assert_array_equal(response.margin, response.least_margin)


def test_noise_is_averaged_over_the_draws():
    # Of a linear model: the mean margin is the margin at the mean of the noise.
    x = images(2)
    labels, seed = predictions(x), tf.constant([1, 2])
    view = attack_gradients.make_attack_view(noisy, SHAPE, draws=7)
    mean, least, _ = view(x, labels, seed)
    many = tf.repeat(2 * x - 1, 7, axis=0)
    log_p = tf.nn.log_softmax(noisy(many, seed)).numpy().reshape(2, 7, 2)
    rows = np.arange(2)
    margins = log_p[rows, :, 1 - labels] - log_p[rows, :, labels]
    np.testing.assert_allclose(mean, margins.mean(1), rtol=1e-4)
    np.testing.assert_allclose(least, margins.min(1), rtol=1e-4)


def test_the_gradient_is_the_cross_entropys_but_does_not_vanish():
    x = images(3)
    labels, seed = predictions(x), tf.constant([0, 0])
    *_, slope = attack_gradients.make_attack_view(linear, SHAPE)(x, labels, seed)

    def steep(x, seed):
        return 1000 * linear(x, seed)

    def cross_entropy(classify):
        with tf.GradientTape() as tape:
            z = tf.constant(x)
            tape.watch(z)
            log_p = tf.nn.log_softmax(classify(2 * z - 1, None))
            loss = -tf.reduce_sum(tf.gather(log_p, labels, batch_dims=1))
        return tape.gradient(loss, z).numpy()

    expected = cross_entropy(linear).reshape(3, -1)
    actual = slope.numpy().reshape(3, -1)
    cosine = np.sum(actual * expected, 1) / np.linalg.norm(actual, axis=1)
    np.testing.assert_allclose(cosine / np.linalg.norm(expected, axis=1), 1, rtol=1e-4)
    *_, sure = attack_gradients.make_attack_view(steep, SHAPE)(x, labels, seed)
    assert not cross_entropy(steep).any()
    assert sure.numpy().any(axis=(1, 2, 3)).all()


def test_an_answer_that_is_not_finite_has_an_infinite_margin_and_a_finite_gradient():
    def broken(x, seed):
        return linear(x, seed) * np.nan

    x = images(3)
    view = attack_gradients.make_attack_view(broken, SHAPE)
    response = view(x, predictions(x), tf.constant([0, 0]))
    assert np.isposinf(response.margin).all()
    assert np.isfinite(response.gradient).all()


def test_the_best_point_of_each_image_is_kept():
    start = images()
    labels = np.zeros(len(start), "int32")
    best = best_points(attack_gradients.make_attack_view(linear, SHAPE), start, labels)
    rng = np.random.default_rng(3)
    looked = [rng.uniform(0, 1, start.shape).astype("float32") for _ in range(5)]
    for x in looked:
        best.look(x)
    margins = np.array([margin(x, labels) for x in looked])
    expected = [looked[row][i] for i, row in enumerate(margins.argmax(axis=0))]
    np.testing.assert_array_equal(best.points, expected)
    np.testing.assert_allclose(best.margin, margins.max(axis=0), atol=1e-5)


def test_an_image_is_settled_once_its_margin_is_enough_and_is_looked_at_no_more():
    x = images()
    labels = predictions(x)
    labels[:2] = 1 - labels[:2]  # wrong from the start
    sizes = []
    view = attack_gradients.make_attack_view(linear, SHAPE)

    def counting(x, labels, seed):
        sizes.append(len(x))
        return view(x, labels, seed)

    best = best_points(counting, x, labels, stop_margin=0.0)
    assert best.look(x)[:2].any()
    np.testing.assert_array_equal(best.settled, [True] * 2 + [False] * 4)
    best.settled[2:] = [True, True, True, False]
    gradient = best.look(x)
    # The one image that is left goes with a batch of a quarter of the size.
    assert sizes == [6, 1]
    assert not gradient[:-1].any()
    assert np.abs(gradient[-1]).max() == 1


def test_other_classes_are_ranked_by_their_logits():
    logits = np.array([[3.0, 1.0, 2.0], [0.0, np.nan, -1.0]])
    ranked = attack_gradients.rank_others(logits, np.array([2, 0]))
    assert ranked.tolist() == [[0, 1], [2, 1]]


@pytest.mark.parametrize(
    ("quarters", "sizes"), [((1, 4), [64, 64]), ((1, 2, 3, 4), [64, 48])]
)
def test_batches_are_padded_to_the_next_of_few_sizes(quarters, sizes):
    rows = np.arange(99) * 3
    batches = [*attack_gradients.padded_batches(rows, 64, quarters)]
    assert [len(padded) for _, padded in batches] == sizes
    np.testing.assert_array_equal(np.concatenate([own for own, _ in batches]), rows)
    for own, padded in batches:
        np.testing.assert_array_equal(padded, np.resize(own, len(padded)))
