"""Files of pictures as people have them, and the pixels that they should be read as."""

import io
import struct
import zlib

import numpy as np
import tensorflow as tf
from PIL import Image

H, W = 12, 10
RANDOM = np.random.default_rng(0)
RGB = RANDOM.integers(0, 256, [H, W, 3], dtype="uint8")
ALPHA = RANDOM.choice([0, 0, 255, 255, 1, 100, 254], [H, W, 1]).astype("uint8")
DEEP = RANDOM.integers(0, 65536, [H, W, 4], dtype="uint16")
ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2))
ADAM7 += ((0, 1, 2, 2), (1, 0, 2, 1))  # first row and column, steps down and right


def encoded(image, kind="PNG", **more):
    """The bytes of a Pillow image or array as a file."""
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    content = io.BytesIO()
    image.save(content, kind, **more)
    return content.getvalue()


def chunk(kind, body):
    checksum = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)


def with_chunk(png, kind, body, before=b"IDAT"):
    at = png.index(before) - 4
    return png[:at] + chunk(kind, body) + png[at:]


def interlaced(rgb):
    """A PNG in Adam7's order, by hand, as Pillow writes none."""
    rows = b"".join(
        b"\0" + row.tobytes()
        for top, left, down, right in ADAM7
        for row in rgb[top::down, left::right]
    )
    header = struct.pack(">IIBBBBB", rgb.shape[1], rgb.shape[0], 8, 2, 0, 0, 1)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*parts) for parts in chunks)


