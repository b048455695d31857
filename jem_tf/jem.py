"""The joint energy-based model: a classifier that also learns log p(x).

Algorithm 1 of Grathwohl et al. (ICLR 2020). A step draws images from the model, then
learns

    log p(y|x)     by cross-entropy, and
    log p(x)       by lowering the energy of real images against that of the drawn ones,
    log p(x, y)    optionally, the same with the energies E(x, y) of the given labels;

also, optionally, that real images made wrong are less likely than they are.

Letters: B images a batch and replica, K classes, images [H, W, C] in [-1, 1]; energies
in nats.
"""

import functools
from typing import Any

import keras
import tensorflow as tf

from jem_tf import alterations, energies, objectives, optimizers
from jem_tf.energy_model import EnergyModel
from jem_tf.errors import SEEDS, InputError, argument, whole_number
from jem_tf.keras_support import (
    batch_checks,
    configuration,
    loss_checks,
    sampler_checks,
)
from jem_tf.keras_support.gradient_count import CountsGradients
from jem_tf.optimizers import clipping, sharpness
from jem_tf.replay import ReplayBuffer
from jem_tf.sampling import Sampler

fold_in = tf.random.experimental.stateless_fold_in
READINGS = ("cross_entropy", "energy_real", "gradient_norm")  # readings of every step
OF_DRAWN = ("energy_drawn", "energy_gap", "saturation", "reinitialised")
ALTERATION = 9  # folded into the seed of a step's noise


