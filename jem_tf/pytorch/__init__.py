"""Reads checkpoints of the JEM authors' PyTorch code (github.com/wgrathwohl/JEM).

A checkpoint is a file of torch.save, with

    {"model_state_dict": {name: tensor}, "replay_buffer": float [N, 3, 32, 32]}

or the state dict alone.

    torch_file    opens the file; only this takes PyTorch
    conversion    turns its tensors into our weights and images
    imported_run  makes a run of them

This folder imports the model, `datasets`, `runs` and `training`.
"""

import pathlib

from jem_tf.pytorch import conversion, torch_file


def read_checkpoint(path: str | pathlib.Path) -> conversion.Original:
    """Reads a checkpoint of the authors' code; no code in it is ever run.

    Returns:
      `conversion.Original`.

    Raises:
      InputError: if PyTorch is not installed, or the file is no such checkpoint, not
        whole, or holds other tensors than the network's.
    """
    state, images = torch_file.read_arrays(path)
    return conversion.convert_weights(state, images, source=path)
