"""A trained run at work: classes, log p(x), scores, samples.

Letters: N images [H, W, C], K classes. Images are given as uint8 in 0..255 or as float
about in [-1, 1], one [H, W, C] or several [N, H, W, C], of NumPy or TensorFlow; of one,
the answer is without its first axis.
"""

import collections
import functools
import numbers
import operator

import numpy as np
import tensorflow as tf

from jem_tf import pixels, starts
from jem_tf.errors import InputError
from jem_tf.evaluation import inference, ood_scores, sample_sets
from jem_tf.runs import loading

FARTHEST = 2.0  # |pixel| of a float image at most; unclamped chains leave [-1, 1]
SEEDS = 2**31  # below it
COLD, HOT = 1e-6, float("inf")  # temperatures; colder ones overflow float32
STARTS = ("buffer", "noise")

Prediction = collections.namedtuple("Prediction", "probabilities class_names")


def load(path, *, best=False, precision=None):
    """The trained model of a run, ready for use.

    Args:
      path, best, precision: as in `trained.read`.

    Returns:
      Predictor.

    Raises:
      InputError: as `trained.read`.
    """
    return Predictor(loading.read(path, best=best, precision=precision))


class Predictor:
    """What a `trained.Trained` answers; every method raises InputError on bad input.

    Attributes:
      run: the Trained.
      model: its JEM, a Keras model.
      class_names: tuple of K.
      image_shape: (H, W, C).
    """

    def __init__(self, run):
        self.run, self.model, self.class_names = run, run.model, run.class_names
        self.image_shape = tuple(run.model.network.input_shape[1:])

    def predict(self, images, *, temperature=1.0):
        """p(y|x) = softmax(f(x) / T).

        Args:
          images: see the module's docstring.
          temperature: T, above 0; `tools/export.py` and `evaluate_calibration.py` find
            the one at which the model is as sure as it is right.

        Returns:
          Prediction(probabilities float32 [N, K] in the order of `self.class_names`,
          class_names: [N] of str, the likeliest ones; of one image, a str).
        """
        if not isinstance(temperature, numbers.Real) or not COLD < temperature < HOT:
            raise InputError(
                f"temperature is {temperature!r}; it must be above 0, and finite."
            )
        logits, one = self._logits(images)
        probabilities = tf.nn.softmax(logits / temperature).numpy()
        names = [self.class_names[y] for y in probabilities.argmax(axis=1)]
        return Prediction(_unless(one, probabilities), _unless(one, names))

    def log_density(self, images):
        """log p(x) + const: float32 [N], in nats.

        Nobody knows the constant, log Z: compare within one checkpoint only.
        """
        logits, one = self._logits(images)
        return _unless(one, tf.reduce_logsumexp(logits, axis=1).numpy())

    def ood_score(self, images):
        """The paper's three scores, higher for what is likelier; see `scores`.

        Returns:
          {"log_px": log p(x) + const; "max_p": log-odds of max p(y|x), which its
          sigmoid is; "approximate_mass": -||d log p(x) / dx||}, each float32 [N].
        """
        x, one = self._batch(images)
        found = ood_scores.compute_outputs(self.model, x, compiled=self._both)
        found = {name: np.asarray(of) for name, of in ood_scores.paper_scores(found).items()}
        return {name: _unless(one, of) for name, of in found.items()}

    def sample(self, n, label=None, *, steps=None, seed=0, start="buffer"):
        """n images drawn by SGLD; the replay buffer stays as it is.

        Args:
          n: how many, at least 1; all are in memory at once.
          label: a class, by number or name, to draw from p(x | y); None for p(x), or,
            with a buffer by class, for each class in turn.
          steps: of SGLD, at least 0. Default: from the buffer, as many as a step of
            training takes; from noise, as many as a chain has behind it at its mean age
            there.
          seed: int in [0, 2^31); equal seeds give equal images.
          start: "buffer" goes on with chains of training; "noise" begins at U(-1, 1).

        Returns:
          float32 [n, H, W, C], about in [-1, 1].
        """
        n, seed = _whole("n", n, 1), _whole("seed", seed, 0)
        labels = None if label is None else tf.fill([n], self._class(label))
        if not isinstance(start, str) or start not in STARTS:
            raise InputError(f"start is {start!r}; choose one of {', '.join(STARTS)}.")
        steps = self._steps(steps, start)
        seeds = tf.constant([seed, 0])
        if start == "noise":
            return _whole_chains(self._from_noise(tf.constant(n), labels, steps, seeds))
        if self.model.buffer is None:
            raise InputError(
                f"{self.run.root} is a plain classifier without a replay buffer; give "
                'start="noise".'
            )
        if labels is None and self.model.buffer.num_classes:
            labels = tf.range(n) % len(self.class_names)
        draw_seed, chain_seed = tf.unstack(tf.random.split(seeds))
        chains = self.model.buffer.draw(n, draw_seed, labels, reinit=False)
        return _whole_chains(self._walk(chains.images, labels, steps, chain_seed))

    def refine(self, images, steps=None, *, seed=0):
        """Images moved by SGLD towards where p(x) is high (the paper's JEM-k).

        Args:
          images: see the module's docstring; all are in memory at once.
          steps, seed: as in `sample`, from the buffer.

        Returns:
          float32 [N, H, W, C], about in [-1, 1].
        """
        x, one = self._batch(images)
        steps, seeds = self._steps(steps, "buffer"), [_whole("seed", seed, 0), 0]
        x = pixels.from_uint8(x) if x.dtype == tf.uint8 else x
        drawn = _whole_chains(self._walk(x, None, steps, tf.constant(seeds)))
        return _unless(one, drawn)

    def _logits(self, images):
        x, one = self._batch(images)
        return inference.logits(self.model, x), one

    @functools.cached_property
    def _both(self):
        return tf.function(
            functools.partial(ood_scores.packed_outputs, self.model), reduce_retracing=True
        )

    @tf.function(reduce_retracing=True)
    def _walk(self, x, labels, steps, seed):
        return self.model.sampler(self.model.energy(labels), x, steps=steps, seed=seed)

    @tf.function(reduce_retracing=True)
    def _from_noise(self, n, labels, steps, seed):
        walk = functools.partial(self.model.sampler, steps=steps)
        return from_noise(self.model.energy(labels), self.image_shape, n, walk, seed)

    def _steps(self, steps, start):
        if steps is not None:
            return tf.constant(_whole("steps", steps, 0))
        sampling = self.run.options.sampling
        if start == "buffer":
            return tf.constant(sampling.sampler_steps)
        steps = sample_sets.mean_length(sampling.sampler_steps, sampling.reinit_prob)
        return tf.constant(steps)

    def _class(self, label):
        known = self.class_names
        if isinstance(label, str):
            if label not in known:
                shown = ", ".join(known[:10]) + (", ..." if len(known) > 10 else "")
                raise InputError(f"label is {label!r}; the classes are {shown}.")
            return known.index(label)
        return _whole("label", label, 0, len(known))

    def _batch(self, images):
        """Checked images uint8 or float32 [N, H, W, C], and whether they were one."""
        height, width, channels = self.image_shape
        wanted = f"[{height}, {width}, {channels}]"
        try:
            x = np.asarray(images)
        except ValueError as error:  # a ragged list
            raise InputError(f"images are not of one shape; give {wanted}.") from error
        if x.shape[-3:] != self.image_shape or x.ndim not in (3, 4):
            raise InputError(
                f"images are of shape {list(x.shape)}; this model takes {wanted}, or "
                "[N, ...] of them."
            )
        if x.shape[0] == 0:
            raise InputError("images are an empty batch; give at least one.")
        x, one = (x[None], True) if x.ndim == 3 else (x, False)
        if x.dtype == np.uint8:
            return tf.constant(x), one
        return tf.constant(_in_range(x)), one


