"""Images as PNGs in the text of an answer, which a browser shows as they are."""

import io

import numpy as np

from jem_tf.evaluation.report_page import markup


def png_url(image: np.ndarray) -> str:
    """Makes a data URL of an image uint8 [H, W, C], C = 1 or 3, as a PNG."""
    from PIL import Image

    file = io.BytesIO()
    pixels = image[..., 0] if image.shape[-1] == 1 else image
    Image.fromarray(pixels).save(file, "PNG")
    return markup.png_url(file.getvalue())
