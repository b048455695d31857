import functools

import numpy as np
import pytest
import tensorflow as tf

from jem_tf import jem, networks, replay, samplers, sampling, starts
from jem_tf.errors import InputError
from jem_tf.pixels import from_uint8

SHAPE = (8, 8, 1)
WALK = {"steps": 6, "step_size": 1.0, "noise": 0.05}
SGLD = functools.partial(samplers.sgld, **WALK)


def model_of(num_classes=None):
    buffer = replay.ReplayBuffer(100, starts.uniform(SHAPE), num_classes=num_classes)
    network = networks.build("convnet-8", SHAPE, 10, activation="swish", seed=1)
    return jem.JEM(network, buffer=buffer, sampler=SGLD)


@pytest.fixture(scope="module")
def model():
    return model_of()


def draw(model, n=4, *, seed=0, **more):
    return sampling.draw_many(
        model,
        sampling.from_buffer(model.buffer),
        SGLD,
        n,
        seed_of_batch=lambda batch: [seed, batch],
        **{"steps": WALK["steps"], **more},
    )


@pytest.mark.parametrize("by_class", [None, 10])
@pytest.mark.parametrize("candidates", [1, 3])
def test_from_the_buffer_they_are_the_models_samples(by_class, candidates):
    model = model_of(by_class)
    before = model.buffer.shard.numpy()
    expected = model.sample(7, candidates=candidates, seed=3)
    labels = sampling.classes_in_turn(model, 7)
    assert (labels is None) == (by_class is None)
    drawn = draw(model, 7, labels=labels, candidates=candidates, seed=3)
    np.testing.assert_allclose(drawn.images, expected, atol=1e-5)
    np.testing.assert_array_equal(model.buffer.shard, before)


def test_energies_are_those_of_the_images(model):
    drawn = draw(model, labels=[1, 2, 3, 4])
    np.testing.assert_allclose(
        drawn.energies, model.energy()(drawn.images), rtol=1e-5, atol=1e-5
    )


def test_frames_are_steps_of_the_chain_from_its_start_to_its_end(model):
    drawn = draw(model, frames=4, seed=5)
    draw_seed, chain_seed, _ = tf.unstack(tf.random.split([5, 0], 3))
    x = model.buffer.draw_samples(4, draw_seed)
    trace = samplers.trace(samplers.sgld, model.energy(), x, seed=chain_seed, **WALK)
    np.testing.assert_array_equal(drawn.frame_steps, [0, 2, 4, 6])
    off = drawn.frames.astype(int) - sampling.to_uint8(trace.images.numpy()[::2])
    assert np.abs(off).max() <= 1  # a pixel at the edge of two values
    end = samplers.sgld(model.energy(), x, seed=chain_seed, **WALK)[0]
    np.testing.assert_allclose(drawn.images, end, atol=1e-5)
    np.testing.assert_array_equal(drawn.frames[0], sampling.to_uint8(x.numpy()))
    np.testing.assert_array_equal(drawn.frames[-1], sampling.to_uint8(drawn.images))


def test_more_frames_than_steps_are_all_steps(model):
    drawn = draw(model, frames=50)
    np.testing.assert_array_equal(drawn.frame_steps, range(7))
    assert drawn.frames.shape == (7, 4, *SHAPE)


def test_keeping_frames_changes_nothing(model):
    kept, plain = draw(model, frames=3), draw(model)
    np.testing.assert_allclose(kept.images, plain.images, atol=1e-5)
    assert plain.frames is plain.frame_steps is None


def test_batches_are_dealt_by_images_and_have_seeds_of_their_own(model):
    more = {"candidates": 3, "batch_size": 6}
    drawn = draw(model, 5, labels=np.arange(5), **more)  # 2, 2 and 1 at a time
    first = draw(model, 2, labels=np.arange(2), **more)
    assert drawn.images.shape == (5, *SHAPE)
    np.testing.assert_array_equal(drawn.images[:2], first.images)
    flat = drawn.images.reshape(5, -1)
    assert len(np.unique(flat, axis=0)) == 5


def test_known_pixels_are_bit_for_bit_known_in_every_frame(model):
    image = np.random.default_rng(0).uniform(-1, 1, SHAPE).astype("float32")
    free = np.zeros([8, 8, 1], bool)
    free[3:6, 2:8] = True
    drawn = draw(model, frames=4, known=sampling.Known(image, free))
    stayed, frames = (
        drawn.images == image,
        drawn.frames == sampling.to_uint8(image[None]),
    )
    assert stayed[:, ~free[..., 0]].all()
    assert frames[:, :, ~free[..., 0]].all()
    assert not stayed[:, free[..., 0]].any()
    assert len(np.unique(drawn.images.reshape(4, -1), axis=0)) == 4


