"""The count against TensorFlow's own, and against the paper's arithmetic."""

import pytest
import tensorflow as tf
from tensorflow.python.framework import ops

from jem_tf import networks
from jem_tf.benchmarks import flops

NETWORKS = ("wrn-10-1", "wrn-16-2", "convnet-8")


def tensorflows_own(network):
    """TensorFlow's statistics of the convolutions and products of one image's graph."""
    call = tf.function(lambda x: network(x)).get_concrete_function(
        tf.TensorSpec([1, *network.input_shape[1:]])
    )
    graph, total = call.graph, 0
    for node in graph.as_graph_def().node:
        if node.op in ("Conv2D", "MatMul"):
            total += ops.get_stats_for_node_def(graph, node, "flops").value
    return total


@pytest.mark.parametrize("name", NETWORKS)
def test_a_forward_pass(name):
    network = networks.build(name, (16, 16, 3), 10)
    assert flops.count_forward(network) == tensorflows_own(network)


def test_a_step_costs_what_the_notes_say():
    """K=20, a batch each for log p(x) and the cross-entropy: 49 forward passes."""
    network = networks.build("wrn-10-1", (16, 16, 3), 10)
    forward = flops.count_forward(network)
    first = 2 * 16 * 16 * 9 * 3 * 16
    assert flops.chain_flops(network, 1, steps=20) == 40 * forward
    assert flops.count_update(network, images=3) == 9 * forward - 3 * first
