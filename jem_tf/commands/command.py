"""What the tools share: flags, the run they look at, an end in one clear sentence."""

import collections
import dataclasses
import functools
import sys

from absl import app

from jem_tf import datasets
from jem_tf.errors import InputError
from jem_tf.evaluation import findings, tables
from jem_tf.runs import loading, run_folder

Subject = collections.namedtuple("Subject", "run data limit seed data_dir")


def define(flag_values, *, limit=True):
    """Defines the flags that tools share, but for --limit if that is False."""
    from absl import flags

    here = {"flag_values": flag_values}
    flags.DEFINE_string("workdir", None, "RUN, the run to look at", **here)
    flags.DEFINE_bool("best", False, "its best checkpoint, not the newest", **here)
    if limit:
        flags.DEFINE_integer("limit", 0, "images at most, for a quick look", 0, **here)
    flags.DEFINE_integer("seed", 0, "of all that is random", 0, 2**31 - 1, **here)
    flags.DEFINE_string(
        "data_dir", "", "prepared TFDS data, if not where the run had it", **here
    )
    flags.DEFINE_enum(
        "precision",
        "",
        ["", "float32", "mixed_bfloat16", "mixed_float16"],
        "of the network, if not as it was trained",
        **here,
    )
    flags.mark_flag_as_required("workdir", flag_values)


def start(name, evaluate, flag_values):
    """Runs a tool: loads the run, evaluates, writes and prints what was found.

    Args:
      name: of the evaluation, as in `results.keep`.
      evaluate: Subject(run: trained.Trained, data: datasets.Dataset, limit: int, 0 for
        none, seed: int, data_dir: str) -> results.Findings.
      flag_values: absl.flags.FlagValues, in which `define` defined the flags.
    """
    whole = functools.partial(_evaluate, name, evaluate, flag_values)
    app.run(lambda argv: end_well(whole, argv, flag_values["workdir"].value))


def parse(argv, flag_values):
    """Parses as `absl.app.run` wants it: what is wrong ends the program, in a line."""
    from absl import flags

    try:
        return flag_values(argv)
    except flags.Error as error:
        sys.exit(f"jem_tf: {' '.join(str(error).split())}")


def end_well(run, argv, place):
    """Runs a program; what the user gave wrong ends it in one sentence.

    Args:
      run: a function of no arguments.
      argv: of the program, with flags taken out.
      place: the --workdir that it writes to.
    """
    if len(argv) > 1:
        sys.exit(f"jem_tf: {argv[1]!r} is not a flag; write --name=value.")
    try:
        run()
    except InputError as error:
        sys.exit(f"jem_tf: {error}")
    except OSError as error:
        sys.exit(f"jem_tf: --workdir={place} cannot be written: {error}")
    except KeyboardInterrupt:
        sys.exit("jem_tf: interrupted; nothing was written.")


def subject(flag_values):
    """The run and the data that the flags name."""
    given = {name: flag_values[name].value for name in flag_values}
    run = loading.read(
        given["workdir"], best=given["best"], precision=given["precision"] or None
    )
    data_dir = given["data_dir"] or run.options.data.data_dir
    data = data_of(run, data_dir)
    return Subject(run, data, given["limit"], given["seed"], data_dir)


def data_of(run, data_dir=""):
    """The data set that a run was trained on.

    Raises:
      InputError: if it is not there, or has other classes or images by now.
    """
    wanted = run.options.data
    if data_dir:
        wanted = dataclasses.replace(wanted, data_dir=data_dir)
    data = datasets.load(
        wanted.dataset, data_dir=wanted.data_dir, image_size=wanted.image_size
    )
    if data.class_names != run.class_names:
        raise InputError(
            f"--workdir={run.root} was trained on other classes than "
            f"{wanted.dataset} has here; give its data by --data_dir."
        )
    theirs, ours = run_folder.about(run.root)["sizes"], run_folder.sizes(data)
    # Of imported weights nobody knows which images they were kept from, anyway.
    if theirs != ours and not loading.imported(run.root):
        raise InputError(
            f"--workdir={run.root} was trained on other images ({theirs}) than "
            f"{wanted.dataset} has here ({ours}), so what it has not seen is not "
            "known; give its data by --data_dir."
        )
    return data


def first(split, limit):
    """The first `limit` images of a split and their labels; all if 0."""
    return type(split)(*(part[: limit or None] for part in split))


def _evaluate(name, evaluate, flag_values):
    looked_at = subject(flag_values)
    found = evaluate(looked_at)
    given = {"seed": looked_at.seed, "limit": looked_at.limit}
    protocol = findings.about(looked_at.run, looked_at.data) | given | found.protocol
    found = found._replace(protocol=protocol)
    run = looked_at.run
    written = findings.keep(run.root, name, found, run.step)
    print(f"\n{name} of {run.root} at step {run.step}")
    print("\n".join(tables.text(found.metrics)), end="\n\n")
    print(*written, sep="\n")
