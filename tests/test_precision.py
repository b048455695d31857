"""Steps in reduced precision and as one XLA program learn what plain ones do."""

import dataclasses
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from jem_tf import networks, samplers
from jem_tf.options import FaultTolerance, Network, Options, Sampling, Training
from jem_tf.runs import build
from jem_tf.system import hardware
from jem_tf.training import guard
from tests.test_jem import CLASSES, SHAPE, bars, flat, jem

GUARD_FILE = pathlib.Path("guard.json")  # never written here
EVERY = ("loss", "energy_real", "energy_drawn", "gradient_norm")
OPTIONS = Options(network=Network("convnet-8"), sampling=Sampling(buffer_size=60))


def constant(n, seed, labels=None):
    """XLA draws other random numbers: nothing here may depend on them."""
    return tf.fill([n, *SHAPE], 0.1)


def learnt(dtype="float32", jit_compile=False, steps=3, optimizer=None):
    """(model, readings of the last of so many steps)."""
    network = networks.build("wrn-10-1", SHAPE, CLASSES, dtype=dtype)
    model = jem(start=constant, noise=0.0, reinit_prob=1.0)(network)
    model.compile(optimizer or keras.optimizers.SGD(0.05), jit_compile=jit_compile)
    learn = tf.function(model.learn)
    for _ in range(steps):
        readings = learn(*bars(32))
    return model, {name: float(value) for name, value in readings.items()}


@pytest.fixture(scope="module")
def plain():
    """`learnt` in float32, for all to compare with."""
    return learnt()


@pytest.mark.slow
def test_xla_learns_what_the_graph_does(plain):
    (model, log), (compiled, log_xla) = plain, learnt(jit_compile=True)
    np.testing.assert_allclose(flat(compiled), flat(model), atol=1e-5)
    assert log_xla == pytest.approx(log, rel=1e-4, abs=1e-5)


def test_xla_walks_as_the_graph_does():
    def energy(x):
        return tf.reduce_sum(tf.square(x), [1, 2, 3])

    x = tf.random.stateless_normal([5, *SHAPE], [0, 0])
    how = {"steps": 4, "step_size": 0.1, "noise": 0.0, "seed": [0, 0]}
    compiled, plain = (
        sampler(energy, x, **how)
        for sampler in (samplers.compiled(samplers.sgld), samplers.sgld)
    )
    np.testing.assert_allclose(compiled[0], plain[0], rtol=1e-5)
    np.testing.assert_allclose(compiled[1].score_norm, plain[1].score_norm, rtol=1e-5)


@pytest.mark.parametrize("asked", ["auto", "true", "false"])
def test_one_replica_compiles_the_whole_step(asked):
    model = built(jit_compile=asked)
    assert model.jit_compile is (asked == "true")  # no GPU where this is tested
    assert model.sampler.func is samplers.sgld
    assert not holds_xla(model.sampler)


@pytest.mark.slow
def test_several_replicas_compile_the_chain(two_replicas):
    model = built(two_replicas, jit_compile="true")
    assert model.jit_compile is False
    assert model.sampler.func is not samplers.sgld
    assert holds_xla(model.sampler)
    batch = tf.data.Dataset.from_tensors(bars(16))
    assert np.isfinite(model.fit(batch, verbose=0).history["loss"]).all()


def holds_xla(sampler):
    """Whether an XLA program takes the walk of a sampler in a graph."""

    def energy(x):
        return tf.reduce_sum(tf.square(x), [1, 2, 3])

    walk = tf.function(lambda x: sampler(energy, x, seed=[0, 0])[0])
    graph = walk.get_concrete_function(tf.TensorSpec([5, *SHAPE])).graph
    return "_XlaMustCompile" in str(graph.as_graph_def())


def built(strategy=None, **training):
    opts = dataclasses.replace(OPTIONS, training=Training(**training))
    devices = strategy and strategy.extended.worker_devices
    buffer = build.make_buffer(opts, SHAPE, CLASSES, devices=devices)
    with (strategy or tf.distribute.get_strategy()).scope():
        model = build.make_model(opts, SHAPE, CLASSES, buffer)
        return build.compile_model(model, opts.training, 10)


@pytest.fixture(scope="module")
def after_one():
    """The weights that `plain` had after a step."""
    return flat(learnt(steps=1)[0])


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_reduced_precision_learns_nearly_what_float32_does(plain, after_one, dtype):
    (model, log), (reduced, log_reduced) = plain, learnt(dtype)
    assert {weight.dtype for weight in reduced.network.weights} == {"float32"}
    change = flat(model) - after_one
    # Where a CPU has no bfloat16 TensorFlow sums up a bias's gradient in it, badly.
    native = dtype == "mixed_float16" or hardware.choose_precision("auto")[0] == dtype
    most = (0.1 if native else 0.5) * np.abs(change).max()
    np.testing.assert_allclose(flat(reduced), flat(model), atol=most)
    for name in EVERY:
        assert log_reduced[name] == pytest.approx(log[name], rel=0.05, abs=0.02), name


@pytest.mark.slow
def test_float16_leaves_out_a_step_whose_gradient_overflows():
    scaled = keras.optimizers.LossScaleOptimizer(
        keras.optimizers.SGD(0.1), initial_scale=2.0**30
    )
    network = networks.build("wrn-10-1", SHAPE, CLASSES, dtype="mixed_float16")
    before = np.concatenate([np.ravel(weight) for weight in network.get_weights()])
    model = jem(start=constant, gradient_clip=1.0)(network)
    model.compile(scaled)
    readings = tf.function(model.learn)(*bars(32))
    np.testing.assert_array_equal(flat(model), before)
    assert float(readings["gradient_norm"]) == 0
    assert float(readings["loss_scale"]) == 2.0**30
    assert float(scaled.dynamic_scale) == 2.0**29
    guard.Guard(FaultTolerance(), GUARD_FILE).watch(
        1, {name: float(value) for name, value in readings.items()}
    )


def test_float16_that_overflows_at_any_scale_raises_the_alarm():
    watch = guard.Guard(FaultTolerance(), GUARD_FILE)
    with pytest.raises(guard.Alarm, match="overflows float16"):
        watch.watch(7, {"loss": 1.0, "gradient_norm": 0.0, "loss_scale": 0.5})


def test_a_run_in_float16_has_a_loss_scale():
    model = built(precision="mixed_float16")
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert {weight.dtype for weight in model.network.weights} == {"float32"}


@pytest.mark.slow
def test_a_longer_chain_is_no_larger_a_graph():
    sizes = set()
    for steps in (10, 100):
        network = networks.build("convnet-8", SHAPE, CLASSES)
        model = jem(start=constant, steps=steps)(network)
        model.compile()
        graph = tf.function(model.learn).get_concrete_function(*bars(8)).graph
        definition = graph.as_graph_def()
        nodes = len(definition.node)
        for function in definition.library.function:
            nodes += len(function.node_def)
        sizes.add(nodes)
    assert len(sizes) == 1
