"""A small energy model with 40 chains in two shards, whose samples tests measure."""

import functools

from jem_tf import energy_model, networks, replay, samplers, starts

SHAPE, STEPS = (8, 8, 1), 3
WALK = functools.partial(
    samplers.sgld, steps=STEPS, step_size=0.5, noise=0.01, range_clamp=1.0
)


def made():
    buffer = replay.ReplayBuffer(40, starts.uniform(SHAPE), devices=[None] * 2)
    net = networks.build("convnet-8", SHAPE, 10)
    return energy_model.EnergyModel(net, buffer=buffer, sampler=WALK)
