"""What the paper's networks are, counted and by hand."""

import pytest

from jem_tf import networks
from jem_tf.errors import InputError
from tests.networks.convolutions import list_convolutions


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("wrn-28-10", 36_471_338), ("wrn-28-2", 1_466_026), ("wrn-16-4", 2_747_530)],
)
def test_wide_resnets_have_the_papers_parameters(name, parameters):
    assert networks.build(name, (32, 32, 3), 10).count_params() == parameters


def test_a_wide_resnets_layers_have_the_shapes_of_the_paper():
    # WRN-16-2 by hand: conv 16; groups 32, 64, 128 of two blocks; the stride on the 2nd
    # convolution of a group's first block; there a 1x1 shortcut on the raw input.
    expected = [(32, 16, 3)]
    for size, filters in ((32, 32), (16, 64), (8, 128)):
        before = size if size == 32 else 2 * size
        expected += [(before, filters, 3), (size, filters, 3), (size, filters, 1)]
        expected += [(size, filters, 3), (size, filters, 3)]
    network = networks.build("wrn-16-2", (32, 32, 3), 10)
    made = [
        (layer.output.shape[1], layer.filters, layer.kernel_size[0])
        for layer in list_convolutions(network)
        if layer.use_bias
    ]
    assert made == expected
    assert not any("norm" in layer.name for layer in network.layers)


def test_a_blocks_shortcut_starts_at_its_raw_input():
    stem, _, _, shortcut, *_ = list_convolutions(
        networks.build("wrn-10-2", (8, 8, 3), 10)
    )
    assert shortcut.kernel_size == (1, 1)
    assert shortcut.input is stem.output


@pytest.mark.parametrize(("depth", "width"), [(12, 2), (4, 2), (28, 0)])
def test_depths_and_widths_that_no_wide_resnet_has_are_refused(depth, width):
    with pytest.raises(InputError, match=f"^network=wrn-{depth}-{width} does not"):
        networks.build(f"wrn-{depth}-{width}", (8, 8, 3), 10)
