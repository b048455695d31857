"""Reads a file of PyTorch's torch.save, even a hostile one, as NumPy arrays.

With `weights_only` PyTorch runs no code of a pickle. But it checks no checksums, and it
accepts a tensor that is larger than the file. This module checks both.
"""

import contextlib
import io
import pathlib
import pickle
import pickletools
import re
import warnings
import zipfile
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np

from jem_tf.errors import InputError
from jem_tf.system import files

ZIPPED = b"PK\x03\x04"
OLDER = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."  # before 1.6
BUFFER = "replay_buffer"
SAFE = "2.6"  # before it, weights_only could be made to run code (CVE-2025-32434)
PICKLES = 5  # of the older form: three of its own, the tensors, their storages' names
NAMED = re.compile(  # all that a pickle of tensors has to name
    r"collections OrderedDict|torch \w+|torch\.storage \w+Storage|"
    r"torch\._utils _rebuild_\w+|torch\.nn\.parameter Parameter"
)


def read_arrays(
    path: str | pathlib.Path,
) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
    """Reads {"model_state_dict": ..., "replay_buffer": ...}, or a state dict alone.

    Args:
      path: of the file; see the module's docstring.

    Returns:
      ({name: array}, the replay buffer as an array or None where there is none).

    Raises:
      InputError: if PyTorch is not installed, or the file is unreadable, not one of
        PyTorch's, damaged, or holds anything but tensors.
    """
    torch, path = _torch(), files.expand(path)
    tensors = _tensors(_load(torch, path), path)
    try:
        _check(torch, tensors, path)
        arrays = {name: _array(tensors[name]) for name in tensors}
    except InputError:
        raise
    except Exception as error:  # sparse, quantised, on no device, ...
        raise InputError(
            f"{path} holds tensors of unusual kinds; name a checkpoint of plain ones."
        ) from error
    images = arrays.pop(BUFFER, None)
    return arrays, images


def quote(name: str) -> str:
    """Quotes and shortens a tensor's name, which may be any text, for a sentence."""
    return repr(name[:60])


def _torch() -> ModuleType:
    try:
        import torch
    except ImportError as error:
        raise InputError(
            "PyTorch, which reads its checkpoints, is not installed; install it by "
            "pip install 'jem-tf[pytorch]'."
        ) from error
    if torch.__version__ < SAFE:
        raise InputError(
            f"PyTorch {torch.__version__} may run code that is hidden in a checkpoint; "
            f"install a newer one by pip install 'torch>={SAFE}'."
        )
    return torch


def _load(torch: ModuleType, path: str | pathlib.Path) -> Any:
    try:
        zipped = _is_zipped(path, _begin(path))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _check_names(path, zipped)
            # PyTorch checks tensors against the file's size only if it is mapped.
            return torch.load(str(path), "cpu", weights_only=True, mmap=zipped)
    except InputError:
        raise
    except Exception as error:  # whatever PyTorch's readers raise of a foreign file
        raise InputError(
            f"{path} is damaged, or holds more than tensors, and code in a checkpoint "
            "is never run here; name a checkpoint of tensors alone."
        ) from error


def _check_names(path: str | pathlib.Path, zipped: bool) -> None:
    """Raises UnpicklingError if a pickle names more than tensors are made of.

    PyTorch runs no code of such a pickle, except calls like `bytearray(10**12)`.
    """
    with contextlib.ExitStack() as stack:
        if zipped:
            records = stack.enter_context(zipfile.ZipFile(path))
            (name,) = (n for n in records.namelist() if n.endswith("/data.pkl"))
            pickles: list[Any] = [io.BytesIO(records.read(name))]
        else:
            pickles = [stack.enter_context(pathlib.Path(path).open("rb"))] * PICKLES
        for stream in pickles:
            for code, value, _ in pickletools.genops(stream):
                if code.name in ("GLOBAL", "INST") and not NAMED.fullmatch(str(value)):
                    raise pickle.UnpicklingError(value)
                if code.name == "STACK_GLOBAL":
                    raise pickle.UnpicklingError(code.name)


def _begin(path: str | pathlib.Path) -> bytes:
    try:
        with pathlib.Path(path).open("rb") as opened:
            return opened.read(len(OLDER))
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}); name a checkpoint that can."
        ) from error


def _is_zipped(path: str | pathlib.Path, begin: bytes) -> bool:
    """Whether the file is of PyTorch's zipped form, which is checked, or the older."""
    if begin == OLDER:
        return False
    if not begin.startswith(ZIPPED):
        raise InputError(
            f"{path} is no file that PyTorch's torch.save wrote; name one that is."
        )
    with zipfile.ZipFile(path) as records:
        # PyTorch never compresses: what unpacks to more than the file is an attack.
        unpacked = sum(record.file_size for record in records.infolist())
        packed = any(record.compress_type for record in records.infolist())
        if packed or unpacked > _size(path) or records.testzip():
            raise zipfile.BadZipFile("compressed, overlapping or damaged records")
    return True


def _tensors(content: Any, path: str | pathlib.Path) -> dict[str, Any]:
    """Returns {name: tensor}, with the replay buffer if it has images."""
    content = content if isinstance(content, dict) else {}
    tensors = content.get("model_state_dict", content)
    if not tensors or not isinstance(tensors, dict):
        raise InputError(f"{path} holds no state dict; name a checkpoint that does.")
    images = content.get(BUFFER)
    if images is not None and not (isinstance(images, list) and not images):
        tensors = tensors | {BUFFER: images}
    return dict(tensors)


def _check(
    torch: ModuleType, tensors: Mapping[str, Any], path: str | pathlib.Path
) -> None:
    for name, value in tensors.items():
        if not isinstance(name, str) or not isinstance(value, torch.Tensor):
            raise InputError(
                f"{path} holds {quote(str(name))}, which is no tensor with a name; "
                "name a checkpoint of the original JEM."
            )
    # A tensor of any size may be a view of one number, until it is copied.
    claimed = sum(value.numel() * value.element_size() for value in tensors.values())
    if claimed > _size(path):
        raise InputError(
            f"{path} claims tensors of {claimed:,} bytes, more than it has; name a "
            "checkpoint that is whole."
        )


def _size(path: str | pathlib.Path) -> int:
    return pathlib.Path(path).stat().st_size


def _array(tensor: Any) -> np.ndarray:
    tensor = tensor.detach()
    short = tensor.is_floating_point() and tensor.element_size() < 4
    return (tensor.float() if short else tensor).numpy()  # NumPy has no bfloat16
