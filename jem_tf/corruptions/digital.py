"""Digital changes: contrast, elastic_transform, pixelate, jpeg_compression."""

import io

import numpy as np

CONTRAST = (0.75, 0.5, 0.4, 0.3, 0.15)  # factor of the distance to the mean colour
# As shares of the shorter side: amplitude and deviation of the displacements, and the
# most that the corners of the affine map move.
ELASTIC = (
    (0.0, 0.0, 0.08),
    (0.05, 0.2, 0.07),
    (0.08, 0.06, 0.06),
    (0.1, 0.04, 0.05),
    (0.1, 0.03, 0.03),
)
PIXELS = (0.95, 0.9, 0.85, 0.75, 0.65)  # share of a side's pixels that is left
QUALITY = (80, 65, 58, 50, 40)  # of JPEG


def contrast(
    image: np.ndarray, severity: int, generator: np.random.Generator
) -> np.ndarray:
    """Moves every value towards its channel's mean over the image."""
    mean = image.mean(axis=(0, 1))
    return mean + CONTRAST[severity - 1] * (image - mean)


def elastic_transform(
    image: np.ndarray, severity: int, generator: np.random.Generator
) -> np.ndarray:
    """Maps the image by a random affine map, and then by smooth displacements.

    The higher the severity, the smaller the affine map and the rougher the
    displacements (Simard et al. 2003).
    """
    import scipy.ndimage

    side = min(image.shape[:2])
    amplitude, deviation, most = (side * share for share in ELASTIC[severity - 1])
    rows, columns = np.indices(image.shape[:2]).astype("float64")
    affine = _random_affine(image.shape[:2], most, generator)
    places = np.stack([columns, rows, np.ones_like(rows)], axis=-1) @ affine
    image = _sample(image, places[..., 1], places[..., 0], "mirror")
    right, down = (
        amplitude
        * scipy.ndimage.gaussian_filter(
            generator.uniform(-1, 1, rows.shape), deviation, mode="reflect", truncate=3
        )
        for _ in range(2)
    )
    return _sample(image, rows + down, columns + right, "reflect")


def _random_affine(
    size: tuple[int, int], most: float, generator: np.random.Generator
) -> np.ndarray:
    """A map from where a pixel is to where it comes from, (x, y, 1) -> (x, y): [3, 2].

    Three corners of a square in the middle are each moved by U(-most, most).
    """
    centre, half = np.array(size) // 2, min(size) // 3
    corners = centre + half * np.array([[1, 1], [1, -1], [-1, -1]])
    moved = corners + generator.uniform(-most, most, corners.shape)
    return np.linalg.solve(np.column_stack([moved, np.ones(3)]), corners)


def _sample(
    image: np.ndarray, rows: np.ndarray, columns: np.ndarray, mode: str
) -> np.ndarray:
    """The image at places between its pixels, bilinearly: float64 [H, W, C]."""
    import scipy.ndimage

    channels = [
        scipy.ndimage.map_coordinates(channel, [rows, columns], order=1, mode=mode)
        for channel in np.moveaxis(image, -1, 0)
    ]
    return np.stack(channels, axis=-1)


def pixelate(
    image: np.ndarray, severity: int, generator: np.random.Generator
) -> np.ndarray:
    """Makes the image smaller, and larger again, by means over boxes."""
    from PIL import Image

    height, width = image.shape[:2]
    small = [max(1, int(side * PIXELS[severity - 1])) for side in (width, height)]
    picture = _to_picture(image).resize(small, Image.Resampling.BOX)
    return _from_picture(picture.resize((width, height), Image.Resampling.BOX))


def jpeg_compression(
    image: np.ndarray, severity: int, generator: np.random.Generator
) -> np.ndarray:
    """Writes the image as JPEG and reads it back."""
    from PIL import Image

    file = io.BytesIO()
    _to_picture(image).save(file, "JPEG", quality=QUALITY[severity - 1])
    with Image.open(file) as picture:
        return _from_picture(picture)


def _to_picture(image: np.ndarray):
    from PIL import Image

    values = np.rint(255 * image).astype("uint8")
    return Image.fromarray(values[..., 0] if values.shape[-1] == 1 else values)


def _from_picture(picture) -> np.ndarray:
    values = np.asarray(picture) / 255.0
    return values[..., None] if values.ndim == 2 else values
