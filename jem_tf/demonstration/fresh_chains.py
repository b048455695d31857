"""Chains from noise to pictures of a class, with the steps between."""

from typing import Any, NamedTuple

import numpy as np

from jem_tf import pixels, sampling, starts
from jem_tf.datasets import Dataset
from jem_tf.demonstration.galleries import drawn_images
from jem_tf.demonstration.inline_pictures import png_url
from jem_tf.errors import whole_number
from jem_tf.generation import request
from jem_tf.generation.request import SamplingPlan
from jem_tf.replay import ReplayBuffer
from jem_tf.runs.loading import TrainedRun
from jem_tf.serving import argument_checks
from jem_tf.serving.predictor import Predictor
from jem_tf.starts import class_gaussians

CHAINS, FRAMES = 4, 41
RANK = 64  # directions in which the pictures that the model drew vary most
ABOUT_UNIFORM = "uniform noise"
ABOUT_MEAN_TRAINING_IMAGE = (
    "noise around the mean training image of the class, as in training"
)
ABOUT_MEAN_DRAWN_PICTURE = (
    "noise around the mean of the class's pictures that the model drew in training"
)


class ChainPlan(NamedTuple):
    """How chains are drawn.

    sampling: CHAINS chains by the model's own sampler, in as many steps as those of
      `jem-tf sample`.
    start_about: what they start from, in a phrase.
    """

    sampling: SamplingPlan
    start_about: str


def draw_chains(
    model: Predictor, chain_plan: ChainPlan, label: str, seed: Any
) -> dict[str, Any]:
    """Draws CHAINS pictures of a class, each by a chain that starts afresh.

    Args:
      model: draws them.
      chain_plan: as `plan_chains` returned it.
      label: name of the class.
      seed: int in [0, 2^31); equal seeds give equal chains.

    Returns:
      JSON values: "start", what the chains start from; "steps", [FRAMES] numbers of the
      steps that are shown; "chains", [{"film", "class", "confidence", "known"}, ...]. A
      film has the shown steps beneath each other; the rest is of the last step.

    Raises:
      InputError: if there is no such class, the seed is none, or the chains diverge.
    """
    seed = whole_number("seed", seed, 0)
    place = argument_checks.class_number(label, model.class_names)
    plan, about = chain_plan
    drawn = sampling.draw_many(
        model.model,
        plan.start,
        plan.sampler,
        plan.n,
        steps=plan.steps,
        labels=np.full(plan.n, place, "int32"),
        frames=FRAMES,
        seed_of_batch=lambda batch: [seed, batch],
    )
    assert drawn.frames is not None, "they were asked for"
    assert drawn.frame_steps is not None, "as they were"
    chains = describe_chains(model, drawn.frames)
    return {"start": about, "steps": drawn.frame_steps.tolist(), "chains": chains}


def plan_chains(run: TrainedRun, data: Dataset | None) -> ChainPlan:
    """Plans chains from the start of the training, or the nearest to it that there is.

    Args:
      run: the run to draw from.
      data: its data set; None if that is not on this machine.
    """
    name, buffer = run.options.sampling.start, run.model.buffer
    if buffer is not None and name != "uniform" and data is not None:
        about = f"what chains start from in training ({name})"
        if name == "gaussian":
            about = ABOUT_MEAN_TRAINING_IMAGE
        return ChainPlan(_plan(run, "fresh", data), about)
    plan = _plan(run, "noise", data)
    if buffer is None or name == "uniform" or not buffer.num_classes:
        return ChainPlan(plan, ABOUT_UNIFORM)
    if not buffer.has_samples:
        return ChainPlan(plan, ABOUT_UNIFORM)
    start, about = gaussian_of_drawn(buffer), describe_drawn_start(name)
    return ChainPlan(plan._replace(start=start), about)


def describe_drawn_start(name: str) -> str:
    """Says what chains start from instead of the run's start, in a phrase or two.

    Args:
      name: the run's start.
    """
    usual = f"chains start otherwise ({name}), which takes the training images; they"
    if name == "gaussian":
        usual = "it was around that of the training images, which"
    return f"{ABOUT_MEAN_DRAWN_PICTURE}. In training {usual} are not on this machine"


def gaussian_of_drawn(buffer: ReplayBuffer) -> starts.Start:
    """The Gaussian start, fitted to a buffer that keeps its chains by class."""
    images, labels = drawn_images(buffer)
    classes = buffer.num_classes
    assert labels is not None, "the buffer keeps its chains by class"
    assert classes is not None, "as it does"
    scaled = pixels.from_uint8(images).numpy()
    return class_gaussians.gaussian(scaled, labels, classes, rank=RANK)


def describe_chains(model: Predictor, frames: np.ndarray) -> list[dict[str, Any]]:
    """JSON values of chains, see `draw_chains`.

    Args:
      model: classifies their ends.
      frames: uint8 [F, n, H, W, C].
    """
    ends = model.classify(frames[-1])
    films = frames.swapaxes(0, 1).reshape(frames.shape[1], -1, *frames.shape[3:])
    return [
        {
            "film": png_url(film),
            "class": str(name),
            "confidence": float(confidence),
            "known": not bool(is_ood),
        }
        for film, name, confidence, is_ood in zip(
            films, ends.class_names, ends.confidence, ends.is_ood, strict=True
        )
    ]


def _plan(run: TrainedRun, begin: str, data: Dataset | None) -> SamplingPlan:
    def present() -> Dataset:
        assert data is not None, "chains start from noise without it"
        return data

    wanted = request.Request(mode="chain", count=CHAINS, start=begin)
    return request.make_plan(run, wanted, present)
