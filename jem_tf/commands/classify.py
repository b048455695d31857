"""`jem-tf classify`: classes of pictures, and whether the model knows such pictures."""

import json
from collections.abc import Sequence

import numpy as np
from absl import flags

from jem_tf.commands.command import Command, FlagGroup
from jem_tf.datasets import image_conversion, picture_files
from jem_tf.errors import InputError
from jem_tf.serving import predictor
from jem_tf.serving.classification import Classification
from jem_tf.system import console, files

SHOWN = 5  # unreadable pictures in a message


def define(values: flags.FlagValues) -> None:
    """Defines the command's flags."""
    group = FlagGroup(values, "The model")
    group.text(
        "model",
        "cifar10",
        "name of a pretrained model (jem-tf pretrained), or folder of a packed run",
    )
    group.alias("workdir", "model")
    group.switch("json", False, "print a JSON object a line in place of a table")


def run(values: flags.FlagValues, *paths: str) -> None:
    """Classifies the pictures, prints a line for each, and names unreadable ones."""
    model = predictor.load(values.model)
    read, pictures, refused = [], [], []
    for path in paths:
        try:
            pictures.append(read_picture(path, model.image_shape))
            read.append(path)
        except InputError as error:
            refused.append(str(error))
    if read:
        answers = model.classify(np.stack(pictures))
        format_all = format_json if values.json else format_answers
        console.show("\n".join(format_all(read, answers)))
    if refused:
        more = ""
        if len(refused) > SHOWN:
            more = f" {len(refused) - SHOWN} more cannot be read."
        raise InputError(" ".join(refused[:SHOWN]) + more)


def read_picture(path: str, shape: Sequence[int]) -> np.ndarray:
    """Reads a picture in the size and channels of a model: uint8 [H, W, C].

    Raises:
      InputError: if it cannot be read, or made so.
    """
    try:
        picture = picture_files.read_picture(files.expand(path))
        if picture.nearly_black:
            console.note(f"{path} uses {picture_files.NEARLY_BLACK_SAYS}")
        return image_conversion.convert_images([picture.over_white()], shape)[0][0]
    except picture_files.UnreadableError as error:
        raise InputError(f"{path} cannot be read: {error}; give a picture.") from error
    except ValueError as error:
        raise InputError(f"{path} has {error}; give another picture.") from error


def format_answers(paths: Sequence[str], answers: Classification) -> list[str]:
    """A table of answers: picture, class, confidence, whether it is known, score."""
    rows = [("picture", "class", "confidence", "known", "score")]
    for path, *answer in zip(paths, *answers, strict=True):
        name, confidence, _, score, is_ood = answer
        known = "no" if is_ood else "yes"
        rows.append((path, name, f"{confidence:.1%}", known, f"{score:.2f}"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def format_json(paths: Sequence[str], answers: Classification) -> list[str]:
    """A JSON object a picture: picture, class, confidence, known, score.

    A number that is not finite is null.
    """
    return [
        json.dumps(
            files.finite(
                {
                    "picture": path,
                    "class": str(name),
                    "confidence": confidence,
                    "known": not is_ood,
                    "score": score,
                }
            )
        )
        for path, name, confidence, _, score, is_ood in zip(
            paths, *answers, strict=True
        )
    ]


COMMAND = Command(
    "classify",
    """
Classifies pictures by a pretrained model or a packed run, and says of each whether the
model knows such pictures. Where it says no, class and confidence mean nothing. Pictures
are resized to the model's size.

    jem-tf classify PICTURE.jpg --model=cifar10

Pictures that cannot be read are named at the end, and the program then ends with 1.
""",
    define,
    run,
    argument="PICTURE...",
)
