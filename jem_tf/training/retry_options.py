"""What a run changes when it tries again after an alarm of the guard.

It is what the authors advise doing by hand (README of wgrathwohl/JEM), beside going
back to the last good checkpoint: another seed, a lower learning rate, a stronger
sampler. A retry sets those clamps of the sampler that are 0; where none is, it takes
`MORE_STEPS` times the sampler's steps.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from jem_tf.options import Options, Sampling, flatten, replace

SEED_STEP, SEEDS = 1_000_003, 2**31  # far from the seeds that people take
FIRST_L2, FIRST_CLAMP, MORE_STEPS = 0.1, 1.0, 1.5


def strengthen(opts: Options, retries: int) -> Options:
    """Returns the options of a run after so many retries."""
    for _ in range(retries):
        training, sampling = opts.training, opts.sampling
        objective, what = opts.objective, opts.fault_tolerance.guard_strengthen
        training = dataclasses.replace(
            training,
            seed=(training.seed + SEED_STEP) % SEEDS,
            learning_rate=training.learning_rate
            * opts.fault_tolerance.guard_learning_rate,
        )
        what = what if objective.generative else "none"  # no energy is trained
        if what in ("both", "sampler"):
            sampling = _stronger(sampling)
        if what in ("both", "energy_l2"):
            more = max(2 * objective.energy_l2, FIRST_L2)
            objective = dataclasses.replace(objective, energy_l2=more)
        opts = dataclasses.replace(
            opts, training=training, sampling=sampling, objective=objective
        )
    return opts


def _stronger(sampling: Sampling) -> Sampling:
    clamps = sampling.score_clamp, sampling.range_clamp
    if not all(clamps):
        gradient, pixels = (clamp or FIRST_CLAMP for clamp in clamps)
        return dataclasses.replace(sampling, score_clamp=gradient, range_clamp=pixels)
    more = math.ceil(MORE_STEPS * sampling.sampler_steps)
    return dataclasses.replace(sampling, sampler_steps=more)


def changes(opts: Options, before: Mapping[str, Any]) -> dict[str, Any]:
    """Returns {option: value} of what the next retry does other than `opts` say.

    Args:
      opts: the options of the user, who may have changed the guard's since.
      before: {option: value}, the changes of the retry before, which stay.
    """
    retried = strengthen(replace(opts, before), 1)
    given, after = flatten(opts), flatten(retried)
    return {name: after[name] for name in after if after[name] != given[name]}
