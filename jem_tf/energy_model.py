"""A classifier read as an energy model: energies, chains down them, samples.

Letters: n chains, K classes, images [H, W, C] in [-1, 1]; energies in nats.
"""

import keras
import tensorflow as tf

from jem_tf import energies
from jem_tf.classifier import Classifier
from jem_tf.errors import InputError


class EnergyModel(Classifier):
    """A `Classifier` whose logits are negative energies, with chains in a buffer.

    Args:
      network: a model from images [B, H, W, C] to logits float32 [B, K].
      buffer: a `ReplayBuffer`, or None for a model that draws nothing.
      sampler: (energy, x, seed=) -> x, such as `sgld` with its other arguments bound.
      kwargs: of `Classifier`.
    """

    def __init__(self, network, *, buffer=None, sampler=None, **kwargs):
        super().__init__(network, **kwargs)
        self.buffer, self.sampler = buffer, sampler

    def dream(self, n, seed, labels=None):
        """The negative phase: goes on with n chains of the buffer and keeps the ends.

        Args:
          n: how many chains.
          seed: int [2].
          labels: int [n] to walk down E(x, y) instead of E(x), or None.

        Returns:
          (float32 [n, H, W, C], drawn from p(x), or from p(x | y); bool [n, 1, 1, 1],
          which of the chains started afresh).
        """
        draw_seed, chain_seed = tf.unstack(tf.random.split(seed))
        slots, start, fresh = self.buffer.draw(n, draw_seed, labels)
        drawn = self.sampler(self.energy(labels), start, seed=chain_seed)
        self.buffer.put(slots, drawn, fresh)
        return drawn, fresh

    def sample(self, n, *, labels=None, candidates=1, seed=0):
        """n images from the model: chains of the buffer gone on with; the buffer stays.

        Args:
          n: how many.
          labels: int [n] to draw from p(x | y). None: from p(x), or, with a buffer by
            class, from p(x | y) of each class in turn.
          candidates: chains an image; one of them becomes it, with probability
            proportional to exp(-E). More than 1 leaves out chains stuck in noise.
          seed: int; equal seeds give equal images.

        Returns:
          float32 [n, H, W, C], about in [-1, 1]: nothing but a clamp keeps pixels
          there.

        Raises:
          InputError: if the model has no buffer.
        """
        if self.buffer is None:
            raise InputError("A model without a replay buffer draws no samples.")
        if labels is None and self.buffer.num_classes:
            labels = tf.range(n) % self.num_classes
        return self._go_on(n, labels, candidates, tf.constant([seed, 0]))

    def energy(self, labels=None):
        """The function images -> [B] that chains walk down: E(x), or E(x, labels)."""

        scope = keras.StatelessScope()
        for weight, value in self._cast_weights():
            scope.add_update((weight, value))  # its constructor would cast them back

        def of(x):
            with scope:
                logits = self.network(x, training=False)
            if labels is None:
                return energies.marginal_energy(logits)
            return energies.joint_energy(logits, labels)

        return of

    def _cast_weights(self):
        """[(variable, its value as its layer computes with it)]: cast once a chain."""
        return [
            (weight, tf.cast(weight.value, layer.compute_dtype))
            for layer in self.network.layers
            for weight in layer.trainable_weights
        ]

    @tf.function(reduce_retracing=True)
    def _go_on(self, n, labels, candidates, seed):
        draw_seed, chain_seed, pick_seed = tf.unstack(tf.random.split(seed, 3))
        labels = None if labels is None else tf.repeat(labels, candidates)
        chains = self.buffer.draw(n * candidates, draw_seed, labels, reinit=False)
        x = self.sampler(self.energy(labels), chains.images, seed=chain_seed)
        return energies.pick(x, self.energy(labels)(x), candidates, pick_seed)
