"""Images as PNGs in the text of an answer, which a browser shows as they are."""

import base64
import io

import numpy as np


def png_url(image: np.ndarray) -> str:
    """Makes a data URL of an image uint8 [H, W, C], C = 1 or 3, as a PNG."""
    from PIL import Image

    file = io.BytesIO()
    pixels = image[..., 0] if image.shape[-1] == 1 else image
    Image.fromarray(pixels).save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
