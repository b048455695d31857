"""The small network: its channels, its resolution, the widths that it takes."""

import pytest

from jem_tf import networks
from jem_tf.errors import InputError
from tests.networks.convolutions import list_convolutions


@pytest.mark.parametrize("width", [8, 16])
def test_two_convolutions_each_of_one_two_and_four_widths(width):
    network = networks.build(f"convnet-{width}", (16, 16, 3), 10)
    made = [
        (layer.output.shape[1], layer.filters // width, layer.kernel_size)
        for layer in list_convolutions(network)
    ]
    sides_and_filters = [(16, 1), (8, 1), (8, 2), (4, 2), (4, 4), (4, 4)]
    assert made == [(side, filters, (3, 3)) for side, filters in sides_and_filters]


def test_without_a_number_the_width_is_32():
    plain, numbered = (
        networks.build(name, (8, 8, 3), 10) for name in ("convnet", "convnet-32")
    )
    assert plain.name == numbered.name
    assert plain.count_params() == numbered.count_params()


@pytest.mark.parametrize("width", [0, 4, 9])
def test_widths_that_are_not_multiples_of_8_are_refused(width):
    with pytest.raises(InputError, match=f"^network=convnet-{width} does not exist"):
        networks.build(f"convnet-{width}", (8, 8, 3), 10)
