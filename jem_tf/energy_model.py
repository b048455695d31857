"""A network as a Keras classifier, and the same read as an energy model of images.

Letters: B images, n chains, K classes, images [H, W, C] in [-1, 1]; energies in nats.
"""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from jem_tf import energies, pixels, sampling
from jem_tf.errors import InputError, whole_number
from jem_tf.keras_support import batch_checks, compile_checks, network_checks
from jem_tf.keras_support.checked_model import CheckedModel
from jem_tf.keras_support.saving import SavedWithBuffer
from jem_tf.replay import ReplayBuffer


class Negatives(NamedTuple):
    """Images that `EnergyModel.draw_negatives` drew, and what is known of their chains.

    images: float32 [n, H, W, C], drawn from p(x), or from p(x | y).
    fresh: bool [n, 1, 1, 1], True where a chain started afresh.
    info: the sampler's Info.
    slots: int32 [n], where the buffer keeps the chains.
    """

    images: tf.Tensor
    fresh: tf.Tensor
    info: Any
    slots: tf.Tensor


class Classifier(CheckedModel):
    """Classifies images as `network` does; compile, evaluate, predict are Keras's own.

    Images are uint8 in 0..255 or float in [-1, 1]; labels are class numbers, int [B].

    Args:
      network: a model from images [B, H, W, C] to logits [B, K], without softmax.
      image_shape: (H, W, C), for a network that is not built or takes any size.
      averages: names of what a training step averages over an epoch: a dict
        `self.averages` of metrics, which `fit` logs and `evaluate` passes over.

    Raises:
      InputError: if the network is no classifier that ends in logits.
    """

    def __init__(
        self,
        network: keras.Model,
        *,
        image_shape: Sequence[int] | None = None,
        averages: Sequence[str] = (),
        **kwargs: Any,
    ):
        super().__init__(autocast=False, **kwargs)
        facts = network_checks.examine(network, image_shape)
        self.network, self._evaluating, self.built = network, False, True
        self.num_classes, self.penalised = facts.num_classes, facts.penalised
        self.expected = batch_checks.Expected(facts.image_shape, facts.num_classes)
        self.averages = {name: keras.metrics.Mean(name) for name in averages}

    def call(self, images: Any, training: bool = False) -> tf.Tensor:
        """Logits float32 [B, K] of images [B, H, W, C], or of the "labelled" ones."""
        if tf.executing_eagerly():
            self.expected.check(images)
        images = batch_checks.cast_images(images, self.expected.image_shape)
        if isinstance(images, dict):  # Keras builds its metrics on what `fit` was given
            images = images["labelled"]
        return self._float32_logits(images, training)

    def compile(
        self,
        optimizer: Any = "adam",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = ("accuracy",),
        **kwargs: Any,
    ) -> None:
        """As in Keras; without a loss, the cross-entropy of integer labels."""
        default = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        loss = compile_checks.only_loss(loss) or default
        compile_checks.check_metrics(metrics)
        compile_checks.check_metrics(weighted_metrics, "weighted_metrics")
        if isinstance(weighted_metrics, list | tuple):
            named = compile_checks.names_of(metrics)
            weighted_metrics = [
                m for m in weighted_metrics if m != "accuracy" or m not in named
            ]
        by_number = isinstance(loss, type(default))
        self.expected = self.expected._replace(by_number=by_number)
        super().compile(
            optimizer, loss, loss_weights, metrics, weighted_metrics, **kwargs
        )

    @tf.function(reduce_retracing=True, autograph=False)
    def logits(self, images: tf.Tensor) -> tf.Tensor:
        """Logits [B, K] of images [B, H, W, C], as a graph for inference."""
        return self._float32_logits(pixels.to_float32(images), training=False)

    @property
    def step(self) -> int:
        """The number of training steps that were taken."""
        return int(tf.convert_to_tensor(self.optimizer.iterations))

    @property
    def metrics(self) -> list:
        """Keras's metrics; `evaluate` does without the averages of a training step."""
        averages = self.averages.values() if self._evaluating else ()
        hidden = {id(metric) for metric in averages}
        return [metric for metric in super().metrics if id(metric) not in hidden]

    def evaluate(self, *args: Any, **kwargs: Any) -> Any:
        """As in Keras: the cross-entropy as `loss`, and the compiled metrics."""
        with self._evaluation():
            return super().evaluate(*args, **kwargs)

    def test_on_batch(self, *args: Any, **kwargs: Any) -> Any:
        """As in Keras, with the readings of `evaluate`."""
        with self._evaluation():
            return super().test_on_batch(*args, **kwargs)

    def export(self, *args: Any, **kwargs: Any) -> None:
        """As in Keras: the network, from float images in [-1, 1] to logits."""
        self.network.export(*args, **kwargs)

    @contextlib.contextmanager
    def _evaluation(self):
        self._evaluating = True
        try:
            yield
        finally:
            self._evaluating = False

    def _float32_logits(self, images, training):
        return tf.cast(self.network(images, training=training), tf.float32)


