"""`jem-tf pretrained`: the models that come with the package."""

from absl import flags

from jem_tf.commands.command import Command
from jem_tf.runs import pretrained_models
from jem_tf.system import console


def define(values: flags.FlagValues) -> None:
    """Defines no flag."""


def run(values: flags.FlagValues) -> None:
    """Prints each model's name, version, size, what it is and how it was made."""
    lines: list[str] = []
    for model in pretrained_models.pretrained().values():
        pretrained_models.check(model)
        size = sum((model.folder / file).stat().st_size for file in model.sha256)
        lines.append(f"{model.name} (version {model.version}, {size / 1e6:.2f} MB)")
        lines += [f"    {line}" for line in (model.about, *model.made_by)]
    console.show("\n".join(lines))


COMMAND = Command(
    "pretrained",
    """
Lists the models that come with the package, with the commands that made them, after it
has compared their files with their sha256. Their names can be given to --model of the
commands that classify, draw, measure and export, to --init, and to jem_tf.load in
Python; cifar10@1 is that version, or refused.

    jem-tf pretrained
""",
    define,
    run,
)
