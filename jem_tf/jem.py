"""The joint energy-based model: a classifier that also learns log p(x).

Algorithm 1 of Grathwohl et al. (ICLR 2020). A step draws images from the model, then
learns

    log p(y|x)     by cross-entropy, and
    log p(x)       by lowering the energy of real images against that of the drawn ones,
    log p(x, y)    optionally, the same with the energies E(x, y) of the given labels.

Letters: B images a batch and replica, K classes, images [H, W, C] in [-1, 1]; energies
in nats.
"""

import keras
import tensorflow as tf

from jem_tf import energies, objectives, optimizers
from jem_tf.classifier import Classifier
from jem_tf.errors import InputError

fold_in = tf.random.experimental.stateless_fold_in
AVERAGES = ("cross_entropy", "energy_real", "energy_drawn", "energy_gap")


class JEM(Classifier):
    """Trains `network` as a JEM; fit, evaluate, predict are a Keras classifier's.

    `fit` takes images float [B, H, W, C] and int labels [B]; or, for log p(x) to learn
    from images of its own, ({"labelled": images, "real": images}, labels). `predict`
    returns logits. `loss` is the whole loss in `fit` and the cross-entropy in
    `evaluate`; `energy_gap` is E(drawn) - E(real), near 0 when all is well.

    Args:
      network: a model from images [B, H, W, C] to logits float32 [B, K].
      buffer: a `ReplayBuffer` with a shard per replica; None to learn log p(y|x) alone.
      sampler: (energy, x, seed=) -> x, such as `sgld` with its other arguments bound.
      p_x_weight, p_y_given_x_weight, p_x_y_weight: of the three terms, each at least 0.
      conditional: draw the negatives of log p(x) by class, from p(y) p(x|y): the
        pictures gain, the accuracy loses.
      energy_l2: weight of mean E(x)^2, which keeps energies small.
      gradient_clip: bound on the global norm of the weights' gradient, or None.
      input_noise: deviation of the noise added to training images (the paper: 0.03).
      seed: int; with the step and the replica, it determines all that is random here.

    Raises:
      InputError: if a weight is negative, or a term lacks its buffer or sampler.
    """

    def __init__(
        self,
        network,
        *,
        buffer=None,
        sampler=None,
        p_x_weight=1.0,
        p_y_given_x_weight=1.0,
        p_x_y_weight=0.0,
        conditional=False,
        energy_l2=0.0,
        gradient_clip=None,
        input_noise=0.0,
        seed=0,
    ):
        generative = p_x_weight + p_x_y_weight > 0
        averages = AVERAGES if generative else AVERAGES[:2]
        super().__init__(network, averages=averages, name="jem")
        weights = (p_x_weight, p_y_given_x_weight, p_x_y_weight)
        if not all(weight >= 0 for weight in weights) or sum(weights) == 0:
            raise InputError(f"Weights {weights} must not be negative, nor all 0.")
        if generative and (buffer is None or sampler is None):
            raise InputError("log p(x) and log p(x, y) need a buffer and a sampler.")
        by_class = generative and (conditional or p_x_y_weight > 0)
        if by_class and buffer.num_classes != self.num_classes:
            raise InputError(
                f"Drawing by class needs a buffer of num_classes={self.num_classes}, "
                f"not {buffer.num_classes}."
            )
        self.generative, self.buffer, self.sampler = generative, buffer, sampler
        self.p_x_weight, self.p_y_given_x_weight, self.p_x_y_weight = weights
        self.conditional, self.energy_l2 = conditional, energy_l2
        self.gradient_clip, self.input_noise = gradient_clip, input_noise
        self.seed = seed

    def train_step(self, data):
        """Dreams, then learns from both."""
        x, y, weight = keras.utils.unpack_x_y_sample_weight(data)
        noise_seed, dream_seed = self._step_seeds()
        images = self._noisy(x if isinstance(x, dict) else {"labelled": x}, noise_seed)
        images |= self._negatives(images, y, dream_seed)
        with tf.GradientTape() as tape:
            logits = self._forward(images)
            loss = self.optimizer.scale_loss(self._loss(logits, y, weight))
        gradients = tape.gradient(loss, self.trainable_weights)
        if self.gradient_clip is not None:
            bound = self.optimizer.scale_loss(tf.constant(self.gradient_clip))
            gradients = optimizers.clip_over_replicas(gradients, bound)
        self.optimizer.apply_gradients(
            zip(gradients, self.trainable_weights, strict=True)
        )
        return self.compute_metrics(x, y, logits["labelled"], weight)

    def dream(self, n, seed, labels=None):
        """The negative phase: goes on with n chains of the buffer and keeps the ends.

        Args:
          n: how many chains.
          seed: int [2].
          labels: int [n] to walk down E(x, y) instead of E(x), or None.

        Returns:
          float32 [n, H, W, C], drawn from p(x), or from p(x | y).
        """
        draw_seed, chain_seed = tf.unstack(tf.random.split(seed))
        slots, start = self.buffer.draw(n, draw_seed, labels)
        drawn = self.sampler(self.energy(labels), start, seed=chain_seed)
        self.buffer.put(slots, drawn)
        return drawn

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

        def of(x):
            logits = self.network(x, training=False)
            if labels is None:
                return energies.marginal_energy(logits)
            return energies.joint_energy(logits, labels)

        return of

    @tf.function(reduce_retracing=True)
    def _go_on(self, n, labels, candidates, seed):
        draw_seed, chain_seed, pick_seed = tf.unstack(tf.random.split(seed, 3))
        labels = None if labels is None else tf.repeat(labels, candidates)
        _, x = self.buffer.draw(n * candidates, draw_seed, labels, reinit=False)
        x = self.sampler(self.energy(labels), x, seed=chain_seed)
        log_p = tf.reshape(-self.energy(labels)(x), [n, candidates])
        pick = tf.random.stateless_categorical(log_p, 1, pick_seed)[:, 0]
        x = tf.reshape(x, [n, candidates, *x.shape[1:]])
        return tf.gather(x, pick, batch_dims=1)

    def _step_seeds(self):
        # Keras seeds replicas alike: unless told apart, all their chains would be one.
        step = tf.cast(self.optimizer.iterations.value, tf.int32)
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        return tf.unstack(
            tf.random.split(fold_in(fold_in([self.seed, 0], step), replica))
        )

    def _noisy(self, images, seed):
        if not self.input_noise:
            return dict(images)
        return {
            name: x
            + self.input_noise
            * tf.random.stateless_normal(tf.shape(x), fold_in(seed, i))
            for i, (name, x) in enumerate(images.items())
        }

    def _negatives(self, images, y, seed):
        """As many drawn images as real ones for p(x), and as labels for p(x, y)."""
        label_seed, marginal_seed, joint_seed = tf.unstack(tf.random.split(seed, 3))
        drawn, labels = {}, None
        if self.p_x_weight:
            n = tf.shape(images.get("real", images["labelled"]))[0]
            if self.conditional:
                labels = tf.random.stateless_uniform(
                    [n], label_seed, 0, self.num_classes, tf.int32
                )
            drawn["drawn"] = self.dream(n, marginal_seed, labels)
        if self.p_x_y_weight:
            y = tf.reshape(y, [-1])
            drawn["drawn_by_label"] = self.dream(tf.shape(y)[0], joint_seed, y)
        return drawn

    def _forward(self, images):
        """All images in one pass: {name: [n, H, W, C]} -> {name: logits [n, K]}."""
        sizes = [tf.shape(x)[0] for x in images.values()]
        logits = self.network(tf.concat(list(images.values()), axis=0), training=True)
        return dict(zip(images, tf.split(logits, sizes), strict=True))

    def _loss(self, logits, y, weight):
        """This replica's share: the shares of all replicas add up to the loss."""
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        share = self.compute_loss(None, y, logits["labelled"], weight)
        real = energies.marginal_energy(logits.get("real", logits["labelled"]))
        values = {"cross_entropy": share * replicas, "energy_real": real}
        loss = self.p_y_given_x_weight * share
        if self.generative:
            generative, drawn = objectives.generative_loss(
                logits,
                tf.reshape(y, [-1]),
                p_x_weight=self.p_x_weight,
                p_x_y_weight=self.p_x_y_weight,
                energy_l2=self.energy_l2,
            )
            loss += generative / replicas
            gap = tf.reduce_mean(drawn) - tf.reduce_mean(real)
            values |= {"energy_drawn": drawn, "energy_gap": gap}
        self._loss_tracker.update_state(loss * replicas)
        for name, value in values.items():
            self.averages[name].update_state(value)
        return loss
