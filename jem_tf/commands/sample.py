"""`jem-tf sample`: draws pictures from a trained run."""

import dataclasses
import functools
import pathlib

from absl import flags

from jem_tf import sampling
from jem_tf.commands import run_flags
from jem_tf.commands.command import Command, FlagGroup
from jem_tf.generation import inpainting_inputs, output, pictures, request
from jem_tf.runs import loading, pretrained_models
from jem_tf.system import console, files

FRAMES = 51  # of a film, by default


def define(values: flags.FlagValues) -> None:
    """Defines the command's flags."""
    define_pictures(FlagGroup(values, "What to draw"))
    define_chains(FlagGroup(values, "How to draw it"))
    run_flags.define(values, limit=False, results=False)


def define_pictures(what: FlagGroup) -> None:
    """Defines the flags of what is drawn, and where it goes."""
    what.choice(
        "mode",
        "grid",
        list(request.COUNTS),
        "what to draw. grid: images; chain: chains from start to image, as a strip and "
        "a film; inpaint: the masked pixels of an image",
    )
    what.integer(
        "count",
        None,
        "number of images; with --labels, for each class. Unset: grid 100 (10 a "
        "class), chain 10 (1 a class), inpaint 8",
        1,
    )
    what.text(
        "labels",
        "",
        "classes to draw from p(x | y): names or numbers with commas between them, or "
        'all; a name that has a comma is taken whole, or put in quotes: "a, b",c',
    )
    what.text("image", "", "image to inpaint: a picture's path, or test:INDEX")
    what.text(
        "mask",
        "",
        f"pixels to paint: {inpainting_inputs.MASKS} that is white at these pixels",
    )
    what.integer(
        "frames", None, f"frames of a film, at evenly spaced steps. Unset: {FRAMES}", 2
    )
    what.text(
        "out",
        "",
        "folder to write to. Empty: RUN/samples, or, of a pretrained model, the folder "
        "samples here",
    )


def define_chains(how: FlagGroup) -> None:
    """Defines the flags of the chains that draw it."""
    how.choice(
        "start",
        None,
        request.STARTS,
        "where chains start. buffer: they continue the run's chains; fresh: where the "
        "run's chains started; noise: U(-1, 1). Unset: buffer for grids, else fresh",
    )
    how.integer(
        "steps",
        None,
        "sampler steps. Unset: the run's K for chains from the buffer, else K / rho",
        1,
    )
    how.number("step_size", None, "a, the step size. Unset: the run's own", above=0)
    how.number(
        "noise",
        None,
        "standard deviation of the noise of a step, in pixels of [-1, 1]. Unset: the "
        "run's own",
        0,
    )
    how.number("temperature", None, "T, for mala only. Unset: the run's own", above=0)
    how.integer(
        "candidates",
        None,
        "chains an image; one of them is picked with probability ~ exp(-E). Unset: 1",
        1,
    )


def run(values: flags.FlagValues) -> None:
    """Reads the run, draws, writes the files and prints their paths."""
    fields = dataclasses.fields(request.Request)
    wanted = request.Request(**{f.name: values[f.name].value for f in fields})
    trained = run_flags.read_run(values)
    data = functools.cache(lambda: loading.read_data(trained, values.data_dir))
    plan = request.make_plan(trained, wanted, data)
    paths = output.reserve(
        where_to_write(values, trained),
        output.name_files(wanted, trained),
        pictures.ENDINGS[wanted.mode],
    )
    if plan.continues_chains_twice(trained.model.buffer, wanted.candidates or 1):
        console.say(
            "the replay buffer has too few chains for so many pictures: some continue "
            "the same one and are nearly copies; --start=fresh begins a chain for each"
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


def where_to_write(
    values: flags.FlagValues, trained: loading.TrainedRun
) -> pathlib.Path:
    """The folder for the pictures: --out, or the run's, or one beside the user."""
    if values.out:
        return files.expand(values.out)
    if (shipped := pretrained_models.find(values.workdir)) is not None:
        return pathlib.Path("samples", shipped.name)
    return trained.folder.samples


COMMAND = Command(
    "sample",
    """
Draws pictures from a trained run: grids, chains from noise to image, inpaintings.

    jem-tf sample --model=cifar10
    jem-tf sample --workdir=RUN --labels=all
    jem-tf sample --workdir=RUN --mode=chain --steps=500
    jem-tf sample --workdir=RUN --mode=inpaint --image=test:3 --mask=right

Writes a .png and an .npz, and for chains a .gif; equal flags give equal files.
`jem_tf/generation/output.py` says what the .npz holds.
""",
    define,
    run,
)
