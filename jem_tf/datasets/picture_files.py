"""One picture file, of any format that Pillow reads, as 8 bits of RGB and alpha."""

import pathlib
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import tensorflow as tf

from jem_tf.datasets import image_conversion

if TYPE_CHECKING:
    from PIL import Image

ORIENTATION = 0x0112  # tag of EXIF
NEARLY_BLACK = 1 << 12  # of 16 bits: what a camera of 12 bits stores as it is
NEARLY_BLACK_SAYS = (
    "the lower 12 of its 16 bits alone, and comes out nearly black in 8; stretch it if "
    "it should not"
)  # what to say of such a picture, after "NAME uses"
OTHER_KINDS = {"BUFR", "GRIB", "HDF5", "MPEG"}  # Pillow knows them, and reads none
# Pillow has Ghostscript or the system run them, or what IPTC holds: not of strangers.
PROGRAMS = {"EPS", "WMF", "IPTC"}


class UnreadableError(Exception):
    """A file is no picture that can be read; the message says what it is instead."""


class Picture(NamedTuple):
    """The first frame of a picture, upright.

    rgb: uint8 [H, W, 3], what is stored, under transparent pixels too.
    alpha: uint8 [H, W, 1], 255 where it is opaque.
    nearly_black: whether it has 16 bits of which only the lower 12 are used.
    """

    rgb: np.ndarray
    alpha: np.ndarray
    nearly_black: bool

    def over_white(self) -> np.ndarray:
        """The picture as data sets have it: uint8 [H, W, 3], laid over white."""
        if (self.alpha == 255).all():
            return self.rgb  # at a third of the memory
        rgba = np.concatenate([self.rgb, self.alpha], axis=-1)
        return image_conversion.over_white(rgba)


def is_picture_name(name: str) -> bool:
    """Returns whether a file's name ends as a format's that Pillow reads."""
    from PIL import Image

    kind = Image.registered_extensions().get(pathlib.PurePath(name).suffix.lower())
    return kind in {*Image.OPEN, "MPO"} - OTHER_KINDS - PROGRAMS


def open_picture(file: Any) -> "Image.Image":
    """Opens a path or a binary file as Pillow does, unless it is one of PROGRAMS."""
    from PIL import Image

    Image.init()
    return Image.open(file, formats=[kind for kind in Image.ID if kind not in PROGRAMS])


def read_picture(path: str | pathlib.Path) -> Picture:
    """Reads a picture's first frame.

    Depth becomes 8 bits as in `image_conversion.to_eight_bits`, and the picture is
    turned as its EXIF orientation says.

    Raises:
      UnreadableError: if it is none, damaged, larger than Pillow opens, or of integers
        or floats that have no known black and white.
    """
    from PIL import Image

    if pathlib.Path(path).exists() and not pathlib.Path(path).is_file():
        raise UnreadableError("no regular file")  # a pipe would be waited for
    try:
        # Of a path, Pillow would map an uncompressed TIFF into memory, and mix the rows
        # of one that its EXIF turns.
        with open(path, "rb") as file, open_picture(file) as picture:
            picture.load()
            values = _values(picture)
            deep = values.dtype == np.uint16 and 0 < values.max() < NEARLY_BLACK
            rgba = _with_alpha(picture, values, pathlib.Path(path))
            rgba = image_conversion.upright(rgba, _orientation(picture))
    except Image.UnidentifiedImageError as error:
        raise UnreadableError("of no known format") from error
    except Image.DecompressionBombError as error:
        raise UnreadableError("more pixels than Pillow opens") from error
    except Exception as error:  # whatever Pillow's decoders raise on damaged files
        reason = getattr(error, "strerror", None) or str(error) or repr(error)
        raise UnreadableError(" ".join(reason.split())[:100]) from error
    return Picture(rgba[..., :3], rgba[..., 3:], deep)


def _values(picture: "Image.Image") -> np.ndarray:
    """The values of a picture that is neither 8 bits nor fewer; else uint8 [0]."""
    kind = picture.mode
    # Older Pillows read a PNG of 16 bits as I, as all do with PGM.
    if kind.startswith("I;16") or (kind == "I" and picture.format in ("PNG", "PPM")):
        return _sixteen_bits(picture)
    return np.asarray(picture) if kind in ("F", "I") else np.zeros(0, "uint8")


def _sixteen_bits(picture: "Image.Image") -> np.ndarray:
    """uint16 [H, W]; 12 bits and an inverted scale of TIFF, which Pillow leaves."""
    values = np.asarray(picture).astype("uint16")
    tags = getattr(picture, "tag_v2", {})
    bits, photometric = tags.get(258, (16,)), tags.get(262)
    values = values << (16 - (bits[0] if isinstance(bits, tuple) else bits))
    return ~values if photometric == 0 else values


def _with_alpha(
    picture: "Image.Image", values: np.ndarray, path: pathlib.Path
) -> np.ndarray:
    """uint8 [H, W, 4]; `values` are the picture's own, if they are deep."""
    named = "transparency" in picture.info
    if named and picture.format == "PNG" and picture.mode != "P":
        # Pillow misses the transparent colour of 2, 4 and 16 bits.
        return tf.io.decode_png(path.read_bytes(), 4).numpy()
    if named or picture.mode in ("LA", "La", "PA", "RGBA", "RGBa"):
        return np.asarray(picture.convert("RGBA"))
    if values.size:
        rgb = np.repeat(image_conversion.to_eight_bits(values)[..., None], 3, axis=-1)
    else:
        rgb = np.asarray(picture.convert("RGB"))
    return np.concatenate([rgb, np.full_like(rgb[..., :1], 255)], axis=-1)


def _orientation(picture: "Image.Image") -> int:
    """1 to 8, by EXIF alone, as browsers have it; 1 where there is none to be read."""
    from PIL import Image

    exif = Image.Exif()
    try:
        exif.load(picture.info.get("exif") or b"")
        orientation = exif.get(ORIENTATION, 1)
    except Exception:  # whatever Pillow raises on damaged EXIF
        return 1
    return orientation if orientation in range(1, 9) else 1
