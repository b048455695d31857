import numpy as np
import pytest
import tensorflow as tf

from jem_tf import alterations

SHAPES = [(32, 32, 3), (8, 8, 1), (5, 7, 2), (2, 2, 1)]
ORIGINALS = {
    shape: np.random.default_rng(0).uniform(-1, 1, [60, *shape]).astype("float32")
    for shape in SHAPES
}


def batch(shape, seed=0):
    x, rng = ORIGINALS[shape], np.random.default_rng(seed)
    chances = rng.uniform(size=[60, alterations.CHANCES])
    parts = (x, np.roll(x, 1, 0), chances, rng.normal(size=x.shape))
    return alterations.Batch(*(tf.constant(part, tf.float32) for part in parts))


@pytest.fixture(params=SHAPES, ids=str)
def shape(request):
    return request.param


@pytest.mark.parametrize("name", alterations.ALTERATIONS)
def test_an_alteration_changes_every_image_and_stays_in_range(name, shape):
    made = alterations.ALTERATIONS[name](batch(shape)).numpy()
    assert (made.shape, made.dtype) == ((60, *shape), np.float32)
    assert np.abs(made).max() <= 1
    x = batch(shape)
    for other in (x.images,) if name != "patches" else (x.images, x.partners):
        assert (made != other.numpy()).any(axis=(1, 2, 3)).all()
    again, another = (
        alterations.ALTERATIONS[name](batch(shape, seed)) for seed in (0, 5)
    )
    np.testing.assert_array_equal(again, made)
    if name != "mean" and shape != (2, 2, 1):  # those have no or few ways
        assert (another.numpy() != made).any()


def test_a_jigsaw_moves_every_piece_and_loses_no_pixel():
    shape = (32, 32, 3)
    x, made = ORIGINALS[shape], alterations.jigsaw(batch(shape)).numpy()
    np.testing.assert_array_equal(
        np.sort(made, axis=None), np.sort(x, axis=None)
    )  # of the batch
    finest = 0
    for before, after in zip(x, made, strict=True):
        pieces = [
            image.reshape(4, 8, 4, 8, 3).swapaxes(1, 2).reshape(16, -1)
            for image in (before, after)
        ]
        same = (pieces[0][:, None] == pieces[1][None]).all(-1)
        assert (same.sum(0) == 1).all()
        assert (same.sum(1) == 1).all()
        assert not same.diagonal().any()
        quarters = same.argmax(0).reshape(4, 4)
        finest += (np.diff(quarters[:, :2], axis=1) != 1).any()
    assert 15 < finest < 45  # half of them are of 4 x 4 pieces, the others of 2 x 2


def test_left_over_pixels_of_a_jigsaw_stay():
    shape = (5, 7, 2)
    x, made = ORIGINALS[shape], alterations.jigsaw(batch(shape)).numpy()
    np.testing.assert_array_equal(made[:, 4:], x[:, 4:])
    assert sorted(made.ravel()) == sorted(x.ravel())


def test_averages_are_of_squares_of_4_8_and_32_pixels():
    shape = (32, 32, 3)
    x, made = ORIGINALS[shape], alterations.average(batch(shape)).numpy()
    seen = set()
    for before, after in zip(x, made, strict=True):
        for side in (4, 8, 32):
            k = 32 // side
            mean = before.reshape(k, side, k, side, 3).mean((1, 3))
            expected = mean.repeat(side, 0).repeat(side, 1)
            if np.allclose(after, expected, atol=1e-5):
                seen.add(side)
                break
        else:
            raise AssertionError("an average over none of these squares")
    assert seen == {4, 8, 32}


def test_an_average_of_any_size_keeps_the_mean_of_its_cells(shape):
    x = tf.constant(ORIGINALS[shape])
    whole = alterations._average(x, 1).numpy()
    expected = np.broadcast_to(x.numpy().mean((1, 2), keepdims=True), whole.shape)
    np.testing.assert_allclose(whole, expected, atol=1e-6)
    twice = alterations._average(alterations._average(x, 4), 4)
    np.testing.assert_allclose(twice, alterations._average(x, 4), atol=1e-6)


def test_patches_are_squares_of_8_pixels_of_either_image():
    shape = (32, 32, 3)
    own, other, *_ = batch(shape)
    made = alterations.patches(batch(shape)).numpy()
    cut = [
        np.asarray(x).reshape(60, 4, 8, 4, 8, 3).swapaxes(2, 3).reshape(60, 16, -1)
        for x in (own, other, made)
    ]
    from_own, from_other = ((cut[2] == cut[i]).all(-1) for i in (0, 1))
    assert (from_own ^ from_other).all()
    assert from_own.any(1).all()
    assert from_other.any(1).all()
    assert from_own.mean() == pytest.approx(0.5, abs=0.06)


def test_noise_has_deviations_from_a_tenth_to_six_tenths():
    grey = tf.zeros([200, 16, 16, 1])
    chances = tf.random.stateless_uniform([200, alterations.CHANCES], [0, 3])
    normal = tf.random.stateless_normal(grey.shape, [0, 4])
    made = alterations.noise(alterations.Batch(grey, grey, chances, normal)).numpy()
    spread = made.std((1, 2, 3))
    assert 0.08 < spread.min() < 0.15
    assert 0.5 < spread.max() < 0.6  # a few of it are clipped
    assert spread.mean() == pytest.approx(0.34, abs=0.03)


def test_an_image_is_altered_in_one_way_and_all_ways_are_as_likely(monkeypatch):
    """Each way is made to write its number, in place of what it does."""
    numbered = {
        name: lambda batch, i=i: tf.zeros_like(batch.images) + float(i)
        for i, name in enumerate(alterations.ALTERATIONS)
    }
    monkeypatch.setattr(alterations, "ALTERATIONS", numbered)
    made = alterations.alter(tf.zeros([4000, 2, 2, 1]) - 1.0, [0, 1]).numpy()
    counts = np.bincount(made[:, 0, 0, 0].astype(int), minlength=5)
    np.testing.assert_allclose(counts / 4000, 1 / 5, atol=0.025)
    assert (made == made[:, :1, :1]).all()
    alone = [
        alterations.alter(tf.zeros([1, 2, 2, 1]), [i, 1]).numpy()[0, 0, 0, 0]
        for i in range(30)
    ]
    assert {*alone} == {0, 1, 2}


def test_alter_is_determined_by_its_seed_and_changes_every_image(shape):
    x = ORIGINALS[shape]
    made, again, other = (alterations.alter(x, [i, 1]).numpy() for i in (3, 3, 4))
    np.testing.assert_array_equal(again, made)
    assert (other != made).any(axis=(1, 2, 3)).mean() > 0.8
    assert (made != x).any(axis=(1, 2, 3)).all()


def test_alter_compiles_with_xla():
    x = ORIGINALS[8, 8, 1]
    made = tf.function(alterations.alter, jit_compile=True)(x, tf.constant([3, 1]))
    assert np.abs(made).max() <= 1
    assert (made.numpy() != x).any(axis=(1, 2, 3)).all()
