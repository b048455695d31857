import numpy as np
import pytest
import tensorflow as tf

from jem_tf.evaluation.autoattack import image_states


def counters(ends):
    """States that break at these steps, and the sizes of batches that they went by."""
    n, sizes = len(ends), []
    state = {
        "x": np.asarray(ends),
        "steps": np.zeros(n, int),
        "broken": np.zeros(n, bool),
    }

    def step(t, s):
        steps = s["steps"] + 1
        return {"steps": steps, "broken": s["broken"] | (steps >= s["x"])}

    def advance(part, first, count, *numbers):
        sizes.append(len(part["x"]))
        return image_states.while_unbroken(step, part, first, count)

    return state, advance, sizes


def test_each_row_takes_its_steps_until_the_chunk_in_which_it_breaks_is_over():
    state, advance, sizes = counters([1, 3, 9, 99])
    image_states.advance_images(advance, state, steps=8, chunk=4, batch_size=4)
    np.testing.assert_array_equal(state["broken"], [True, True, False, False])
    # The first two go through the first chunk only.
    np.testing.assert_array_equal(state["steps"], [4, 4, 8, 8])
    assert sizes == [4, 2]


def test_a_chunk_ends_when_all_are_broken():
    state, advance, _ = counters([1, 3])
    image_states.advance_images(advance, state, steps=80, chunk=40, batch_size=2)
    np.testing.assert_array_equal(state["steps"], [3, 3])


@pytest.mark.parametrize(("count", "last"), [(9, 2), (11, 4), (13, 6), (15, 8)])
def test_batches_have_four_sizes_and_their_padding_changes_nothing(count, last):
    state, advance, sizes = counters([99] * count)
    image_states.advance_images(advance, state, steps=3, chunk=2, batch_size=8)
    assert sizes == [8, last, 8, last]
    np.testing.assert_array_equal(state["steps"], 3)


def test_numbers_are_drawn_for_the_rows_and_steps_of_a_call():
    state, advance, _ = counters([1, 99, 99])
    asked = []

    def draw(rows, first, count):
        asked.append(([*rows], first, count))
        return tf.zeros([len(rows), count])

    image_states.advance_images(
        advance, state, steps=5, chunk=3, batch_size=2, draw=draw
    )
    assert asked == [([0, 1], 0, 3), ([2], 0, 3), ([1, 2], 3, 2)]


def test_images_are_taken_by_rows():
    parts = np.arange(4)[:, None], np.arange(4), np.arange(8).reshape(4, 2)
    taken = image_states.Images(*parts, np.arange(4)).take(np.array([3, 1]))
    np.testing.assert_array_equal(taken.ids, [3, 1])
    np.testing.assert_array_equal(taken.others, [[6, 7], [2, 3]])


def test_rows_are_chosen_by_a_mask():
    yes, no = tf.ones([2, 3, 1]), tf.zeros([2, 3, 1])
    chosen = image_states.rows_where(tf.constant([True, False]), yes, no)
    np.testing.assert_array_equal(chosen[..., 0], [[1, 1, 1], [0, 0, 0]])
