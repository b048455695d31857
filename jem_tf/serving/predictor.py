"""The `Predictor`: classes, log p(x), scores and samples of a trained run.

Letters: N images [H, W, C], K classes. Images are given as uint8 in 0..255 or as float
about in [-1, 1], one [H, W, C] or several [N, H, W, C], as NumPy or TensorFlow arrays.
The result for a single image has no first axis.
"""

import functools
import pathlib
import threading
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from jem_tf import ood_scores, pixels, sampling, starts
from jem_tf.errors import InputError, argument, whole_number
from jem_tf.evaluation import fitted_scores, inference
from jem_tf.evaluation.scorer import Scorer
from jem_tf.runs import build, initial_weights, loading, pretrained_models
from jem_tf.runs.run_folder import RunFolder
from jem_tf.serving import argument_checks, classification, run_calibration
from jem_tf.serving.classification import Classification
from jem_tf.serving.served_calibration import Calibration

FIRST = 8  # values of each weight, which tell other weights
COLD = 1e-6  # a temperature; colder ones overflow float32
STARTS = ("buffer", "noise")
_FITTING = threading.Lock()  # of one score after the other, by whatever thread


class Prediction(NamedTuple):
    """p(y|x), float32 [N, K], and the names of the likeliest classes, [N] of str."""

    probabilities: np.ndarray
    class_names: list[str] | str


def load(
    path: str | pathlib.Path, *, best: bool = False, precision: str | None = None
) -> "Predictor":
    """Reads a trained run.

    Args:
      path, best: as in `runs.loading.read_run`.
      precision: a Keras dtype policy to compute in. None: that in which a packed run
        was calibrated (float32 of those that come with the package, so that answers are
        equal on all processors); else the run's own.

    Returns:
      Predictor.

    Raises:
      InputError: as `runs.loading.read_run` does.
    """
    return Predictor(_read(path, best=best, precision=precision))


def _read(
    path: str | pathlib.Path, *, best: bool = False, precision: str | None
) -> loading.TrainedRun:
    """Reads a run, in the precision that it was calibrated in unless one is given."""
    folder = RunFolder(pretrained_models.find(path) or path)
    if precision is None and folder.calibration.is_file():
        precision = run_calibration.read_calibration(folder)[1]["precision"]
    return loading.read_run(path, best=best, precision=precision)


