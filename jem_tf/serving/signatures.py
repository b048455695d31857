"""The signatures of an exported model, in plain TensorFlow operations.

Letters: N images uint8 [N, H, W, C], N from 1 to 1024, K classes. Wrong input raises
InvalidArgumentError with a sentence, which a server passes on to the client.
"""

import contextlib
import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from jem_tf import energies, ood_scores, pixels, samplers, sampling, starts
from jem_tf.evaluation.scorer import Scorer
from jem_tf.ood_scores.interface import Outputs
from jem_tf.serving import decoding
from jem_tf.serving.served_calibration import Calibration

MOST_IMAGES, MOST_STEPS = 1024, 10_000  # bounds of a request
Answer = dict[str, tf.Tensor]


class Served:
    """The signatures of a network.

    Args:
      scorer: of an EnergyModel of a network built with fused=False, with the state of
        the calibrated score.
      class_names: tuple of K.
      calibration: temperature of `classify`; score and threshold of "is_ood".
      sampler: what `runs.build.make_sampler` returned. Its clamps are fixed in the
        graph; a request gives its numbers (`samplers.HYPERPARAMETERS`).
    """

    def __init__(
        self,
        scorer: Scorer,
        class_names: Sequence[str],
        calibration: Calibration,
        sampler: functools.partial,
    ):
        self._scorer, self._model = scorer, scorer.model
        self._calibration = calibration
        # Variables, since each signature would have a copy of a constant.
        self._state = {
            name: tf.Variable(value, trainable=False, name=name.replace("/", "_"))
            for name, value in scorer.state.items()
        }
        self._shape = tuple(self._model.network.input_shape[1:])
        self._names = tf.constant(class_names)
        self._sampler = sampler
        bound = sampler.keywords
        self._numbers = tuple(
            name for name in samplers.HYPERPARAMETERS if name in bound
        )

    def signatures(self) -> dict[str, tuple[Callable, list[tf.TensorSpec]]]:
        """Returns {name: (function, [TensorSpec])}, the default signature first."""
        # The sizes are left unknown. With known sizes TensorFlow would leave out the
        # check of them, and a fully convolutional network takes images of any size.
        images = tf.TensorSpec([None] * 4, tf.uint8, "images")
        counts = [tf.TensorSpec([], tf.int32, name) for name in ("steps", "seed")]
        sizes = [tf.TensorSpec([], tf.float32, name) for name in self._numbers]
        drawing = [tf.TensorSpec([], tf.int32, "n"), *counts, *sizes]
        refining = [images, *counts, *sizes]
        signatures = {
            "classify": (self.classify, [images]),
            "score": (self.score, [images]),
            "sample": (_with_names(self.sample, drawing), drawing),
            "refine": (_with_names(self.refine, refining), refining),
        }
        if self._shape[-1] in decoding.CHANNELS:
            strings = tf.TensorSpec([None], tf.string, "images")
            signatures["classify_encoded"] = self.classify_encoded, [strings]
        return signatures

    def classify(self, images: tf.Tensor) -> Answer:
        """Classifies images, and detects those unlike the training images.

        Returns:
          {"logits": float32 [N, K], raw; "probabilities": [N, K], at the calibrated
          temperature; "confidence": [N], their maximum; "class_ids": int32 [N], the
          likeliest classes; "class_names": string [N]; "log_density": [N], log p(x) +
          const in nats; "ood_score": float32 [N], the score that "is_ood" goes by,
          higher for images more like the training images; "is_ood": bool [N], whether
          "ood_score" is below the calibrated threshold, or it or "log_density" is not
          finite}.
        """
        name = self._calibration.ood_score
        outputs = self._scorer.batch_outputs(self._pixels(images), [name])
        logits, score = outputs.logits, self._score(name, outputs)
        probabilities = tf.nn.softmax(logits / self._calibration.temperature)
        ids = tf.argmax(logits, axis=1, output_type=tf.int32)
        log_density = -energies.marginal_energy(logits)
        finite = tf.math.is_finite(log_density) & tf.math.is_finite(score)
        return {
            "logits": logits,
            "probabilities": probabilities,
            "confidence": tf.reduce_max(probabilities, axis=1),
            "class_ids": ids,
            "class_names": tf.gather(self._names, ids),
            "log_density": log_density,
            "ood_score": score,
            "is_ood": ~(finite & (score >= self._calibration.threshold)),
        }

    def classify_encoded(self, images: tf.Tensor) -> Answer:
        """Classifies the bytes of PNG or JPEG files, string [N]; see `classify`.

        Pictures are read as training reads them (`decoding.decode`), in the size and
        channels of the model.
        """
        files = _counted(images, [], "files, [N]")
        return self.classify(decoding.decode(files, self._shape))

    def score(self, images: tf.Tensor) -> Answer:
        """Computes scores, which are higher for images more like the training images.

        Returns:
          {"log_px": log p(x) + const; "max_p": log-odds of max p(y|x);
          "approximate_mass": -||d log p(x) / dx||, the paper's three; and the score
          that "is_ood" goes by, if it is another}, each float32 [N].
        """
        names = dict.fromkeys([*ood_scores.PAPER, self._calibration.ood_score])
        outputs = self._scorer.batch_outputs(self._pixels(images), [*names])
        return {name: self._score(name, outputs) for name in names}

    def sample(
        self, n: tf.Tensor, steps: tf.Tensor, seed: tf.Tensor, *sizes: tf.Tensor
    ) -> Answer:
        """Draws n images from U(-1, 1); equal seeds give equal images.

        n is from 1 to 1024, steps from 0 to 10,000. Other inputs are at least 0; the
        step size and temperature of MALA are above 0.

        Returns:
          {"images": uint8 [n, H, W, C]; "pixels": the same images as float32, about in
          [-1, 1]}.
        """
        good = (n >= 1) & (n <= MOST_IMAGES)
        with _holds(good, f"n must be from 1 to {MOST_IMAGES}, and is", n):
            n = tf.identity(n)
        sampler, seed = self._checked(steps, seed, sizes)
        start = starts.uniform(self._shape)
        return _both_kinds(sampling.draw(self._model, start, sampler, n, seed))

    def refine(
        self, images: tf.Tensor, steps: tf.Tensor, seed: tf.Tensor, *sizes: tf.Tensor
    ) -> Answer:
        """Refines images by sampler steps towards higher p(x).

        Inputs and outputs are those of `sample`, with images instead of n.
        """
        sampler, seed = self._checked(steps, seed, sizes)
        x = self._pixels(images)
        return _both_kinds(sampler(self._model.energy(), x, seed=seed)[0])

    def _score(self, name: str, outputs: Outputs) -> tf.Tensor:
        return ood_scores.SCORES[name].compute(outputs, self._state)

    def _checked(
        self, steps: tf.Tensor, seed: tf.Tensor, sizes: Sequence[tf.Tensor]
    ) -> tuple[functools.partial, tf.Tensor]:
        """Checks the arguments. Returns (the sampler with them, the seed int [2])."""
        good = (steps >= 0) & (steps <= MOST_STEPS)
        stacked, positive = tf.stack(sizes), "temperature" in self._numbers
        inside = stacked > 0 if positive else stacked >= 0
        fine = tf.reduce_all(tf.math.is_finite(stacked) & inside)
        least = "above 0" if positive else "at least 0"
        says = f"{' and '.join(self._numbers)} must be finite and {least}, and are"
        with (
            _holds(good, f"steps must be from 0 to {MOST_STEPS}, and is", steps),
            _holds(seed >= 0, "seed must be at least 0, and is", seed),
            _holds(fine, says, stacked),
        ):
            steps = tf.identity(steps)
        named = dict(zip(self._numbers, sizes, strict=True))
        sampler = functools.partial(self._sampler, steps=steps, **named)
        return sampler, tf.stack([seed, 0])

    def _pixels(self, images: tf.Tensor) -> tf.Tensor:
        height, width, channels = self._shape
        says = f"[N, {height}, {width}, {channels}]"
        images = _counted(images, self._shape, says)
        return pixels.from_uint8(tf.ensure_shape(images, [None, *self._shape]))


