"""What is asked for, and what that means for a run: its classes, start and sampler."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from jem_tf import samplers, sampling, starts
from jem_tf.datasets import Dataset
from jem_tf.errors import InputError, argument
from jem_tf.generation import inpainting_inputs
from jem_tf.options import Sampling
from jem_tf.runs import build
from jem_tf.runs.loading import TrainedRun
from jem_tf.system import console

STARTS = ("buffer", "fresh", "noise")
COUNTS = {"grid": (100, 10), "chain": (10, 1), "inpaint": (8, 8)}  # in all, a class
MODES = {  # of a request's field; others are for all modes
    "candidates": ("grid", "inpaint"),
    "frames": ("chain",),
    "image": ("inpaint",),
    "mask": ("inpaint",),
}
SHOWN = 20  # names of classes in an error


class SamplingPlan(NamedTuple):
    """What a request means for a run.

    classes: [R], one for each row of a picture; None: no rows by class.
    labels: int [n] of the images, or None to draw from p(x).
    begin: one of STARTS.
    start, sampler, known: as in `sampling.draw_many`.
    n: how many images.
    """

    classes: list[int] | None
    labels: np.ndarray | None
    begin: str
    start: starts.Start
    sampler: functools.partial
    known: sampling.Known | None
    n: int

    @property
    def steps(self) -> int:
        """K, the steps of each chain."""
        return self.sampler.keywords["steps"]


@dataclasses.dataclass(frozen=True)
class Request:
    """What to draw: the flags of `jem-tf sample`, which describe themselves."""

    mode: str = "grid"
    count: int | None = None
    labels: str = ""
    start: str | None = None
    steps: int | None = None
    step_size: float | None = None
    noise: float | None = None
    temperature: float | None = None
    candidates: int | None = None
    frames: int | None = None
    image: str = ""
    mask: str = ""
    seed: int = 0

    def __post_init__(self):
        for name, modes in MODES.items():
            value = getattr(self, name)
            if value and self.mode not in modes:
                raise InputError(
                    f"{argument(name, value)} is for "
                    f"{argument('mode', ' or '.join(modes))}."
                )
        if self.mode == "inpaint" and not (self.image and self.mask):
            raise InputError(
                f"{argument('mode', 'inpaint')} needs an {argument('image')}, a "
                f"picture or test:INDEX, and a {argument('mask')}: "
                f"{inpainting_inputs.MASKS}."
            )

    def changed(self) -> dict[str, Any]:
        """{name: value} of what is not as by default, the mode apart."""
        fields = dataclasses.fields(self)[1:]
        values = {field.name: getattr(self, field.name) for field in fields}
        return {
            field.name: values[field.name]
            for field in fields
            if values[field.name] != field.default
        }


def make_plan(
    run: TrainedRun, request: Request, data: Callable[[], Dataset]
) -> SamplingPlan:
    """Works out what a request means for a run.

    Args:
      run: TrainedRun.
      request: Request.
      data: loads the data set of the run; called only if the request needs it.

    Raises:
      InputError: if the run has not what is asked for.
    """
    classes = parse_labels(request.labels, run.class_names)
    begin = request.start or _usual_start(run, request.mode)
    known, shape = None, run.model.network.input_shape[1:]
    if request.mode == "inpaint":
        free = inpainting_inputs.read_mask(request.mask, shape)
        image = inpainting_inputs.read_image(request.image, shape, data)
        known = sampling.Known(image, free)
    count = request.count or COUNTS[request.mode][classes is not None]
    labels = None if classes is None else np.repeat(classes, count)
    if labels is None and begin == "buffer" and known is None:
        labels = sampling.classes_in_turn(run.model, count)
    if labels is not None:
        count = len(labels)
    start = _make_start(run, begin, data)
    sampler = _make_sampler(run.options.sampling, request, begin)
    return SamplingPlan(classes, labels, begin, start, sampler, known, count)


def parse_labels(words: str, names: Sequence[str]) -> list[int] | None:
    """Reads class names or numbers with commas between them, or "all".

    Args:
      words: as a user gave them; a name is taken before a number.
      names: [K] of the classes.

    Returns:
      Numbers of classes; None where there are no words.

    Raises:
      InputError: if there is no such class.
    """
    if not words:
        return None
    if words == "all":
        return list(range(len(names)))
    return [_parse_label(word.strip(), words, names) for word in words.split(",")]


def _parse_label(word: str, words: str, names: Sequence[str]) -> int:
    if word in names:
        return names.index(word)
    if word.isdecimal() and len(word) < 10 and int(word) < len(names):
        return int(word)
    some = ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
    raise InputError(
        f"{argument('labels', words)}: the run has no class {word!r}; choose among "
        f"{some}, the numbers 0 to {len(names) - 1}, or all."
    )


def _usual_start(run: TrainedRun, mode: str) -> str:
    if run.model.buffer is None:
        console.say(
            "a plain classifier has no buffer: chains start from U(-1, 1) noise"
        )
        return "noise"
    return "buffer" if mode == "grid" else "fresh"


def _make_start(
    run: TrainedRun, begin: str, data: Callable[[], Dataset]
) -> starts.Start:
    if begin == "buffer":
        if run.model.buffer is None:
            raise InputError(
                f"{argument('start', 'buffer')}: {run.folder} is a plain classifier "
                f"and has none; give {argument('start', 'noise')}."
            )
        return sampling.from_buffer(run.model.buffer)
    if begin == "fresh" and run.options.sampling.start != "uniform":
        return build.make_start(run.options, data())
    return starts.uniform(run.model.network.input_shape[1:])


def _make_sampler(own: Sampling, request: Request, begin: str) -> functools.partial:
    """The run's own sampler but for what is asked for."""
    usual = sampling.usual_steps(
        own.sampler_steps, own.reinit_prob, continued=begin == "buffer"
    )
    changes = {"steps": request.steps or usual}
    for name in samplers.HYPERPARAMETERS:
        if (value := getattr(request, name)) is not None:
            changes[name] = value
    return build.make_sampler(own, **changes)
