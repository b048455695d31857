import numpy as np
import pytest
import tensorflow as tf

from jem_tf import starts
from jem_tf.errors import InputError
from jem_tf.replay import sample_slots


def origins(*altered):
    return tf.constant(np.where(np.isin(np.arange(12), altered), starts.ALTERED, -1))


choose = tf.function(
    sample_slots.choose_samples, autograph=False, reduce_retracing=True
)


@pytest.mark.parametrize("altered", [(), (0, 1, 3, 11)])
def test_samples_are_chosen_evenly_and_none_twice_before_all(altered):
    samples = np.setdiff1d(np.arange(12), altered)
    first = []
    for seed in range(300):
        slots = choose(2 * len(samples), origins(*altered), tf.constant([0, seed]))
        for half in np.split(slots.numpy(), 2):
            np.testing.assert_array_equal(np.sort(half), samples)
        first.append(slots[0])
    shares = np.bincount(first, minlength=12)[samples] / 300
    np.testing.assert_allclose(shares, 1 / len(samples), atol=0.07)


def test_labels_choose_the_block():
    labels = np.random.default_rng(0).integers(0, 3, 30)
    slots = choose(30, origins(0, 1, 3, 11), tf.constant([1, 2]), labels, blocks=3)
    np.testing.assert_array_equal(slots // 4, labels)
    for block, kept in enumerate([[2], [4, 5, 6, 7], [8, 9, 10]]):
        own = slots.numpy()[labels == block]
        for turn in range(0, len(own) - len(kept) + 1, len(kept)):
            assert sorted(own[turn : turn + len(kept)]) == kept


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
