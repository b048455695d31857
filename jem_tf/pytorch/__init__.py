"""Checkpoints of the JEM authors' code (github.com/wgrathwohl/JEM), which is PyTorch's.

    {"model_state_dict": {name: tensor}, "replay_buffer": float [N, 3, 32, 32]}

or the state dict alone. `torch_file.py` opens one, which alone takes PyTorch;
`conversion.py` makes our weights of theirs; `imported_run.py` makes a run of both.
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
    return conversion.convert(state, images, source=path)
