"""Pictures to make starts of, as fixtures."""

import numpy as np
import pytest

from jem_tf import pixels

SHAPE = (4, 4, 3)


@pytest.fixture(scope="module")
def pictures():
    """Two classes whose pixels share a covariance round means of -0.4 and 0.3."""
    rng = np.random.default_rng(0)
    labels = np.arange(4000) % 2
    mixing = rng.normal(0, 0.02, [48, 48])
    means = np.where(labels == 0, -0.4, 0.3)[:, None]
    flat = means + rng.normal(size=[4000, 48]) @ mixing
    return flat.reshape(-1, *SHAPE).astype("float32"), labels


@pytest.fixture(scope="module")
def dataset(pictures):
    """The same as a data set has them: uint8 images, and labels."""
    images, labels = pictures
    return pixels.to_uint8(images).numpy(), labels