def _with_names(function: Callable, specs: Sequence[tf.TensorSpec]) -> Callable:
    """The function with a named parameter for each input, as an export needs it."""

    @functools.wraps(function)
    def named(*inputs):
        return function(*inputs)

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [inspect.Parameter(spec.name, kind) for spec in specs]
    vars(named)["__signature__"] = inspect.Signature(parameters)
    return named


def _counted(tensor: tf.Tensor, shape: Sequence[int], says: str) -> tf.Tensor:
    """Returns the tensor after a check that it is [N, *shape], N <= MOST_IMAGES."""
    # The shape at run time, padded with zeros, because the rank may be any.
    sizes = tf.concat([tf.shape(tensor), [0] * 5], axis=0)[:5]
    rest = [*shape, *[0] * (4 - len(shape))]
    good = tf.reduce_all(sizes[1:] == rest) & (sizes[0] > 0) & (sizes[0] <= MOST_IMAGES)
    sentence = f"images must be {says} with N from 1 to {MOST_IMAGES}, and are"
    with _holds(good, sentence, tf.shape(tensor)):
        return tf.identity(tensor)


def _holds(
    good: tf.Tensor, sentence: str, value: tf.Tensor
) -> contextlib.AbstractContextManager[Any]:
    """A context whose operations fail with InvalidArgumentError unless `good`."""
    check = tf.debugging.Assert(good, [sentence, value], summarize=8)
    return tf.control_dependencies([check])


def _both_kinds(x: tf.Tensor) -> Answer:
    """Returns images as uint8 and as float32; fails if a pixel is not finite."""
    finite = tf.reduce_all(tf.math.is_finite(x), axis=[1, 2, 3])
    says = f"images have {sampling.NOT_FINITE}; those that are finite:"
    with _holds(tf.reduce_all(finite), says, finite):
        x = tf.identity(x)
    return {"images": pixels.to_uint8(x), "pixels": x}
