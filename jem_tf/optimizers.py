"""Keras optimisers with the learning rate of a whole run."""

import math

import keras
import tensorflow as tf

# The authors' code: x0.3 after 160 and 180 of 200 epochs; PyTorch's epsilon.
DECAY, DECAY_AT, EPSILON = 0.3, (0.8, 0.9), 1e-8


class WarmedUp(keras.optimizers.schedules.LearningRateSchedule):
    """Grows linearly to `schedule`'s value during the first `warmup_steps` steps."""

    def __init__(self, schedule, warmup_steps):
        self.schedule, self.warmup_steps = schedule, warmup_steps

    def __call__(self, step):
        share = (tf.cast(step, tf.float32) + 1) / max(self.warmup_steps, 1)
        return self.schedule(step) * tf.minimum(share, 1.0)

    def get_config(self):
        return {"schedule": self.schedule, "warmup_steps": self.warmup_steps}


def build(
    name, *, learning_rate, steps, warmup_steps=0, schedule="steps", weight_decay=0.0
):
    """An optimiser for a run of so many steps.

    Args:
      name: "adam", or "sgd" with Nesterov momentum 0.9.
      learning_rate: after warm-up.
      steps: of the whole run.
      warmup_steps: of linear growth, from learning_rate / warmup_steps.
      schedule: "steps" (x0.3 at 80% and again at 90% of the run), "cosine" (to 0),
        "constant".
      weight_decay: decoupled, a share of the weight times the learning rate a step.
    """
    schedules = keras.optimizers.schedules
    rates = [learning_rate, learning_rate * DECAY, learning_rate * DECAY**2]
    after = {
        "steps": schedules.PiecewiseConstantDecay(
            [math.ceil(steps * at) - 1 for at in DECAY_AT],  # a rate's last steps
            rates,
        ),
        "cosine": schedules.CosineDecay(learning_rate, steps),
        "constant": schedules.PiecewiseConstantDecay([steps], [learning_rate] * 2),
    }[schedule]
    rate = WarmedUp(after, warmup_steps)
    if name == "sgd":
        return keras.optimizers.SGD(
            rate, momentum=0.9, nesterov=True, weight_decay=weight_decay or None
        )
    return keras.optimizers.Adam(
        rate, epsilon=EPSILON, weight_decay=weight_decay or None
    )


def clip_over_replicas(gradients, bound=None):
    """Scales gradients so that their sum over all replicas has a global norm <= bound.

    Keras clips each replica's gradient by its own norm before adding them up, so that n
    replicas would learn something else than one. Call it within `strategy.run`.

    Returns:
      (the gradients, the norm of their sum before it is bounded).
    """
    whole = tf.distribute.get_replica_context().all_reduce("sum", gradients)
    norm = tf.linalg.global_norm(whole)
    scale = 1.0 if bound is None else tf.minimum(1.0, bound / norm)
    # Not finite on one replica is not finite on all: all leave a float16 step out.
    scale = tf.where(tf.math.is_finite(norm), scale, norm)
    return [gradient * scale for gradient in gradients], norm
