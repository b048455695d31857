"""Does confidence match accuracy where images are corrupted? By kind and severity.

Source: Hendrycks & Dietterich (ICLR 2019); the question is that of Ovadia et al.
(NeurIPS 2019). Letters: N images, C kinds of corruption, S severities.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from jem_tf import corruptions, pixels
from jem_tf.datasets import Split
from jem_tf.energy_model import Classifier
from jem_tf.evaluation import inference
from jem_tf.figures import calibration_plots, captioned_grids
from jem_tf.metrics import calibration, intervals

SEVERITIES = corruptions.SEVERITIES
PARAMETERS_FOR = 32  # pixels a side
ERROR = (
    "mean share of errors over the corruptions and severities; not divided by the "
    "errors of AlexNet, as the mCE of the paper is"
)


class Measured(NamedTuple):
    """A number of N images, what it is in R resamples of them, and by chance.

    value: the number.
    resampled: float [R].
    by_chance: float [R], as of `intervals.basic_interval`, or None.
    share_of: N if the number is a share of the images; 0 if it is an error.
    """

    value: float
    resampled: np.ndarray
    by_chance: np.ndarray | None = None
    share_of: int = 0

    def interval(self) -> list[float]:
        """Returns its 95% interval."""
        if self.share_of:
            ends = intervals.percentile_interval(self.resampled)
            return intervals.widen_share(self.value, self.share_of, ends)
        return intervals.basic_interval(
            self.value, self.resampled, by_chance=self.by_chance
        )


NUMBERS = ("accuracy", "ece", "ece_temperature_scaled")
Cell = dict[str, Measured]  # of NUMBERS, on N images under one corruption


def evaluate_shift(
    model: Classifier,
    evaluated: Split,
    names: Sequence[str],
    *,
    temperature: float,
    severities: Sequence[int] = SEVERITIES,
    seed: int = 0,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Measures accuracy and ECE on corrupted images.

    Args:
      model: classifies them.
      evaluated: Split(images uint8 [N, H, W, 1 or 3], labels int [N]).
      names: C names of `corruptions.CORRUPTIONS`.
      temperature: T of the ECE of softmax(f(x) / T), fitted on images without
        corruption.
      severities: S of SEVERITIES, ascending.
      seed: of the corruptions, the bootstrap and the labels by chance.

    Returns:
      ({"corrupted_accuracy/<name>/severity_<s>": number, its _ci, the same of
      corrupted_ece and corrupted_ece_temperature_scaled, their means over the
      corruptions under the name "mean", "mean_corruption_error": see ERROR},
      {"shift", "corruptions": figures}, the latter of the first image).
    """
    from tqdm import tqdm

    images, labels = np.asarray(evaluated.images), np.asarray(evaluated.labels)
    counts = intervals.resample_counts(len(labels), seed=seed)
    cells: dict[tuple[str, int], Cell] = {}
    places = [(name, s) for name in names for s in severities]
    # disable=None: no bar where there is no terminal
    for name, severity in tqdm(places, "corruptions", unit="set", disable=None):
        corrupted = corruptions.corrupt(images, name, severity, seed=seed)
        logits = inference.logits(model, corrupted)
        cells[name, severity] = _measure(logits, labels, temperature, counts, seed)
    means = {
        ("mean", severity): _mean([cells[name, severity] for name in names])
        for severity in severities
    }
    right = _mean(list(means.values()))["accuracy"]
    metrics: dict[str, Any] = {
        "mean_corruption_error": 1 - right.value,
        "mean_corruption_error_ci": [1 - end for end in right.interval()[::-1]],
    }
    for number in NUMBERS:
        for place, cell in (cells | means).items():
            metrics |= _name(number, *place, cell[number], len(labels))
    logits = inference.logits(model, images)
    clean = _measure(logits, labels, temperature, counts, seed)
    figures = {
        "shift": _figure(clean, cells, means, names),
        "corruptions": _examples(images[:1], names, severities, seed),
    }
    return metrics, figures