def test_where_all_is_free_an_inpainting_is_a_sample(model):
    known = sampling.Known(np.zeros(SHAPE, "float32"), np.ones([8, 8, 1], bool))
    np.testing.assert_allclose(
        draw(model, known=known).images, draw(model).images, atol=1e-5
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"n": 0}, "^n is 0; it must be from 1"),
        ({"frames": 1}, "^frames=1: give 0, or 2 and more"),
        ({"frames": -1}, "^frames is -1"),
        ({"steps": -3}, "^steps is -3"),
        ({"candidates": 0}, "^candidates is 0"),
        ({"batch_size": 0}, "^batch_size is 0"),
        ({"labels": [11] * 4}, "^labels are .* give 4 class numbers"),
        ({"labels": [1]}, "^labels are .* give 4 class numbers"),
        ({"labels": [[1], [2, 3]]}, "^labels are .* give 4 class numbers"),
    ],
)
def test_arguments_out_of_range_are_refused(model, arguments, says):
    with pytest.raises(InputError, match=says):
        draw(model, **({"n": 4} | arguments))


def test_chains_that_go_astray_are_refused(model):
    astray = functools.partial(SGLD, step_size=float("inf"))
    with pytest.raises(InputError, match="4 of 4 images have pixels that are not fin"):
        sampling.draw_many(
            model,
            starts.uniform(SHAPE),
            astray,
            4,
            steps=6,
            seed_of_batch=lambda batch: [0, batch],
        )


def test_one_graph_and_batches_draw_the_same(model):
    start = starts.uniform(SHAPE)
    labels = [1, 2, 3, 4]
    for candidates in (1, 2):
        how = {"labels": labels, "candidates": candidates}
        graph = sampling.draw(model, start, SGLD, 4, tf.constant([7, 0]), **how)
        many = sampling.draw_many(
            model, start, SGLD, 4, steps=6, seed_of_batch=lambda i: [7, i], **how
        )
        np.testing.assert_allclose(graph, many.images, atol=1e-5)


def test_no_more_chains_walk_than_there_are_images(model):
    counts = []

    def start(n, seed, labels=None):
        counts.append((n, labels is not None and labels.numpy().tolist()))
        return tf.zeros([n, *SHAPE])

    sampling.draw_many(
        model,
        start,
        SGLD,
        7,
        steps=6,
        labels=[0, 1, 2, 3, 4, 5, 6],
        seed_of_batch=lambda batch: [0, batch],
        batch_size=4,
    )
    assert counts == [(4, [0, 1, 2, 3]), (3, [4, 5, 6])]


def test_a_sampler_that_returns_images_alone_is_refused_in_a_sentence(model):
    with pytest.raises(InputError, match=r"^sampler returns a \w*Tensor; it must"):
        sampling.draw(
            model, starts.uniform(SHAPE), lambda energy, x, seed: x, 2, [0, 0]
        )


def test_a_mean_chain_of_the_buffer_has_k_over_rho_steps():
    assert sampling.usual_steps(20, 0.05, continued=False) == 400
    assert sampling.usual_steps(20, 0.0, continued=False) == 400
    assert sampling.usual_steps(5, 1.0, continued=False) == 5
    assert sampling.usual_steps(20, 0.05, continued=True) == 20


def test_rounding_is_to_the_nearest_of_256_and_clips():
    every = np.arange(256, dtype="uint8").reshape(1, 16, 16, 1)
    pixels = from_uint8(every).numpy()
    np.testing.assert_array_equal(sampling.to_uint8(pixels), every)
    near = pixels + 0.4 / 127.5 * np.sign(
        np.random.default_rng(0).normal(size=every.shape)
    )
    np.testing.assert_array_equal(sampling.to_uint8(near), every)
    ends = np.array([-1.7, 1.7]).reshape(1, 2, 1, 1)
    assert sampling.to_uint8(ends).ravel().tolist() == [0, 255]


def test_images_that_are_not_finite_are_counted_and_refused():
    images = np.zeros([5, 2, 2, 1])
    images[3, 0, 0, 0], images[1] = np.nan, np.inf
    with pytest.raises(InputError, match=r"^2 of 5 images have pixels that are not f"):
        sampling.to_uint8(images)
