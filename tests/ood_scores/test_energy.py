import numpy as np
import pytest
import tensorflow as tf

from jem_tf.ood_scores import energy, log_px
from jem_tf.ood_scores.interface import Known, Labelled, Outputs

LOGITS = np.random.default_rng(1).normal(size=[400, 5]).astype("float32") * 6


def test_it_is_the_energy_at_its_temperature_and_log_p_x_at_one():
    outputs = Outputs(LOGITS)
    two = energy.compute(outputs, {"energy/temperature": np.float32(2)})
    expected = 2 * np.log(np.exp(LOGITS.astype("float64") / 2).sum(1))
    np.testing.assert_allclose(two, expected, rtol=1e-5)
    one = energy.compute(outputs, {"energy/temperature": np.float32(1)})
    np.testing.assert_allclose(one, log_px.compute(outputs, {}), rtol=1e-6)


def test_the_temperature_is_the_one_that_made_the_labels():
    labels = tf.random.stateless_categorical(LOGITS / 2, 1, [0, 1])[:, 0].numpy()
    known = Known(validation=Labelled(Outputs(LOGITS), labels))
    found = energy.fit(known, {})["energy/temperature"]
    assert found == pytest.approx(2, rel=0.3)