@keras.saving.register_keras_serializable("jem_tf")
class JEM(CountsGradients, EnergyModel):
    """Trains `network` as a JEM; fit, evaluate, predict are a Keras classifier's.

    `fit` takes images [B, H, W, C], uint8 or float in [-1, 1], and int labels [B]; or,
    for log p(x) to learn from images of its own, ({"labelled": images, "real": images},
    labels). log p(x, y) learns from those, too, if their labels are given:
    {"labelled": labels, "real": labels}. Weights of samples and classes are of
    log p(y|x). `predict` returns logits. `loss` is the whole loss in `fit` and the
    cross-entropy in `evaluate`; `penalty` is what the network's regularisers add to it,
    at weight 1; `energy_gap` is E(drawn) - E(real), near 0 when all is well;
    `gradient_norm` is the norm of the weights' gradient before clipping; `saturation`
    is the share of drawn pixels at +-1 or beyond, NaN if one is not finite;
    `reinitialised` is the share of chains that started afresh.

    Args:
      network: a model from images [B, H, W, C] to logits [B, K], without softmax.
      buffer: a `ReplayBuffer` with a shard per replica; None to learn log p(y|x) alone.
      sampler: a `samplers.Sampler`, such as `sgld` with its numbers bound.
      p_x_weight, p_y_given_x_weight, p_x_y_weight: weights of the three terms, each
        at least 0.
      label_smoothing: probability that the cross-entropy's target takes from the label
        and shares among all K classes, in training alone; `cross_entropy` stays that
        of the label.
      objective: a key of `objectives.OBJECTIVES`, how energies of real and drawn images
        are compared; what E means at the optimum depends on it.
      altered_weight: weight of `objectives.altered_loss`: negatives without a chain,
        made of the step's real images. They are read as `energy_altered`.
      conditional: draw the negatives of log p(x) by class, from p(y) p(x|y): better
        pictures, lower accuracy.
      energy_l2: weight of mean E(x)^2, which keeps energies small; without log p(x) and
        log p(x, y) it is not used.
      gradient_clip: bound on the global norm of the weights' gradient, or None.
      input_noise: deviation of the noise added to training images (the paper: 0.03).
      sam_rho: rho of adaptive sharpness-aware minimisation, see
        `optimizers.sharpness`; 0 for none. A step then takes two gradients, of the
        same images; the readings are those of the first, but for `gradient_norm`.
      sam_terms: what is descended there: "all", or "p_x", log p(x) and log p(x, y).
      seed: int; with the step and the replica, it determines all that is random here.

    Raises:
      InputError: if a weight, energy_l2, input_noise or sam_rho is negative,
        label_smoothing is not in [0, 1], gradient_clip is not above 0, the seed is no
        whole number, a term lacks its buffer, a buffer of the classes or its sampler,
        the sampler lacks hyperparameters, there is no such objective, or the network
        does not end in logits.
    """

    def __init__(
        self,
        network: keras.Model,
        *,
        buffer: ReplayBuffer | None = None,
        sampler: Sampler | None = None,
        p_x_weight: float = 1.0,
        p_y_given_x_weight: float = 1.0,
        p_x_y_weight: float = 0.0,
        label_smoothing: float = 0.0,
        objective: str = "difference",
        altered_weight: float = 0.0,
        conditional: bool = False,
        energy_l2: float = 0.0,
        gradient_clip: float | None = None,
        input_noise: float = 0.0,
        sam_rho: float = 0.0,
        sam_terms: str = "all",
        seed: int = 0,
    ):
        generative = p_x_weight + p_x_y_weight > 0
        averages = READINGS + OF_DRAWN * bool(generative)
        averages += ("energy_altered",) * bool(altered_weight > 0)
        super().__init__(
            network, buffer=buffer, sampler=sampler, averages=averages, name="jem"
        )
        if self.penalised:
            self.averages["penalty"] = keras.metrics.Mean("penalty")
        weights = (p_x_weight, p_y_given_x_weight, p_x_y_weight)
        loss_checks.check(
            weights,
            altered_weight=altered_weight,
            label_smoothing=label_smoothing,
            energy_l2=energy_l2,
            input_noise=input_noise,
            gradient_clip=gradient_clip,
        )
        if generative and (buffer is None or sampler is None):
            raise InputError("log p(x) and log p(x, y) need a buffer and a sampler.")
        by_class = generative and (conditional or p_x_y_weight > 0)
        if by_class and self.buffer.num_classes != self.num_classes:
            raise InputError(
                f"Drawing by class needs a buffer of num_classes={self.num_classes}, "
                f"not {self.buffer.num_classes}."
            )
        if generative:
            sampler_checks.check_bound(sampler)
        sharpness.check(sam_rho, sam_terms, generative)
        objectives.find(objective)
        self.generative, self.objective = generative, objective
        self.p_x_weight, self.p_y_given_x_weight, self.p_x_y_weight = weights
        self.label_smoothing, self.altered_weight = label_smoothing, altered_weight
        self.conditional, self.energy_l2 = conditional, energy_l2
        self.gradient_clip, self.input_noise = gradient_clip, input_noise
        self.sam_rho, self.sam_terms = sam_rho, sam_terms
        self.seed = whole_number("seed", seed, 1 - SEEDS)

    def _trace_anew(self) -> None:
        self._compiled_readings = tf.function(
            self._readings, jit_compile=True, autograph=False
        )

    def get_config(self) -> dict[str, Any]:
        """The arguments of an equal JEM, for Keras's `save`; see `keras_support`."""
        return configuration.config_of(self)

    @property
    def in_two_passes(self) -> bool:
        """Whether labelled images pass through the network apart from those of p(x).

        The second gradient of `sam_terms="p_x"` is then of the images of p(x) alone.
        Images of one pass may depend on each other through the network's state, such as
        moving statistics, or its penalties; a network that has some takes one pass.
        """
        apart = self.sam_rho > 0 and self.sam_terms == "p_x"
        return apart and not (self.network.non_trainable_variables or self.penalised)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "JEM":
        """Makes an equal JEM of what `get_config` gave."""
        model = cls(**configuration.arguments_of(config))
        model.dtype_policy = configuration.policy_of(config)
        return model

    def train_step(self, data: Any) -> dict[str, Any]:
        """Draws images from the model, then learns from them and the batch.

        Keras's `fit` calls it.
        """
        x, y, weight = keras.utils.unpack_x_y_sample_weight(data)
        x = batch_checks.cast_images(x, self.expected.image_shape)
        batch_checks.check_pairs(x, y)
        y = self._cast_labels(y)
        if self.p_x_y_weight:
            batch_checks.check_class_numbers(_joint_labels(y))
        readings, logits = self._learn(x, y, weight)
        n = tf.shape(logits["labelled"])[0]  # the last batch may be smaller
        self._loss_tracker.update_state(readings["loss"], sample_weight=n)
        for name, average in self.averages.items():
            average.update_state(readings[name], sample_weight=n)
        return self.compute_metrics(x, _labels(y), logits["labelled"], weight)

    def learn(self, x: Any, y: Any) -> dict[str, tf.Tensor]:
        """Takes one training step, for a custom loop within `strategy.run`.

        Args:
          x, y: images and labels of this replica, as in `fit`, but images are float32
            and labels int32 or int64: nothing is checked here.

        Returns:
          {"loss", "accuracy" and the names of `fit`'s logs: float32 scalar}; with a
          sampler that refuses some steps also "acceptance", the share it accepts. The
          mean over replicas is the step's.
        """
        if not self.compiled or self.optimizer is None:
            raise InputError("A JEM has no optimiser yet; call compile() before learn.")
        return (self._compiled_readings if self.jit_compile else self._readings)(x, y)

    def _readings(self, x, y):
        readings, logits = self._learn(x, y)
        hits = keras.metrics.sparse_categorical_accuracy(_labels(y), logits["labelled"])
        return readings | {"accuracy": tf.reduce_mean(hits)}

    def _learn(self, x, y, weight=None):
        noise_seed, chain_seed = self._step_seeds()
        x = x if isinstance(x, dict) else {"labelled": x}
        images = self._noisy(x | self._altered(x, noise_seed), noise_seed)
        drawn, chain_readings, slots = self._negatives(
            images, _joint_labels(y), chain_seed
        )
        gradients, (readings, logits) = sharpness.gradients(
            functools.partial(self._evaluate, images | drawn, y, weight),
            self.trainable_weights,
            self.network.non_trainable_variables,
            rho=self.sam_rho,
            terms=self.sam_terms,
            scale_loss=self.optimizer.scale_loss,
        )
        for name, places in slots.items():
            known = energies.marginal_energy(logits[name])
            self.buffer.put_energies(places, known)
        scale, clip = self.optimizer.scale_loss(tf.constant(1.0)), self.gradient_clip
        gradients, norm = clipping.clip_over_replicas(gradients, clip and clip * scale)
        self.optimizer.apply_gradients(
            zip(gradients, self.trainable_weights, strict=True)
        )
        readings |= _read_gradient(norm / scale, scale, self.optimizer)
        return readings | chain_readings, logits

    def _step_seeds(self):
        # Keras seeds replicas alike: without the replica's number, all their chains
        # would be the same.
        step = tf.cast(optimizers.gradients_taken(self.optimizer), tf.int32)
        step += self._gradients_before
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

    def _altered(self, images, seed):
        """An altered image of each real one of p(x), before the step's noise."""
        if not self.altered_weight:
            return {}
        real = images.get("real", images["labelled"])
        return {"altered": alterations.alter(real, fold_in(seed, ALTERATION))}

    def _negatives(self, images, y, seed):
        """As many drawn images as real ones for p(x), and as labels y for p(x, y).

        Returns:
          ({name: images [n, H, W, C]}, {reading of the chains: scalar}, {name: slots
          int32 [n] of the chains in the buffer}).
        """
        label_seed, marginal_seed, joint_seed = tf.unstack(tf.random.split(seed, 3))
        negatives, labels = {}, None
        if self.p_x_weight:
            n = tf.shape(images.get("real", images["labelled"]))[0]
            if self.conditional:
                labels = tf.random.stateless_uniform(
                    [n], label_seed, 0, self.num_classes, tf.int32
                )
            negatives["drawn"] = self.draw_negatives(n, marginal_seed, labels)
        if self.p_x_y_weight:
            y = tf.reshape(y, [-1])
            n = tf.shape(y)[0]
            negatives["drawn_by_label"] = self.draw_negatives(n, joint_seed, y)
        if not negatives:
            return {}, {}, {}
        drawn = {name: some.images for name, some in negatives.items()}
        slots = {name: some.slots for name, some in negatives.items()}
        return drawn, _read_chains([*negatives.values()]), slots

    def _forward(self, images):
        """{name: [n, H, W, C]} -> {name: logits [n, K]}, in one pass or two."""
        if not self.in_two_passes or "real" not in images:
            return self._pass(images)
        rest = {name: x for name, x in images.items() if name != "labelled"}
        return self._pass({"labelled": images["labelled"]}) | self._pass(rest)

    def _pass(self, images):
        sizes = [tf.shape(x)[0] for x in images.values()]
        logits = self._float32_logits(tf.concat(list(images.values()), axis=0), True)
        return dict(zip(images, tf.split(logits, sizes), strict=True))

    def _evaluate(self, images, y, weight):
        """(The terms of the loss, (readings, logits))."""
        logits = self._forward(images)
        terms, readings = self._loss(logits, y, weight)
        return terms, (readings, logits)

    def _loss(self, logits, y, weight):
        """({term: this replica's share; those of all add up to the loss}, readings)."""
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        labels, joint = _labels(y), _joint_labels(y)
        share = self.compute_loss(None, labels, logits["labelled"], weight)
        real = energies.marginal_energy(logits.get("real", logits["labelled"]))
        readings = {
            "cross_entropy": share * replicas,
            "energy_real": tf.reduce_mean(real),
        }
        if self.label_smoothing:
            smoothing = self._smoothing(logits["labelled"], labels, weight)
            share += self.label_smoothing * smoothing / replicas
        loss = self.p_y_given_x_weight * share
        # Of the network's layers, such as regularisers, unless they are frozen by now.
        if self.losses or "penalty" in self.averages:
            readings["penalty"] = tf.add_n(self.losses) if self.losses else 0.0
            loss += readings["penalty"] / replicas
        terms = {"p_y_given_x": loss}
        if self.generative:
            generative, drawn = objectives.generative_loss(
                logits,
                tf.reshape(joint, [-1]),
                p_x_weight=self.p_x_weight,
                p_x_y_weight=self.p_x_y_weight,
                energy_l2=self.energy_l2,
                objective=objectives.find(self.objective),
                altered_weight=self.altered_weight,
                given="labelled" if joint is labels else "real",
            )
            terms["p_x"] = generative / replicas
            readings["energy_drawn"] = tf.reduce_mean(drawn)
            readings["energy_gap"] = readings["energy_drawn"] - readings["energy_real"]
        if "altered" in logits:
            altered = energies.marginal_energy(logits["altered"])
            readings["energy_altered"] = tf.reduce_mean(altered)
        return terms, readings | {"loss": tf.add_n([*terms.values()]) * replicas}

    def _smoothing(self, logits, y, weight):
        """What smoothing adds to the cross-entropy, in units of `label_smoothing`."""
        if not self.expected.by_number:
            raise InputError(
                f"{argument('label_smoothing', self.label_smoothing)} is for labels "
                "that are class numbers; give your loss a label_smoothing of its own."
            )
        added = objectives.label_smoothing(logits, tf.reshape(y, [-1]))
        if weight is not None:
            added *= tf.cast(tf.reshape(weight, [-1]), added.dtype)
        return tf.reduce_mean(added)


