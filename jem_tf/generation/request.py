"""A request for images, and the plan of how to draw them from a run."""

import dataclasses
import functools
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from jem_tf import samplers, sampling, starts
from jem_tf.datasets import Dataset, class_numbers
from jem_tf.errors import InputError, argument, arguments_renamed
from jem_tf.generation import inpainting_inputs
from jem_tf.options import Sampling
from jem_tf.replay import ReplayBuffer
from jem_tf.runs import build
from jem_tf.runs.loading import TrainedRun
from jem_tf.system import console, texts

STARTS = ("buffer", "fresh", "noise")
# By mode, the default number of images: without labels in all, with labels for each.
COUNTS = {"grid": (100, 10), "chain": (10, 1), "inpaint": (8, 8)}
MODES = {  # {field of a request: the modes that take it}; all modes take the others
    "candidates": ("grid", "inpaint"),
    "frames": ("chain",),
    "image": ("inpaint",),
    "mask": ("inpaint",),
}
SHOWN = 20  # names of classes that an error lists at most
QUOTED = re.compile(r'\s*"((?:[^"]|"")*)"\s*,')
WORD = re.compile(r"\s*([^,]*?)\s*,")


class SamplingPlan(NamedTuple):
    """How images are drawn from a run to meet a request.

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

    def continues_chains_twice(
        self, buffer: ReplayBuffer | None, candidates: int = 1
    ) -> bool:
        """Whether several chains begin at one of the buffer, since it has too few.

        A batch takes none twice that need not be; the next one chooses anew.
        """
        if self.begin != "buffer" or buffer is None:
            return False
        there, taken = buffer.count_samples(), self.n * candidates
        if taken > sampling.BATCH_SIZE:
            return True
        if len(there) == 1 or self.labels is None:
            return taken > there.sum()
        each = np.bincount(self.labels, minlength=len(there)) * candidates
        return bool((each > there).any())


@dataclasses.dataclass(frozen=True)
class Request:
    """What to draw. Fields are flags of `jem-tf sample`, whose help describes them."""

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
        for name, choices in (("mode", tuple(COUNTS)), ("start", (None, *STARTS))):
            if (value := getattr(self, name)) not in choices:
                words = ", ".join(filter(None, choices))
                raise InputError(f"{argument(name, value)}: choose one of {words}.")
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
        """Returns the fields, except the mode, that differ from their defaults."""
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
    """Makes the plan for a request to a run.

    Args:
      run: the run to draw from.
      request: what to draw.
      data: loads the data set of the run; called only if the request needs it.

    Raises:
      InputError: if the run cannot do what is requested.
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

    A name may have commas itself: the longest name that the words begin with is taken.
    Quotes keep a name together as in CSV, and make it none of "all".

    Args:
      words: the user's text; what a number means, `class_numbers.find_class` says.
      names: [K], the names of the classes.

    Returns:
      Numbers of classes; None if the text is empty.

    Raises:
      InputError: if there is no such class, or a number may mean two.
    """
    if not words:
        return None
    if words.strip() == "all":
        return list(range(len(names)))
    return [_parse_label(word, words, names) for word in _split_words(words, names)]


def _split_words(words: str, names: Sequence[str]) -> list[str]:
    """The words between commas, but for the commas of names and in quotes."""
    names = sorted(names, key=len, reverse=True)
    named = [re.compile(rf"\s*({re.escape(name)})\s*,") for name in names]
    split, rest = [], f"{words},"
    while rest:
        matches = (pattern.match(rest) for pattern in [*named, QUOTED, WORD])
        pattern, match = next((m.re, m) for m in matches if m)
        word = match[1].replace('""', '"') if pattern is QUOTED else match[1]
        split.append(word)
        rest = rest[match.end() :]
    return split


def _parse_label(word: str, words: str, names: Sequence[str]) -> int:
    with arguments_renamed(label="labels"):
        if (place := class_numbers.find_class(word, names)) is not None:
            return place
    numbers = f", the numbers 0 to {len(names) - 1}"
    if class_numbers.has_numbers(names):
        numbers = ""
    some = ", ".join(map(texts.quote, names[:SHOWN])) + ", ..." * (len(names) > SHOWN)
    raise InputError(
        f"{argument('labels', words)}: the run has no class {word!r}; choose among "
        f"{some}{numbers}, or all."
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
                f"without a buffer; give {argument('start', 'noise')}."
            )
        run.model.buffer.check_samples()
        return sampling.from_buffer(run.model.buffer)
    if begin == "fresh" and run.options.sampling.start != "uniform":
        try:
            images = data()
        except InputError as error:
            raise error.followed_by(
                f"Chains that need no data begin at {argument('start', 'noise')}, or "
                f"go on from {argument('start', 'buffer')}."
            ) from error
        return build.make_start(run.options, images, for_samples=True)
    return starts.uniform(run.model.network.input_shape[1:])


def _make_sampler(own: Sampling, request: Request, begin: str) -> functools.partial:
    """Makes the run's sampler, with the numbers that the request gives."""
    usual = sampling.usual_steps(
        own.sampler_steps, own.reinit_prob, continued=begin == "buffer"
    )
    numbers = {name: getattr(request, name) for name in samplers.HYPERPARAMETERS}
    return build.make_sampler(own, steps=request.steps or usual, **numbers)