def from_noise(energy, image_shape, n, walk, seed):
    """n images [n, *image_shape] at the end of `walk` from U(-1, 1).

    Args:
      energy: a function [n, H, W, C] -> [n].
      image_shape: (H, W, C).
      n: how many; an int or a scalar tensor.
      walk: such as `sgld` with all but energy, images and seed bound.
      seed: int [2].
    """
    start_seed, chain_seed = tf.unstack(tf.random.split(seed))
    x = starts.uniform(image_shape)(n, start_seed)
    return walk(energy, x, seed=chain_seed)


def _in_range(x):
    """Float images as float32, if that is what they are and where they should be."""
    if not np.issubdtype(x.dtype, np.floating):
        raise InputError(
            f"images are {x.dtype}; give uint8 in 0..255, or float in [-1, 1]."
        )
    if not np.isfinite(x).all():
        raise InputError("images have NaN or infinite pixels; mend them.")
    if np.abs(x).max() > FARTHEST:
        raise InputError(
            f"float images reach from {x.min():g} to {x.max():g}; scale them to "
            "[-1, 1], or give uint8 in 0..255."
        )
    return x.astype("float32")


def _whole_chains(x):
    """Images as an array, if chains are where images can be."""
    if not np.isfinite(x := x.numpy()).all():
        raise InputError(
            "Chains went astray, their pixels are not finite; give fewer steps, or "
            "train on."
        )
    return x


def _whole(name, value, least, below=SEEDS):
    if isinstance(value, bool | np.bool_):
        raise InputError(f"{name} is {value!r}; give a whole number.")
    try:
        value = operator.index(value)
    except TypeError as error:
        raise InputError(f"{name} is {value!r}; give a whole number.") from error
    if not least <= value < below:
        raise InputError(f"{name} is {value}; it must be from {least} to {below - 1}.")
    return value


def _unless(one, answers_):
    return answers_[0] if one else answers_
