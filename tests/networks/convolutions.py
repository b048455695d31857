"""What several tests of networks read off one."""

import keras


def list_convolutions(network):
    """The convolutions of a network, in the order in which they were made."""
    layers = [x for x in network.layers if isinstance(x, keras.layers.Conv2D)]
    return sorted(layers, key=lambda x: int(x.name.removeprefix("conv_")))
