"""The shipped model of digits as the page has it, loaded once a process."""

import functools
import io

import numpy as np
from PIL import Image

from jem_tf.demonstration.shown_models import ModelShelf


@functools.cache
def offered_models():
    return ModelShelf("digits")


def digits():
    return offered_models().load("digits")


def png(image):
    """The bytes of a PNG of uint8 [h, w] or [h, w, 3]."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def pixels_of(url):
    """uint8 [h, w] or [h, w, 3] of a data URL."""
    from base64 import b64decode

    head, content = url.split(",")
    assert head == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(b64decode(content))))
