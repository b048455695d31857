"""What an exported model answers: its signatures, in plain TensorFlow operations.

Letters: N images uint8 [N, H, W, C], N from 1 to 1024, K classes. What a client gave
wrong raises InvalidArgumentError with a sentence: a server stays up, and says it.
"""

import functools

import tensorflow as tf

from jem_tf import energies, pixels, samplers
from jem_tf.evaluation import ood_scores
from jem_tf.serving import decoding, predictor

MOST_IMAGES, MOST_STEPS = 1024, 10_000  # of a request: what is asked for has an end


class Served:
    """The signatures of a network.

    Args:
      model: an EnergyModel of a network built with fused=False.
      class_names: tuple of K.
      calibration: `calibrated.Calibration`.
      gradient_clamp, range_clamp: of `samplers.sgld`, as in training.
    """

    def __init__(
        self, model, class_names, calibration, *, gradient_clamp=None, range_clamp=None
    ):
        self._model, self._calibration = model, calibration
        self._shape = tuple(model.network.input_shape[1:])
        self._names = tf.constant(class_names)
        clamps = {"gradient_clamp": gradient_clamp, "range_clamp": range_clamp}
        self._sgld = functools.partial(samplers.sgld, **clamps)

    def signatures(self):
        """{name: (function, [TensorSpec])}, the default first."""
        # No known sizes: from those TensorFlow would conclude that nothing need be
        # checked, and a fully convolutional network takes images of any.
        images = tf.TensorSpec([None] * 4, tf.uint8, "images")
        chain = [
            tf.TensorSpec([], kind, name)
            for name, kind in (
                ("steps", tf.int32),
                ("seed", tf.int32),
                ("step_size", tf.float32),
                ("noise", tf.float32),
            )
        ]
        found = {
            "classify": (self.classify, [images]),
            "score": (self.score, [images]),
            "sample": (self.sample, [tf.TensorSpec([], tf.int32, "n"), *chain]),
            "refine": (self.refine, [images, *chain]),
        }
        if self._shape[-1] in decoding.CHANNELS:
            strings = tf.TensorSpec([None], tf.string, "images")
            found["classify_encoded"] = self.classify_encoded, [strings]
        return found

    def classify(self, images):
        """Images -> classes, and whether the model knows such images.

        Returns:
          {"logits": float32 [N, K], raw; "probabilities": [N, K], "confidence": [N],
          their maximum, both at the calibrated temperature; "class_ids": int32 [N];
          "class_names": string [N]; "log_density": [N], log p(x) + const in nats;
          "is_ood": bool [N], whether that is below the calibrated threshold, or not
          finite}.
        """
        logits = self._model.network(self._pixels(images), training=False)
        probabilities = tf.nn.softmax(logits / self._calibration.temperature)
        ids = tf.argmax(logits, axis=1, output_type=tf.int32)
        log_density = -energies.marginal_energy(logits)
        known = log_density >= self._calibration.threshold
        return {
            "logits": logits,
            "probabilities": probabilities,
            "confidence": tf.reduce_max(probabilities, axis=1),
            "class_ids": ids,
            "class_names": tf.gather(self._names, ids),
            "log_density": log_density,
            "is_ood": ~(tf.math.is_finite(log_density) & known),
        }

    def classify_encoded(self, images):
        """The same of the bytes of PNG or JPEG files, string [N].

        Of another size they are resized, of more or fewer channels converted.
        """
        files = _counted(images, [], "files, [N]")
        return self.classify(decoding.decode(files, self._shape))

    def score(self, images):
        """Images -> the paper's three scores, higher for what is likelier.

        Returns:
          {"log_px": log p(x) + const; "max_p": log-odds of max p(y|x); and
          "approximate_mass": -||d log p(x) / dx||}, each float32 [N].
        """
        both = ood_scores.packed_outputs(self._model, self._pixels(images))
        return ood_scores.paper_scores(ood_scores.Outputs(both[:, :-1], both[:, -1]))

    def sample(self, n, steps, seed, step_size, noise):
        """n images by SGLD from U(-1, 1); equal seeds give equal images.

        n from 1 to 1024, steps from 0 to 10,000; seed, step_size and noise at least 0.

        Returns:
          {"images": uint8 [n, H, W, C]; "pixels": float32, the same about in [-1, 1]}.
        """
        good = (n >= 1) & (n <= MOST_IMAGES)
        with _holds(good, f"n must be from 1 to {MOST_IMAGES}, and is", n):
            n = tf.identity(n)
        walk, seed = self._walk(steps, seed, step_size, noise)
        return _both_kinds(
            predictor.from_noise(self._model.energy(), self._shape, n, walk, seed)
        )

    def refine(self, images, steps, seed, step_size, noise):
        """The images after that many steps of SGLD.

        Takes and returns what `sample` does, but for n.
        """
        walk, seed = self._walk(steps, seed, step_size, noise)
        return _both_kinds(walk(self._model.energy(), self._pixels(images), seed=seed))

    def _walk(self, steps, seed, step_size, noise):
        """(SGLD of these arguments once they are checked, seed int [2])."""
        good = (steps >= 0) & (steps <= MOST_STEPS)
        sizes = tf.stack([step_size, noise])
        fine = tf.reduce_all(tf.math.is_finite(sizes) & (sizes >= 0))
        says = "step_size and noise must be finite and at least 0, and are"
        with (
            _holds(good, f"steps must be from 0 to {MOST_STEPS}, and is", steps),
            _holds(seed >= 0, "seed must be at least 0, and is", seed),
            _holds(fine, says, sizes),
        ):
            steps = tf.identity(steps)
        walk = functools.partial(
            self._sgld, steps=steps, step_size=step_size, noise=noise
        )
        return walk, tf.stack([seed, 0])

    def _pixels(self, images):
        height, width, channels = self._shape
        wanted = f"[N, {height}, {width}, {channels}]"
        images = _counted(images, self._shape, wanted)
        return pixels.from_uint8(tf.ensure_shape(images, [None, *self._shape]))


def _counted(tensor, shape, wanted):
    """The tensor once it is [N, *shape], with no more than MOST_IMAGES."""
    # Of any rank: the shape at run time, filled up with zeros.
    found = tf.concat([tf.shape(tensor), [0] * 5], axis=0)[:5]
    rest = [*shape, *[0] * (4 - len(shape))]
    good = tf.reduce_all(found[1:] == rest) & (found[0] > 0) & (found[0] <= MOST_IMAGES)
    says = f"images must be {wanted} with N from 1 to {MOST_IMAGES}, and are"
    with _holds(good, says, tf.shape(tensor)):
        return tf.identity(tensor)


def _holds(good, sentence, found):
    """A context whose operations wait for `good`; else InvalidArgumentError."""
    check = tf.debugging.Assert(good, [sentence, found], summarize=8)
    return tf.control_dependencies([check])


def _both_kinds(x):
    says = "chains went astray; lower step_size, noise or steps: images that are finite"
    finite = tf.reduce_all(tf.math.is_finite(x), axis=[1, 2, 3])
    with _holds(tf.reduce_all(finite), says, finite):
        x = tf.identity(x)
    images = tf.clip_by_value(tf.round((x + 1) * 127.5), 0, 255)
    return {"images": tf.cast(images, tf.uint8), "pixels": x}
