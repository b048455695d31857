"""The Inception graph's file: the user's own, the cached one, or the official one."""

import hashlib
import http.client
import pathlib
import tarfile
import urllib.request

from jem_tf.errors import InputError
from jem_tf.system import cache, files, log

ADDRESS = (
    "http://download.tensorflow.org/models/image/imagenet/inception-2015-12-05.tgz"
)
NAME = "classify_image_graph_def.pb"
# Of the copy that OpenAI's guided-diffusion evaluates with, as large to the byte
# (95,673,916) as the one in the archive.
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


def graph(path="", *, sha256="", address=ADDRESS):
    """The place of the Inception graph, which is downloaded if need be.

    Args:
      path: of a file to take as it is; the cached or downloaded one if empty.
      sha256: what the file must have; if empty, SHA256 for a downloaded one and
        anything for a given one.
      address: of the archive.

    Returns:
      pathlib.Path.

    Raises:
      InputError: if there is none, none to be had, or it has another sha256.
    """
    if path:
        place = pathlib.Path(path)
        if sha256:
            _check(place, sha256, f"--inception={path}", "give another, or leave out")
        return place
    place = cache.folder() / "inception-2015-12-05" / NAME
    if not place.is_file():
        _download(address, place, sha256 or SHA256)
    _check(place, sha256 or SHA256, str(place), "remove it, or give")
    return place


def _check(place, expected, said, remedy):
    try:
        found = hashlib.sha256(place.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(
            f"{said} cannot be read ({error.strerror}); give the Inception graph's "
            "file."
        ) from error
    if found != expected.lower():
        raise InputError(
            f"{said} has sha256 {found}, not {expected}; {remedy} --inception_sha256."
        )


def _download(address, place, expected):
    log.say(f"downloading {address} to {place}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with files.whole(place) as part:
            with (
                urllib.request.urlopen(address, timeout=PATIENCE) as answer,
                tarfile.open(fileobj=answer, mode="r|gz") as archive,
            ):
                _extract(archive, part)
            _check(part, expected, f"{NAME} of {address}", "if you trust it, give its")
    except FAILURES as error:
        if isinstance(error, InputError):
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"The Inception graph cannot be downloaded from {address} ({reason}); give "
            f"--inception=PATH of its {NAME}."
        ) from error


def _extract(archive, part):
    from tqdm import tqdm

    for member in archive:
        if pathlib.PurePosixPath(member.name).name == NAME and member.isfile():
            bar = {"total": member.size, "unit": "B", "unit_scale": True}
            with part.open("wb") as file, tqdm(desc=NAME, disable=None, **bar) as shown:
                source = archive.extractfile(member)
                while chunk := source.read(CHUNK):
                    shown.update(file.write(chunk))
            return
    raise LookupError(f"there is no {NAME} in it")