class EnergyModel(SavedWithBuffer, Classifier):
    """A `Classifier` whose logits are negative energies, with chains in a buffer.

    `save_weights` and `save` keep the chains, too; `save` needs a sampler and a start
    of this package.

    Args:
      network: as of `Classifier`.
      buffer: a `ReplayBuffer`, or None for a model that draws nothing.
      sampler: a `samplers.Sampler`, such as `sgld` with its numbers bound.
      kwargs: of `Classifier`.
    """

    def __init__(
        self,
        network: keras.Model,
        *,
        buffer: ReplayBuffer | None = None,
        sampler: sampling.Sampler | None = None,
        **kwargs: Any,
    ):
        shape = buffer.image_shape if buffer is not None else None
        super().__init__(network, image_shape=shape, **kwargs)
        # In a loop, Grappler makes a sum of sums into one whose temporary variable the
        # second iteration finds taken (TensorFlow 2.21, in bfloat16).
        tf.config.optimizer.set_experimental_options({"arithmetic_optimization": False})
        self.buffer: Any = buffer  # a ReplayBuffer, or None
        self.sampler: Any = sampler  # a Sampler, or None

    def draw_negatives(self, n: Any, seed: Any, labels: Any = None) -> Negatives:
        """The negative phase: continues n chains of the buffer and keeps their ends.

        Args:
          n: how many chains.
          seed: int [2].
          labels: int [n] to draw from p(x | y); None: from p(x).

        Returns:
          Negatives.
        """
        draw_seed, chain_seed = tf.unstack(tf.random.split(seed))
        chains, energy = self.buffer.draw(n, draw_seed, labels), self.energy(labels)
        x, info = sampling.run(self.sampler, energy, chains.images, seed=chain_seed)
        self.buffer.put(chains.slots, x, chains.fresh, chains.origins)
        return Negatives(x, chains.fresh, info, chains.slots)

    def sample(
        self, n: int, *, labels: Any = None, candidates: int = 1, seed: int = 0
    ) -> tf.Tensor:
        """Draws n images: continues chains of the buffer, which is not changed.

        Args:
          n: how many, at least 1.
          labels: int [n], or one for all, to draw from p(x | y). None: from p(x), or,
            with a buffer by class, from p(x | y) of each class in turn.
          candidates: chains an image; one of them becomes it, with probability
            proportional to exp(-E). More than 1 leaves out chains stuck in noise.
          seed: int; equal seeds give equal images.

        Returns:
          float32 [n, H, W, C], about in [-1, 1]: nothing but a clamp keeps pixels
          there.

        Raises:
          InputError: if the model has no buffer, or the buffer no samples, if chains
            diverge, or an argument is out of range.
        """
        drawn = self.preview(n, labels=labels, candidates=candidates, seed=seed)
        sampling.check_finite(drawn.numpy())
        return drawn

    def preview(
        self, n: int, *, labels: Any = None, candidates: int = 1, seed: int = 0
    ) -> tf.Tensor:
        """As `sample`, while a model is trained: pixels need not be finite."""
        n = whole_number("n", n, 1)
        candidates = whole_number("candidates", candidates, 1)
        if labels is not None:
            labels = sampling.check_labels(labels, n, self.num_classes)
        if self.buffer is None:
            raise InputError("A model without a replay buffer draws no samples.")
        self.buffer.check_samples()
        if labels is None:
            labels = sampling.classes_in_turn(self, n)
        seeds = tf.constant([whole_number("seed", seed, 0), 0])
        parts = sampling.SameObjects(self.buffer, self.sampler)
        return self._draw(n, labels, candidates, seeds, parts)

    def energy(self, labels: Any = None) -> Callable[[tf.Tensor], tf.Tensor]:
        """Returns a function [B, H, W, C] -> energies [B]: E(x), or E(x, labels).

        It follows the weights. In a graph it casts them once, where it is made: a chain
        does not change them.
        """
        once = None if tf.executing_eagerly() else self._cast_weights()

        def energy_of(x):
            with once or self._cast_weights():
                logits = self._float32_logits(pixels.to_float32(x), training=False)
            if labels is None:
                return energies.marginal_energy(logits)
            return energies.joint_energy(logits, labels)

        return energy_of

    def _cast_weights(self):
        """A context in which weights have their values as their layers compute."""
        casts = {}
        for layer in self.network._flatten_layers():  # a nested model before its layers
            for weight in layer.trainable_weights:
                dtype = layer.compute_dtype if weight._autocast else weight.dtype
                casts[id(weight)] = weight, tf.cast(weight.value, dtype)
        scope = keras.StatelessScope()
        for cast in casts.values():
            scope.add_update(cast)  # the scope's constructor would cast back
        return scope

    @tf.function(reduce_retracing=True, autograph=False)
    def _draw(self, n, labels, candidates, seed, parts):
        buffer, sampler = parts.objects
        start = sampling.from_buffer(buffer)
        return sampling.draw(
            self, start, sampler, n, seed, labels=labels, candidates=candidates
        )
