import numpy as np
import pytest
import tensorflow as tf

from jem_tf import starts
from jem_tf.errors import InputError
from jem_tf.replay import sample_slots

SLOTS = tf.constant(np.random.default_rng(0).integers(0, 12, 24_000), tf.int32)


def origins(*altered):
    return tf.constant(np.where(np.isin(np.arange(12), altered), starts.ALTERED, -1))


def test_slots_of_samples_stay_as_they_are_drawn():
    for blocks in (1, 3):
        kept = sample_slots.replace_negatives(
            SLOTS, origins(), blocks=blocks, seed=[0, 1]
        )
        np.testing.assert_array_equal(kept, SLOTS)


@pytest.mark.parametrize("blocks", [1, 3])
def test_negatives_are_replaced_by_samples_of_their_block_evenly(blocks):
    altered = [0, 1, 3, 11]
    replace = tf.function(sample_slots.replace_negatives, autograph=False)
    kept = replace(SLOTS, origins(*altered), blocks=blocks, seed=tf.constant([0, 1]))
    kept, each = kept.numpy(), 12 // blocks
    np.testing.assert_array_equal(kept // each, SLOTS // each)
    same = ~np.isin(SLOTS, altered)
    np.testing.assert_array_equal(kept[same], SLOTS.numpy()[same])
    samples = np.setdiff1d(np.arange(12), altered)
    shares = np.bincount(kept, minlength=12) / len(kept)
    in_block = np.array([(samples // each == slot // each).sum() for slot in range(12)])
    expected = np.where(np.isin(np.arange(12), samples), each / 12 / in_block, 0)
    np.testing.assert_allclose(shares, expected, atol=0.008)


def test_a_buffer_without_samples_is_refused_in_a_sentence():
    sample_slots.check_samples(origins(0, 1, 2).numpy(), 1)
    sample_slots.check_samples(origins(0, 1, 2).numpy(), 3)
    with pytest.raises(InputError, match=r"^All chains of class 1 in the replay"):
        sample_slots.check_samples(origins(4, 5, 6, 7).numpy(), 3)
    with pytest.raises(InputError, match=r"^All chains in the replay buffer began at"):
        sample_slots.check_samples(origins(*range(12)).numpy(), 1)


def test_chains_of_unknown_origin_are_samples():
    told = sample_slots.is_sample([starts.UNKNOWN_ORIGIN, *range(len(starts.ORIGINS))])
    assert [*told] == [True, True, True, False]