def describe_shift(
    names: Sequence[str],
    shape: Sequence[int],
    on: str = "test",
    *,
    severities: Sequence[int] = SEVERITIES,
) -> dict[str, Any]:
    """Describes in a protocol how `evaluate_shift` measures images of this shape."""
    height, width = shape[:2]
    side = PARAMETERS_FOR
    other = "" if height == width == side else f", on images of {height}x{width}"
    left_out = dict(corruptions.LEFT_OUT)
    chosen = {n: "not asked for" for n in corruptions.CORRUPTIONS if n not in names}
    return {
        "corruptions": list(names),
        "severities": list(severities),
        "corruptions_left_out": left_out | chosen,
        "corruption_parameters": "Hendrycks & Dietterich 2019, those of CIFAR-10-C, "
        f"made for {side}x{side} pixels{other}; drawn anew, not the published files",
        "mean_corruption_error": ERROR,
        "temperature_scaled": "T of validation images without corruption",
        "corrupted_accuracy_ci": "Wilson, 95%; of the mean, percentile bootstrap over "
        f"{on} images, {intervals.RESAMPLES} draws, at 0 and 1 with Wilson's",
        "corrupted_ece_ci": f"basic bootstrap over {on} images, each drawn with all "
        f"its corruptions, {intervals.RESAMPLES} draws, 95%; the low end as of "
        "other_ci",
    }


def _measure(
    logits: np.ndarray,
    labels: np.ndarray,
    temperature: float,
    counts: np.ndarray,
    seed: int,
) -> Cell:
    scaled = logits / temperature
    right = inference.is_right(logits, labels).astype("float64")
    resampled = counts @ right / len(right)
    accuracy = Measured(float(right.mean()), resampled, share_of=len(right))
    return {
        "accuracy": accuracy,
        "ece": _measure_error(logits, labels, counts, seed),
        "ece_temperature_scaled": _measure_error(scaled, labels, counts, seed),
    }


def _measure_error(
    logits: np.ndarray, labels: np.ndarray, counts: np.ndarray, seed: int
) -> Measured:
    """The ECE. One seed: an image's labels by chance go together in all corruptions."""
    resampled = calibration.resampled_errors(
        calibration.bin_gaps(logits, labels), counts
    )
    return Measured(
        calibration.expected_calibration_error(logits, labels),
        resampled,
        calibration.errors_by_chance(logits, len(counts), seed=seed),
    )


def _mean(cells: Sequence[Cell]) -> Cell:
    """The mean of each number over cells of the same images."""
    return {
        number: _mean_number([cell[number] for cell in cells]) for number in NUMBERS
    }


def _mean_number(numbers: Sequence[Measured]) -> Measured:
    by_chance = [one.by_chance for one in numbers if one.by_chance is not None]
    return Measured(
        float(np.mean([one.value for one in numbers])),
        np.mean([one.resampled for one in numbers], axis=0),
        np.mean(by_chance, axis=0) if by_chance else None,
        numbers[0].share_of,
    )


def _name(
    number: str, name: str, severity: int, measured: Measured, n: int
) -> dict[str, Any]:
    """A number and its interval, which is Wilson's for one accuracy."""
    key = f"corrupted_{number}/{name}/severity_{severity}"
    interval = measured.interval()
    if number == "accuracy" and name != "mean":
        interval = intervals.proportion(measured.value * n, n)
    return {key: measured.value, f"{key}_ci": interval}


def _figure(
    clean: Cell,
    cells: dict[tuple[str, int], Cell],
    means: dict[tuple[str, int], Cell],
    names: Sequence[str],
) -> Any:
    """Each number by severity, without corruption at 0."""
    panels, severities = {}, [severity for _, severity in means]
    for number in clean:
        mean = [clean, *means.values()]
        panels[number] = calibration_plots.BySeverity(
            np.array([cell[number].value for cell in mean]),
            np.array([cell[number].interval() for cell in mean]),
            {
                name: np.array(
                    [clean[number].value]
                    + [cells[name, s][number].value for s in severities]
                )
                for name in names
            },
            [0, *severities],
        )
    return calibration_plots.shift(panels)


def _examples(
    images: np.ndarray, names: Sequence[str], severities: Sequence[int], seed: int
) -> Any:
    """One image under every corruption, a row each, by severity."""
    rows = [
        [images, *(corruptions.corrupt(images, n, s, seed=seed) for s in severities)]
        for n in names
    ]
    shown = np.stack([np.concatenate(row) for row in rows])
    columns = ["clean", *map(str, severities)]
    return captioned_grids.labelled_rows(
        pixels.from_uint8(shown).numpy(), list(names), columns=columns
    )
