"""`jem-tf sample`: draws pictures from a trained run."""

import dataclasses
import functools
import pathlib

from absl import flags

from jem_tf import sampling
from jem_tf.commands import run_flags
from jem_tf.commands.command import Command, FlagGroup
from jem_tf.generation import inpainting_inputs, output, pictures, request
from jem_tf.runs import loading

FRAMES = 51  # of a film, unless more are asked for


def define(values: flags.FlagValues) -> None:
    """Defines the command's flags."""
    what = FlagGroup(values, "What to draw")
    what.choice("mode", "grid", list(request.COUNTS), "what to draw")
    what.integer(
        "count",
        None,
        "images; of each class if there are --labels. Unset: as many as fit the mode",
        1,
    )
    what.text(
        "labels",
        "",
        "classes to draw from p(x | y): names or numbers with commas between them, or "
        "all",
    )
    what.text("image", "", "image to inpaint: a picture's path, or test:INDEX")
    what.text("mask", "", f"pixels to paint: {inpainting_inputs.MASKS}, white there")
    what.integer(
        "frames", None, f"frames of a film, evenly over the steps. Unset: {FRAMES}", 2
    )
    what.text("out", "", "folder to write to. Empty: RUN/samples")
    how = FlagGroup(values, "How to draw it")
    how.choice(
        "start",
        None,
        request.STARTS,
        "where chains start. buffer: they continue the run's (grids, unless told); "
        "fresh: where the run's chains started (others, unless told); noise: U(-1, 1)",
    )
    how.integer(
        "steps",
        None,
        "steps of the sampler. Unset: the run's K from the buffer, else K / rho",
        1,
    )
    how.number(
        "step_size", None, "a, which multiplies the score. Unset: the run's", above=0
    )
    how.number(
        "noise",
        None,
        "standard deviation of a step's noise, in pixels of [-1, 1]. Unset: the run's",
        0,
    )
    how.number(
        "temperature", None, "temperature, of mala only. Unset: the run's", above=0
    )
    how.integer(
        "candidates",
        None,
        "chains an image; one of them is picked with probability ~ exp(-E). Unset: 1",
        1,
    )
    run_flags.define(values, limit=False)


def run(values: flags.FlagValues) -> None:
    """Reads what is asked for, draws, writes, says where."""
    fields = dataclasses.fields(request.Request)
    wanted = request.Request(**{f.name: values[f.name].value for f in fields})
    trained = run_flags.read_run(values)
    data = functools.cache(lambda: loading.read_data(trained, values.data_dir))
    plan = request.make_plan(trained, wanted, data)
    paths = output.reserve(
        pathlib.Path(values.out or trained.folder.samples),
        output.name_files(wanted, trained),
        pictures.ENDINGS[wanted.mode],
    )
    drawn = sampling.draw_many(
        trained.model,
        plan.start,
        plan.sampler,
        plan.n,
        steps=plan.steps,
        labels=plan.labels,
        candidates=wanted.candidates or 1,
        frames=(wanted.frames or FRAMES) if wanted.mode == "chain" else 0,
        known=plan.known,
        seed_of_batch=lambda batch: [wanted.seed, batch],
    )
    settings = output.describe_settings(trained, wanted, plan)
    writers = pictures.picture_writers(drawn, plan, trained.class_names)
    writers[".npz"] = output.array_writer(drawn, plan, settings)
    output.write_all(paths, writers)
    print(
        f"{plan.n} images, {plan.steps} steps, start: {plan.begin}; mean E(x) "
        f"{drawn.energies.mean():.2f} nats",
        *paths.values(),
        sep="\n",
    )


COMMAND = Command(
    "sample",
    """
Draws pictures from a trained run: grids, chains from noise to image, inpaintings.

    jem-tf sample --workdir=RUN --labels=all
    jem-tf sample --workdir=RUN --mode=chain --steps=500
    jem-tf sample --workdir=RUN --mode=inpaint --image=test:3 --mask=right

Writes a .png and an .npz, of chains a .gif too, to RUN/samples; equal flags give equal
files. `jem_tf/generation/output.py` says what the .npz holds.
""",
    define,
    run,
)
