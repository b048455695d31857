import numpy as np
import pytest
import tensorflow as tf

from jem_tf import alterations, pixels, starts
from jem_tf.errors import InputError
from jem_tf.starts import altered_images

IMAGES = np.random.default_rng(0).integers(0, 256, [30, 4, 4, 3], "uint8")


def test_chains_start_at_alterations_of_the_images_chosen():
    drawn = starts.altered(IMAGES)(64, [0, 1])
    image_seed, seed = tf.unstack(tf.random.split([0, 1]))
    u = tf.random.stateless_uniform([2, 64], image_seed).numpy()
    which = (u[0] * 30).astype(int)
    other = (which + 1 + (u[1] * 29).astype(int)) % 30
    assert (which != other).all()
    x, partners = (pixels.from_uint8(IMAGES[i]) for i in (which, other))
    expected = alterations.alter(x, seed, partners=partners)
    np.testing.assert_array_equal(drawn, expected)
    originals = pixels.from_uint8(IMAGES).numpy()
    same = (drawn.numpy()[:, None] == originals[None]).all((2, 3, 4))
    assert not same.any()  # no chain starts at a training image


def test_of_many_images_some_are_kept_evenly_spaced(monkeypatch):
    monkeypatch.setattr(altered_images, "MOST_IMAGES", 7)
    kept = starts.altered(IMAGES).images
    np.testing.assert_array_equal(kept, IMAGES[[0, 4, 8, 12, 17, 21, 25]])
    assert kept.dtype == tf.uint8


def test_one_image_is_too_few():
    with pytest.raises(InputError, match=r"^start=altered needs two training images"):
        starts.altered(IMAGES[:1])


def test_floats_start_chains_where_bytes_do():
    floats = (IMAGES / 127.5 - 1).astype("float32")
    expected = starts.altered(IMAGES)(16, [0, 1])
    np.testing.assert_array_equal(starts.altered(floats)(16, [0, 1]), expected)
    with pytest.raises(InputError, match="scale them to"):
        starts.altered(IMAGES.astype("float32"))