class Predictor:
    """Classifies, scores and draws images by a trained run.

    Every method raises InputError on bad input.

    Attributes:
      run: the `TrainedRun`.
      model: its JEM, a Keras model.
      class_names: tuple of K.
      image_shape: (H, W, C).
    """

    def __init__(self, run: loading.TrainedRun):
        self.run, self.model, self.class_names = run, run.model, run.class_names
        self.image_shape = tuple(run.model.network.input_shape[1:])
        self._fitted_names: set[str] = set(ood_scores.PAPER)
        self._weights_at_load = self._fitted_to = self._first_values()

    @classmethod
    def from_preset(cls, preset: str, *, precision: str | None = None) -> "Predictor":
        """Reads a model that came with the package, as KerasHub's classes do.

        Args:
          preset: a name of `jem_tf.pretrained()`, or `name@version`, which is refused
            by a package that has another version.
          precision: as in `load`.

        Raises:
          InputError: if the package has no such model, or its files were changed.
        """
        folder = pretrained_models.find_preset(preset)
        return cls(_read(folder, precision=precision))

    def predict(self, images: Any, *, temperature: float = 1.0) -> Prediction:
        """Computes p(y|x) = softmax(f(x) / T).

        Args:
          images: see the module's docstring.
          temperature: T, above 0. An export's calibration.json has the temperature that
            was fitted on validation images.

        Returns:
          Prediction: probabilities float32 [N, K], in the order of `self.class_names`;
          class_names [N] of str, the likeliest class of each image (for a single image,
          a str).
        """
        temperature = argument_checks.temperature(temperature, COLD)
        logits, single = self._logits(images)
        probabilities = tf.nn.softmax(logits / temperature).numpy()
        names = [self.class_names[y] for y in logits.argmax(axis=1)]
        return Prediction(_first_if(single, probabilities), _first_if(single, names))

    def classify(self, images: Any) -> Classification:
        """Classifies images, and says which are unlike the training images.

        Temperature and threshold are those of RUN/calibration.json, which a packed run
        has (`jem-tf pack`). So is the precision to compute in, whatever the other
        methods compute in.

        Returns:
          Classification.

        Raises:
          InputError: if the run is not calibrated, or its model was trained or given
            other weights since it was loaded, or on bad images.
        """
        if self._first_values() != self._weights_at_load:
            raise InputError(
                f"{self.run.folder} was trained on after it was loaded, and its "
                "temperature and threshold are of the weights before; use predict and "
                "ood_score."
            )
        scorer, calibration = self._calibrated
        x, single = self._batch(images)
        name = calibration.ood_score
        outputs = scorer.outputs(x, [name])
        scores = ood_scores.compute(outputs, scorer.state, [name])[name]
        answers = classification.classify(
            outputs.logits, scores, self.class_names, calibration
        )
        return Classification(*(_first_if(single, values) for values in answers))

    def log_density(self, images: Any) -> np.ndarray:
        """Computes log p(x) + const: float32 [N], in nats.

        The constant, log Z, is unknown: compare values of one checkpoint only.
        """
        logits, single = self._logits(images)
        return _first_if(single, tf.reduce_logsumexp(logits, axis=1).numpy())

    def ood_score(
        self, images: Any, names: Sequence[str] = ood_scores.PAPER
    ) -> dict[str, np.ndarray]:
        """Computes scores, which are HIGHER for images MORE like the training images.

        An outlier has a low score, in spite of the method's name.

        Args:
          images: see the module's docstring.
          names: of `ood_scores.SCORES`; the paper's three are "log_px", log p(x) +
            const; "max_p", log-odds of max p(y|x), whose sigmoid is max p(y|x); and
            "approximate_mass", -||d log p(x) / dx||. Others may be fitted: to the
            state that `jem-tf evaluate ood` left in the run, or else now, to the run's
            own images, which are read if they are where they were.

        Returns:
          {name: float32 [N]}.
        """
        names = argument_checks.score_names(names)
        x, single = self._batch(images)
        scores = self._fitted(names).scores(x, names)
        return {name: _first_if(single, score) for name, score in scores.items()}

    def sample(
        self,
        n: int,
        label: int | str | None = None,
        *,
        steps: int | None = None,
        seed: int = 0,
        start: str = "buffer",
        candidates: int = 1,
    ) -> np.ndarray:
        """Draws n images by the run's sampler; the replay buffer is not changed.

        Args:
          n: how many images, at least 1; all are in memory at once.
          label: a class, by number or name, to draw from p(x | y). None: from p(x), or,
            with a buffer by class, from p(x | y) of each class in turn.
          steps: sampler steps, at least 0. None: as `sampling.usual_steps` says.
          seed: int in [0, 2^31); equal seeds give equal images.
          start: "buffer" continues chains of training; "noise" starts them from
            U(-1, 1). Pretrained models come with a few chains of a class, three of
            "cifar100": more images than those of a class are nearly copies.
          candidates: chains an image, at least 1; one of them becomes the image, with
            probability proportional to exp(-E).

        Returns:
          float32 [n, H, W, C], about in [-1, 1].
        """
        n = whole_number("n", n, 1)
        seed = whole_number("seed", seed, 0)
        candidates = whole_number("candidates", candidates, 1)
        labels = self._labels(n, label)
        if not isinstance(start, str) or start not in STARTS:
            raise InputError(
                f"{argument('start')} is {start!r}; choose one of {', '.join(STARTS)}."
            )
        steps = self._steps(steps, continued=start == "buffer")
        if start == "buffer" and self.model.buffer is None:
            raise InputError(
                f"{self.run.folder} is a plain classifier without a replay buffer; "
                f"choose {argument('start', 'noise')}."
            )
        if start == "buffer":
            self.model.buffer.check_samples()
        if start == "buffer" and labels is None:
            labels = sampling.classes_in_turn(self.model, n)
        labels = None if labels is None else tf.constant(labels)
        seeds = tf.constant([seed, 0])
        drawn = self._draw(
            tf.constant(n),
            labels,
            steps,
            seeds,
            start,
            candidates,
            sampling.SameObjects(self.model.buffer, self.model.sampler),
        )
        return sampling.check_finite(drawn.numpy())

    def refine(
        self, images: Any, steps: int | None = None, *, seed: int = 0
    ) -> np.ndarray:
        """Refines images by sampler steps towards higher p(x) (the paper's JEM-k).

        Args:
          images: see the module's docstring; all are in memory at once.
          steps, seed: as in `sample` from the buffer.

        Returns:
          float32 [N, H, W, C], the refined images, about in [-1, 1].
        """
        x, single = self._batch(images)
        steps = self._steps(steps, continued=True)
        seeds = tf.constant([whole_number("seed", seed, 0), 0])
        x = pixels.from_uint8(x) if x.dtype == tf.uint8 else x
        parts = sampling.SameObjects(self.model.sampler)
        refined = sampling.check_finite(self._walk(x, steps, seeds, parts).numpy())
        return _first_if(single, refined)

    def _logits(self, images: Any) -> tuple[np.ndarray, bool]:
        x, single = self._batch(images)
        return inference.logits(self.model, x), single

    def _batch(self, images: Any) -> tuple[tf.Tensor, bool]:
        x, single = argument_checks.image_batch(images, self.image_shape)
        return tf.constant(x), single

    def _labels(self, n: int, label: int | str | None) -> np.ndarray | None:
        if label is None:
            return None
        return np.full(
            n, argument_checks.class_number(label, self.class_names), "int32"
        )

    def _steps(self, steps: int | None, *, continued: bool) -> tf.Tensor:
        if steps is not None:
            return tf.constant(whole_number("steps", steps, 0))
        own = self.run.options.sampling
        steps = sampling.usual_steps(
            own.sampler_steps, own.reinit_prob, continued=continued
        )
        return tf.constant(steps)

    @functools.cached_property
    def _scorer(self) -> Scorer:
        return Scorer(self.model, initial=initial_weights.classifier_of(self.run))

    @functools.cached_property
    def _calibrated(self) -> tuple[Scorer, Calibration]:
        return run_calibration.read_calibrated(
            self.run, lambda: loading.read_data(self.run)
        )[:2]

    def _fitted(self, names: Sequence[str]) -> Scorer:
        """The scorer, with the state of these scores."""
        with _FITTING:
            if (weights := self._first_values()) != self._fitted_to:
                self._fitted_names, self._fitted_to = set(ood_scores.PAPER), weights
            if not set(names) <= self._fitted_names:
                fitted_scores.attach(
                    self._scorer,
                    sorted({*names, *self._fitted_names}),
                    self.run,
                    lambda: loading.read_data(self.run),
                    precision=build.choose_precision(self.run.options)[0],
                )
                self._fitted_names |= set(names)
            return self._scorer

    def _first_values(self) -> list[bytes]:
        weights = self.model.network.get_weights()
        return [weight.ravel()[:FIRST].tobytes() for weight in weights]

    @tf.function(reduce_retracing=True, autograph=False)
    def _draw(self, n, labels, steps, seed, start, candidates, parts):
        buffer, sampler = parts.objects
        begin = (
            sampling.from_buffer(buffer)
            if start == "buffer"
            else starts.uniform(self.image_shape)
        )
        sampler = functools.partial(sampler, steps=steps)
        return sampling.draw(
            self.model, begin, sampler, n, seed, labels=labels, candidates=candidates
        )

    @tf.function(reduce_retracing=True, autograph=False)
    def _walk(self, x, steps, seed, parts):
        (sampler,) = parts.objects
        return sampler(self.model.energy(), x, steps=steps, seed=seed)[0]


def _first_if(single: bool, values: Any) -> Any:
    return values[0] if single else values