def _labels(y):
    """The labels of the labelled images."""
    return y["labelled"] if isinstance(y, dict) else y


def _joint_labels(y):
    """The labels of the images that log p(x, y) learns from."""
    return y["real"] if isinstance(y, dict) else y


def _read_gradient(norm, scale, optimizer):
    """Readings of the weights' gradient: its norm, and in float16 its scale.

    A gradient too large for float16 is no divergence: the step is left out, its norm
    is read as 0, and the next one's loss has half the scale.
    """
    if not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return {"gradient_norm": norm}
    norm = tf.where(tf.math.is_finite(norm), norm, 0.0)
    return {"gradient_norm": norm, "loss_scale": scale}


def _read_chains(negatives):
    """Readings of a step's chains, a list of `Negatives`."""
    drawn = tf.concat([some.images for some in negatives], axis=0)
    fresh = tf.concat([some.fresh for some in negatives], axis=0)
    saturated = tf.reduce_mean(tf.cast(tf.abs(drawn) >= 1, tf.float32))
    finite = tf.reduce_all(tf.math.is_finite(drawn))
    readings = {
        "saturation": tf.where(finite, saturated, float("nan")),
        "reinitialised": tf.reduce_mean(tf.cast(fresh, tf.float32)),
    }
    shares = [some.info.acceptance for some in negatives]
    accepted = [share for share in shares if share is not None]
    if accepted:
        readings["acceptance"] = tf.reduce_mean(tf.concat(accepted, 0))
    return readings