def two_bits(values, transparent=None):
    """A grey PNG of 2 bits a pixel, of which one value may be transparent."""
    packed = np.zeros([H, -(-W // 4) * 4], "uint8")
    packed[:, :W] = values
    packed = packed.reshape(H, -1, 4) @ np.array([64, 16, 4, 1])
    rows = b"".join(b"\0" + row.astype("uint8").tobytes() for row in packed)
    header = struct.pack(">IIBBBBB", W, H, 2, 0, 0, 0, 0)
    chunks = [(b"IHDR", header)]
    if transparent is not None:
        chunks += [(b"tRNS", struct.pack(">H", transparent))]
    chunks += (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*parts) for parts in chunks)


def exif(orientation, *, big=False, kind=3):
    """EXIF with this orientation behind another entry, in either order of bytes."""
    order = ">" if big else "<"
    value = struct.pack(order + {3: "Hxx", 4: "I"}[kind], orientation)
    entries = struct.pack(order + "HHI4s", 0x0100, 4, 1, struct.pack(order + "I", 6))
    entries += struct.pack(order + "HHI", 0x0112, kind, 1) + value
    head = (b"MM\0*" if big else b"II*\0") + struct.pack(order + "I", 8)
    return head + struct.pack(order + "H", 2) + entries + bytes(4)


def over_white(rgb, alpha):
    """What shows on white paper, in exact fractions of 255 and rounded."""
    rgb, alpha = rgb.astype("int64"), alpha.astype("int64")
    return ((2 * (rgb * alpha + 255 * (255 - alpha)) + 255) // 510).astype("uint8")


def turned(rgb, orientation):
    """What is seen of the stored `rgb`, by the words of EXIF's standard.

    They say where the 0th row and the 0th column of what is stored are to be seen.
    """
    row, column = {
        1: ("top", "left"), 2: ("top", "right"), 3: ("bottom", "right"),
        4: ("bottom", "left"), 5: ("left", "top"), 6: ("right", "top"),
        7: ("right", "bottom"), 8: ("left", "bottom"),
    }[orientation]  # fmt: skip
    if row in ("left", "right"):
        rgb = np.swapaxes(rgb, 0, 1)
    if "bottom" in (row, column):
        rgb = rgb[::-1]
    return rgb[:, ::-1] if "right" in (row, column) else rgb


def grey(values):
    return np.repeat(values[..., None] if values.ndim == 2 else values, 3, axis=-1)


def pngs():
    """{name: (bytes of a PNG, uint8 [H, W, 3])}."""
    one, two = RGB[..., 0] > 127, RGB[..., 0] >> 6
    palette = Image.fromarray(RGB).quantize(16)
    colours = np.asarray(palette.convert("RGB"))
    index = np.asarray(palette)[..., None]
    steps = np.minimum(np.arange(16) * 17, 255).astype("uint8")
    key, deep_key = RGB[3, 4], DEEP[3, 4]
    rgb_key = np.where((key == RGB).all(-1, keepdims=True), 0, 255)
    deep = DEEP[..., :3].copy()
    deep[5, 5] = deep_key[:3] ^ 1  # another colour, the same in 8 bits
    deep_rgb_key = np.where((deep == deep_key[:3]).all(-1, keepdims=True), 0, 255)
    deep_grey_key = np.where(DEEP[..., :1] == deep_key[0], 0, 255)
    two_bits_key = np.where(two == 1, 0, 255)[..., None]
    rgba = np.concatenate([RGB, ALPHA], -1)
    eight = (DEEP >> 8).astype("uint8")

    def deep_png(values):
        return tf.io.encode_png(values).numpy()

    found = {
        "rgb": (encoded(RGB), RGB),
        "interlaced": (interlaced(RGB), RGB),
        "grey": (encoded(RGB[..., 0]), grey(RGB[..., 0])),
        "1 bit": (encoded(Image.fromarray(one)), grey(one * np.uint8(255))),
        "2 bits": (two_bits(two), grey(two * 85)),
        "2 bits, key": (
            two_bits(two, 1), over_white(grey(two * 85), two_bits_key)
        ),
        "palette": (encoded(palette), colours),
        "palette, one": (
            encoded(palette, transparency=3),
            over_white(colours, np.where(index == 3, 0, 255)),
        ),
        "palette, faint": (
            encoded(palette, transparency=b"\x0f" * 16),
            over_white(colours, np.full_like(index, 15)),
        ),
        "palette, alpha": (
            encoded(palette, transparency=steps.tobytes()),
            over_white(colours, steps[index]),
        ),
        "grey, alpha": (
            encoded(np.concatenate([RGB[..., :1], ALPHA], -1)),
            over_white(grey(RGB[..., 0]), ALPHA),
        ),
        "hidden colours": (encoded(rgba), over_white(RGB, ALPHA)),
        "grey, key": (
            encoded(RGB[..., 0], transparency=int(key[0])),
            over_white(grey(RGB[..., 0]), np.where(RGB[..., :1] == key[0], 0, 255)),
        ),
        "rgb, key": (
            encoded(RGB, transparency=tuple(map(int, key))), over_white(RGB, rgb_key)
        ),
        "16 grey": (encoded(Image.fromarray(DEEP[..., 0])), grey(eight[..., 0])),
        "16 rgb": (deep_png(DEEP[..., :3]), eight[..., :3]),
        "16 grey, alpha": (
            deep_png(DEEP[..., [0, 3]]), over_white(grey(eight[..., 0]), eight[..., 3:])
        ),
        "16 rgb, alpha": (deep_png(DEEP), over_white(eight[..., :3], eight[..., 3:])),
        "16 grey, key": (
            with_chunk(
                deep_png(DEEP[..., :1]), b"tRNS", struct.pack(">H", deep_key[0])
            ),
            over_white(grey(eight[..., 0]), deep_grey_key),
        ),
        "16 rgb, key": (
            with_chunk(deep_png(deep), b"tRNS", struct.pack(">HHH", *deep_key[:3])),
            over_white((deep >> 8).astype("uint8"), deep_rgb_key),
        ),
    }  # fmt: skip
    for orientation in range(1, 9):
        body = exif(orientation, big=orientation % 2 == 0, kind=3 + orientation // 5)
        for before in (b"IDAT", b"IEND"):
            file = with_chunk(encoded(rgba), b"eXIf", body, before)
            right = turned(over_white(RGB, ALPHA), orientation)
            found[f"turned {orientation} before {before.decode()}"] = file, right
    return found


def jpegs():
    """{name: (bytes of a JPEG, about uint8 [H, W, 3])}, smooth ones."""
    down, right = np.linspace(0, 1, H)[:, None, None], np.linspace(0, 1, W)[:, None]
    smooth = (60 + 150 * down * right * [1, 0.8, 0.6]).astype("uint8")
    level = Image.fromarray(smooth)
    found = {
        "rgb": (encoded(level, "JPEG", quality=95), smooth),
        "progressive": (encoded(level, "JPEG", quality=95, progressive=True), smooth),
        "cmyk": (encoded(level.convert("CMYK"), "JPEG", quality=95), smooth),
        "grey": (encoded(smooth[..., 0], "JPEG", quality=95), grey(smooth[..., 0])),
    }
    for orientation in range(1, 9):
        body = b"Exif\0\0" + exif(orientation, big=orientation % 2 == 0)
        file = encoded(level, "JPEG", quality=95, exif=body, comment=b"before EXIF")
        found[f"turned {orientation}"] = file, turned(smooth, orientation)
    return found
