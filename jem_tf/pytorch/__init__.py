"""Reads checkpoints of the JEM authors' PyTorch code (github.com/wgrathwohl/JEM).

A checkpoint is a file of torch.save, with

    {"model_state_dict": {name: tensor}, "replay_buffer": float [N, 3, 32, 32]}

or the state dict alone.

    torch_file    reads the file; no other module imports PyTorch
    conversion    converts its tensors to weights and images of jem_tf
    imported_run  makes a run from them

This folder imports the model, `datasets`, `runs` and `training`.
"""

import pathlib

from jem_tf.pytorch import conversion, torch_file


def read_checkpoint(path: str | pathlib.Path) -> conversion.Original:
    """Reads a checkpoint of the authors' code; code in the file is never run.

    Returns:
      `conversion.Original`.

    Raises:
      InputError: if PyTorch is not installed, or the file is no such checkpoint, is
        damaged, or holds other tensors than those of the network.
    """
    state, images = torch_file.read_arrays(path)
    return conversion.convert_weights(state, images, source=path)
