"""Networks built without XLA are the same functions of the same weights."""

import numpy as np
import pytest
import tensorflow as tf

from jem_tf import energies, networks


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("activation", ["leaky_relu", "swish"])
@pytest.mark.parametrize("name", ["wrn-10-1", "convnet-8"])
def test_a_plain_network_has_the_weights_logits_and_score(name, activation, dtype):
    style = {"activation": activation, "dtype": dtype}
    fused = networks.build(name, (8, 8, 1), 4, seed=1, **style)
    plain = networks.build(name, (8, 8, 1), 4, seed=2, fused=False, **style)
    plain.set_weights(fused.get_weights())
    x = tf.random.stateless_uniform([5, 8, 8, 1], [0, 0], -1.0, 1.0)
    near = 1e-5 if dtype == "float32" else 1e-2
    scores = []
    for network in (fused, plain):
        energy = tf.function(lambda x, f=network: energies.marginal_energy(f(x)))
        scores.append(energies.score(energy, x))
    np.testing.assert_allclose(plain(x), fused(x), rtol=near, atol=near)
    np.testing.assert_allclose(*scores, rtol=near, atol=near)
