"""Finds the file of the Inception graph, or downloads it."""

import hashlib
import http.client
import pathlib
import tarfile
import urllib.request
from typing import Any

from jem_tf.errors import InputError, argument
from jem_tf.system import cache, console, files

ADDRESS = (
    "http://download.tensorflow.org/models/image/imagenet/inception-2015-12-05.tgz"
)
NAME = "classify_image_graph_def.pb"
# Of the copy that OpenAI's guided-diffusion evaluates with. It has the same size as the
# file in the archive, 95,673,916 bytes.
SHA256 = "009d6814d1bc560d4e7b236e170e9b2d5ca6f4b57bd8037f6db05776204415c6"
PATIENCE = 30  # seconds without a byte
CHUNK = 1 << 20
FAILURES = (
    OSError,
    EOFError,
    LookupError,
    ValueError,
    tarfile.TarError,
    http.client.HTTPException,
)


def find_graph(
    path: str = "", *, sha256: str = "", address: str = ADDRESS
) -> pathlib.Path:
    """Finds the file of the Inception graph, and downloads it if need be.

    Args:
      path: path of the file; if empty, the cached file is used or one is downloaded.
      sha256: the sha256 that the file must have. If empty, it is SHA256 for a cached or
        downloaded file, and a given file is not checked.
      address: URL of the archive to download.

    Returns:
      Path of the file.

    Raises:
      InputError: if there is no file, none can be downloaded, or it has another sha256.
    """
    if path:
        given = files.expand(path)
        if sha256:
            _check(given, sha256, argument("path", path), "give another, or leave out")
        return given
    cached = cache.folder() / "inception-2015-12-05" / NAME
    if not cached.is_file():
        _download(address, cached, sha256 or SHA256)
    _check(cached, sha256 or SHA256, str(cached), "remove it, or give")
    return cached


def _check(file: pathlib.Path, expected: str, subject: str, remedy: str) -> None:
    """Raises InputError about `subject` unless the file has the expected sha256."""
    try:
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(
            f"{subject} cannot be read ({error.strerror}); give the Inception graph's "
            "file."
        ) from error
    if digest != expected.lower():
        raise InputError(
            f"{subject} has sha256 {digest}, not {expected}; {remedy} "
            f"{argument('sha256')}."
        )


def _download(address: str, file: pathlib.Path, expected: str) -> None:
    console.say(f"downloading {address} to {file}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with files.atomic_file(file) as part:
            with (
                urllib.request.urlopen(address, timeout=PATIENCE) as response,
                tarfile.open(fileobj=response, mode="r|gz") as archive,
            ):
                _extract(archive, part)
            _check(part, expected, f"{NAME} of {address}", "if you trust it, give its")
    except FAILURES as error:
        if isinstance(error, InputError):
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"The Inception graph cannot be downloaded from {address} ({reason}); give "
            f"{argument('path', 'PATH')} of its {NAME}."
        ) from error


def _extract(archive: tarfile.TarFile, part: pathlib.Path) -> None:
    from tqdm import tqdm

    for member in archive:
        if pathlib.PurePosixPath(member.name).name == NAME and member.isfile():
            bar = {"total": member.size, "unit": "B", "unit_scale": True}
            with part.open("wb") as file, tqdm(desc=NAME, disable=None, **bar) as shown:
                source: Any = archive.extractfile(member)
                while chunk := source.read(CHUNK):
                    shown.update(file.write(chunk))
            return
    raise LookupError(f"there is no {NAME} in it")
