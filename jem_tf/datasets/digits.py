"""scikit-learn's handwritten digits: a data set that needs no download."""

import numpy as np

from jem_tf.datasets import image_conversion


def read_digits(
    image_size: int = 0,
) -> tuple[dict[str, tuple[np.ndarray, np.ndarray]], list[str]]:
    """Reads scikit-learn's 1,797 real grey digits (UCI optdigits) of 8x8 pixels.

    Args:
      image_size: S, pixels a side to resize to; 0: 8.

    Returns:
      ({"train": (images uint8 [N, S, S, 1], labels int [N])}, ten class names).
    """
    from sklearn.datasets import load_digits

    data = load_digits()
    images = np.round(data.images[..., None] * (255 / 16)).astype("uint8")
    if image_size not in (0, 8):
        images = image_conversion.resize(images, (image_size, image_size))
    return {"train": (images, data.target)}, [str(name) for name in data.target_names]
