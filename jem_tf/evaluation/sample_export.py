"""Samples as files that other tools measure: one .npz, and a folder of PNGs.

    EXPORT/samples.npz       `arr_0`, uint8 [N, H, W, C]
    EXPORT/samples/00000.png ... in the same order

torch-fidelity, pytorch-fid and clean-fid read the folder; guided-diffusion's evaluator
reads the .npz.
"""

import os
import pathlib

import numpy as np

from jem_tf.errors import InputError, argument
from jem_tf.system import files

CHANNELS = (1, 3)  # of a PNG: grey, RGB


def check_export(folder: str | pathlib.Path, channels: int) -> pathlib.Path:
    """Checks that samples can be exported, before the work -> the folder's path.

    Args:
      folder: to be written.
      channels: C of the samples.

    Raises:
      InputError: if something is there already that is no empty folder, or PNG files
        have no images of C channels.
    """
    path = files.expand(folder)
    if channels not in CHANNELS:
        raise InputError(
            f"{argument('export', folder)} cannot hold images of {channels} channels, "
            "as PNG files have 1 or 3; leave it out."
        )
    try:
        taken = not files.is_free(path)
        parent = next(x for x in path.absolute().parents if x.exists())
    except OSError as error:
        raise _unwritable(folder, error) from error
    if not (parent.is_dir() and os.access(parent, os.W_OK)):
        raise _unwritable(folder, f"{parent} is no folder, or none to write in")
    if taken:
        raise InputError(
            f"{argument('export', folder)} exists; remove it, or name another folder."
        )
    return path


def export_samples(folder: str | pathlib.Path, images: np.ndarray) -> pathlib.Path:
    """Writes samples as an .npz and as PNGs, all or nothing -> the folder's path.

    Args:
      folder: to be written; if it exists it is empty.
      images: uint8 [N, H, W, C].

    Raises:
      InputError: as `check_export`, or if the folder cannot be written.
    """
    from PIL import Image

    path = check_export(folder, images.shape[-1])
    digits = max(5, len(str(len(images) - 1)))
    try:
        with files.atomic_folder(path) as part:
            np.savez(part / "samples.npz", images)
            (part / "samples").mkdir()
            for i, image in enumerate(images):
                grey = image.shape[-1] == 1
                picture = Image.fromarray(image[..., 0] if grey else image)
                picture.save(part / "samples" / f"{i:0{digits}}.png")
    except OSError as error:
        raise _unwritable(folder, error) from error
    return path


def _unwritable(folder: str | pathlib.Path, why: OSError | str) -> InputError:
    if isinstance(why, OSError):
        why = why.strerror or str(why)
    return InputError(
        f"{argument('export', folder)} cannot be written: {why}; name another folder."
    )
