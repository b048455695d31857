import numpy as np

from jem_tf import starts

SHAPE = (4, 4, 3)


def test_uniform_fills_the_range_evenly():
    drawn = np.ravel(starts.uniform(SHAPE)(2000, [0, 0]))
    shares = np.histogram(drawn, bins=8, range=(-1, 1))[0] / drawn.size
    np.testing.assert_allclose(shares, 1 / 8, atol=0.005)


def test_the_uniform_start_reads_no_images():
    built = starts.build("uniform", SHAPE, None, None, 2)
    np.testing.assert_array_equal(built(8, [0, 1]), starts.uniform(SHAPE)(8, [0, 1]))
