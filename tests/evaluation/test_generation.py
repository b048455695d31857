import functools

import numpy as np

from jem_tf import networks, replay, samplers, starts
from jem_tf.evaluation import generation
from jem_tf.jem import JEM


def test_pictures_are_samples_of_four_candidates():
    buffer = replay.ReplayBuffer(50, starts.uniform((8, 8, 1)))
    sampler = functools.partial(samplers.sgld, steps=2, step_size=1.0, noise=0.01)
    network = networks.build("convnet-8", (8, 8, 1), 10)
    model = JEM(network, buffer=buffer, sampler=sampler)
    pictures = generation.pictures(model, 6, seed=2)
    np.testing.assert_array_equal(pictures, model.sample(6, candidates=4, seed=2))
    assert (pictures != model.sample(6, seed=2)).numpy().any()
