"""`jem-tf SUBCOMMAND`: the subcommands by name, each in a module of its own."""

import importlib
import sys
from collections.abc import Sequence
from typing import NoReturn

from jem_tf.system import console

# name: (module, what it does in a line). A module is imported when its command is run.
COMMANDS = {
    "train": ("jem_tf.train", "train a model, or continue a run"),
    "evaluate all": (
        "jem_tf.commands.evaluate_all",
        "all of these, of a run and its baseline and seeds; goes on if killed",
    ),
    "evaluate calibration": (
        "jem_tf.commands.evaluate_calibration",
        "accuracy, ECE, Brier score, NLL, temperature",
    ),
    "evaluate ood": (
        "jem_tf.commands.evaluate_ood",
        "outlier detection: AUROC, AUPR, FPR at 95% TPR",
    ),
    "evaluate samples": (
        "jem_tf.commands.evaluate_samples",
        "sample quality: FID, KID, IS, precision, recall, copies",
    ),
    "evaluate robustness": (
        "jem_tf.commands.evaluate_robustness",
        "accuracy under PGD attacks in L-inf and L2",
    ),
    "diagnose": (
        "jem_tf.commands.diagnose",
        "how well chains mix: effective sample size, R-hat",
    ),
    "report": ("jem_tf.commands.report", "all results of a run on one page"),
    "sample": (
        "jem_tf.commands.sample",
        "draw images: grids, chains as films, inpaintings",
    ),
    "classify": (
        "jem_tf.commands.classify",
        "classes of pictures, and whether the model knows such pictures",
    ),
    "demo": (
        "jem_tf.commands.demo",
        "a local page: what a model says of your pictures, and how it draws",
    ),
    "export": ("jem_tf.commands.export", "write a SavedModel for servers"),
    "pack": ("jem_tf.commands.pack", "write a run into a small folder"),
    "pretrained": (
        "jem_tf.commands.pretrained",
        "list the models that come with the package",
    ),
    "import-pytorch": (
        "jem_tf.commands.import_pytorch",
        "make a run from a checkpoint of the JEM authors' code",
    ),
    "lower": (
        "jem_tf.commands.lower",
        "write the training step as a program for machines with JAX alone",
    ),
    "import-lowered": (
        "jem_tf.commands.import_lowered",
        "make a checkpoint of a run from what such a program trained",
    ),
    "benchmark": (
        "jem_tf.commands.benchmark",
        "how fast a training step is on this machine",
    ),
}

ASKING = ("help", "-h", "--help")  # before a command: `jem-tf help train`


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """The program: runs a subcommand and exits.

    Args:
      arguments: what follows the program's name on the command line; None: those of
        this process.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if len(arguments) > 1 and arguments[0] in ASKING:
        arguments = [*arguments[1:], "--help"]
    if name := find_command(arguments):
        _run(name, arguments[len(name.split()) :])
    words = [word for word in arguments[:2] if not word.startswith("-")]
    if not words or words[0] == "help":
        console.end_with(help_text())
    _run_none(arguments, words)


def find_command(arguments: Sequence[str]) -> str | None:
    """The name of COMMANDS, of two words or one, that `arguments` begin with."""
    names = (" ".join(arguments[:count]) for count in (2, 1))
    return next((name for name in names if name in COMMANDS), None)


def _run_none(arguments: Sequence[str], words: Sequence[str]) -> NoReturn:
    """Ends the program where `arguments` begin with no command."""
    if arguments[0].startswith("-"):
        sys.exit(
            f"jem_tf: the command comes first, before {arguments[0]}; write jem-tf "
            "COMMAND [FLAGS]."
        )
    group = [name for name in COMMANDS if name.startswith(f"{words[0]} ")]
    if group and any(word.lstrip("-").startswith("h") for word in arguments[1:2]):
        console.end_with(help_text(group))
    known = ", ".join(group or COMMANDS)
    sys.exit(f"jem_tf: {' '.join(words)!r} is no command; choose one of {known}.")


def help_text(names: Sequence[str] = tuple(COMMANDS)) -> str:
    """The text of `jem-tf --help`."""
    lines = [f"  {name:<22}{COMMANDS[name][1]}" for name in names]
    return "\n".join(
        [
            "usage: jem-tf COMMAND [FLAGS]",
            "",
            "Joint energy-based models: train, measure, sample and serve them.",
            "",
            *lines,
            "",
            "jem-tf COMMAND --help lists the flags of a command.",
        ]
    )


def _run(name: str, arguments: Sequence[str]) -> NoReturn:
    try:
        import jem_tf.system.tensorflow_setup  # noqa: F401  before TensorFlow

        # isort: split
        from jem_tf.commands import command

        module = importlib.import_module(COMMANDS[name][0])
    except KeyboardInterrupt:  # imports take seconds
        console.end_interrupted("jem_tf: interrupted before it began.")
    command.execute(module.COMMAND, arguments)


if __name__ == "__main__":
    main()
