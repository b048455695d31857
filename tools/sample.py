"""Draws pictures from a trained run: grids, chains from noise to image, inpaintings.

    python tools/sample.py --workdir=RUN --labels=all
    python tools/sample.py --workdir=RUN --mode=chain --steps=500
    python tools/sample.py --workdir=RUN --mode=inpaint --image=test:3 --mask=right

Writes a .png and an .npz, of chains a .gif too, to RUN/samples; equal flags give equal
files. `jem_tf/sampling/keep.py` says what the .npz holds.
"""

import dataclasses
import functools
import pathlib

import jem_tf.system.quiet  # before TensorFlow, whose chatter it mutes  # noqa: F401

# isort: split
from absl import app, flags

from jem_tf.commands import command
from jem_tf.drawing import inpainting, output, pictures, request, walks
from jem_tf.runs import loading

FLAGS = flags.FLAGS
flags.DEFINE_enum("mode", "grid", list(request.COUNTS), "what to draw")
flags.DEFINE_integer(
    "count", None, "images, of each class if there are --labels; default: as fits", 1
)
flags.DEFINE_string(
    "labels", "", "names or numbers of classes by commas, or all: draws from p(x | y)"
)
flags.DEFINE_enum(
    "start",
    None,
    request.STARTS,
    "of chains. buffer: the run's, gone on with (default of grids); fresh: where those "
    "started (default of the others); noise: U(-1, 1)",
)
flags.DEFINE_integer(
    "steps", None, "of SGLD; default: the run's K from the buffer, else K / rho", 1
)
flags.DEFINE_float("step_size", None, "times the score; default: the run's", 0)
flags.DEFINE_float("noise", None, "of a step, in pixels; default: the run's", 0)
flags.DEFINE_integer(
    "candidates", None, "chains an image, one picked by exp(-E); default: 1", 1
)
flags.DEFINE_integer(
    "frames", None, "of a film, evenly over the chain's steps; default: 51", 2
)
flags.DEFINE_string("image", "", "to inpaint: a picture, or test:INDEX")
flags.DEFINE_string("mask", "", f"what of it to paint: {inpainting.MASKS}, white there")
flags.DEFINE_string("out", "", "folder to write to; default: RUN/samples")


def run():
    """Reads what is asked for, draws, writes, says where."""
    fields = dataclasses.fields(request.Request)
    wanted = request.Request(**{f.name: FLAGS[f.name].value for f in fields})
    of = loading.read(FLAGS.workdir, best=FLAGS.best, precision=FLAGS.precision or None)
    data = functools.cache(lambda: command.data_of(of, FLAGS.data_dir))
    plan = request.plan(of, wanted, data)
    places = output.places(
        pathlib.Path(FLAGS.out or of.root / "samples"),
        output.name(wanted, of),
        pictures.ENDINGS[wanted.mode],
    )
    drawn = walks.draw(
        of.model,
        plan.start,
        plan.walk,
        plan.n,
        labels=plan.labels,
        candidates=wanted.candidates or 1,
        frames=(wanted.frames or 51) if wanted.mode == "chain" else 0,
        seed=wanted.seed,
        known=plan.known,
    )
    writers = pictures.of(drawn, plan, of.class_names)
    writers[".npz"] = output.arrays(drawn, plan, output.settings(of, wanted, plan))
    output.write(places, writers)
    steps, energy = plan.walk.keywords["steps"], drawn.energies.mean()
    print(f"{plan.n} images, {steps} steps, start: {plan.begin}; mean E(x)", end=" ")
    print(f"{energy:.2f} nats", *places.values(), sep="\n")


if __name__ == "__main__":
    command.define(FLAGS, limit=False)
    parse = functools.partial(command.parse, flag_values=FLAGS)
    place = functools.partial(command.end_well, run)
    app.run(lambda argv: place(argv, FLAGS.workdir), flags_parser=parse)
