"""What is asked for, and what that means for a run: its classes, start and walk."""

import collections
import dataclasses

import numpy as np

from jem_tf import samplers, starts
from jem_tf.drawing import inpainting, walks
from jem_tf.errors import InputError
from jem_tf.evaluation import sample_sets
from jem_tf.runs import build
from jem_tf.system import log

STARTS = ("buffer", "fresh", "noise")
COUNTS = {"grid": (100, 10), "chain": (10, 1), "inpaint": (8, 8)}  # in all, a class
HOMES = {
    "candidates": ("grid", "inpaint"),
    "frames": ("chain",),
    "image": ("inpaint",),
    "mask": ("inpaint",),
}
SHOWN = 20  # names of classes in an error
# classes [R] and labels [n]: ints, or None; begin: one of STARTS; start, walk, known as
# in `walks.draw`; n: how many images
Plan = collections.namedtuple("Plan", "classes labels begin start walk known n")


@dataclasses.dataclass(frozen=True)
class Request:
    """The flags of `tools/sample.py`, which describe themselves."""

    mode: str = "grid"
    count: int | None = None
    labels: str = ""
    start: str | None = None
    steps: int | None = None
    step_size: float | None = None
    noise: float | None = None
    candidates: int | None = None
    frames: int | None = None
    image: str = ""
    mask: str = ""
    seed: int = 0

    def __post_init__(self):
        for name, modes in HOMES.items():
            value = getattr(self, name)
            if value and self.mode not in modes:
                raise InputError(
                    f"--{name}={value} is for --mode={' or '.join(modes)}."
                )
        if self.mode == "inpaint" and not (self.image and self.mask):
            raise InputError(
                "--mode=inpaint needs an --image, a picture or test:INDEX, and a "
                f"--mask: {inpainting.MASKS}."
            )

    def changed(self):
        """{name: value} of what is not as by default, the mode apart."""
        fields = dataclasses.fields(self)[1:]
        asked = {field.name: getattr(self, field.name) for field in fields}
        return {
            field.name: asked[field.name]
            for field in fields
            if asked[field.name] != field.default
        }


def plan(run, wanted, data):
    """What a request means for a run.

    Args:
      run: trained.Trained.
      wanted: Request.
      data: a function of no arguments -> datasets.Dataset of the run, called only if
        the request needs it.

    Returns:
      Plan.

    Raises:
      InputError: if the run has not what is asked for.
    """
    classes = labels_of(wanted.labels, run.class_names)
    begin = wanted.start or _usual_start(run, wanted.mode)
    of, shape = None, run.model.network.input_shape[1:]
    if wanted.mode == "inpaint":
        free = inpainting.mask(wanted.mask, shape)
        of = inpainting.Known(inpainting.image(wanted.image, shape, data), free)
    count = wanted.count or COUNTS[wanted.mode][classes is not None]
    labels = None if classes is None else np.repeat(classes, count)
    if labels is None and begin == "buffer" and of is None:
        labels = walks.in_turn(run.model, count)
    n = count if labels is None else len(labels)
    start, walk = _start(run, begin, data), _walk(run.options.sampling, wanted, begin)
    return Plan(classes, labels, begin, start, walk, of, n)


def labels_of(words, names):
    """Class names or numbers by commas, or "all" -> [int]; None where there are none.

    Args:
      words: as a user gave them; a name is taken before a number.
      names: [K] of the classes.

    Raises:
      InputError: if there is no such class.
    """
    if not words:
        return None
    if words == "all":
        return list(range(len(names)))
    return [_label(word.strip(), words, names) for word in words.split(",")]


def _label(word, words, names):
    if word in names:
        return names.index(word)
    if word.isdecimal() and len(word) < 10 and int(word) < len(names):
        return int(word)
    some = ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
    raise InputError(
        f"--labels={words}: the run has no class {word!r}; choose among {some}, the "
        f"numbers 0 to {len(names) - 1}, or all."
    )


def _usual_start(run, mode):
    if run.model.buffer is None:
        log.say("a plain classifier has no buffer: chains start from U(-1, 1) noise")
        return "noise"
    return "buffer" if mode == "grid" else "fresh"


def _start(run, begin, data):
    """Where chains start, see `starts`."""
    if begin == "buffer":
        if run.model.buffer is None:
            raise InputError(
                f"--start=buffer: {run.root} is a plain classifier and has none; give "
                "--start=noise."
            )
        return walks.of_buffer(run.model.buffer)
    if begin == "fresh" and run.options.sampling.start != "uniform":
        return build.start(run.options, data())
    return starts.uniform(run.model.network.input_shape[1:])


def _walk(sampling, wanted, begin):
    """The run's own sampler but for what is asked for.

    From the buffer chains go on as in training, K steps; from elsewhere K / rho, as
    many as a chain of the buffer goes in the mean.
    """
    steps = wanted.steps
    if steps is None and begin != "buffer":
        steps = sample_sets.mean_length(sampling.sgld_steps, sampling.reinit_prob)
    asked = {"steps": steps, "step_size": wanted.step_size, "noise": wanted.noise}
    changes = {name: value for name, value in asked.items() if value is not None}
    return build.sampler(sampling, samplers.sgld, **changes)
