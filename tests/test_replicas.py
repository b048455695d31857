"""Two replicas learn what one would, from chains of their own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from jem_tf import alterations
from jem_tf.errors import InputError
from jem_tf.jem import JEM
from jem_tf.options import FaultTolerance
from jem_tf.runs import checkpoint_manager
from jem_tf.training import cluster, guard, loop
from tests.test_jem import SHAPE, bars, convnet, flat, jem

pytestmark = pytest.mark.slow


def constant(n, seed, labels=None):
    """Every chain alike, so that one shard's draws are another's."""
    return tf.fill([n, *SHAPE], 0.1)


def after_a_step(strategy, clip, own=0, **kw):
    devices = None
    if strategy.num_replicas_in_sync > 1:
        devices = strategy.extended.worker_devices
    make = jem(
        start=constant,
        noise=0.0,
        devices=devices,
        gradient_clip=clip,
        energy_l2=0.1,
        p_x_y_weight=0.5,
        **kw,
    )
    with strategy.scope():
        model = make(convnet())
        model.compile(keras.optimizers.SGD(0.1))
    before = flat(model)
    x, y = bars(32)
    if own:
        x = {"labelled": x, "real": bars(own, seed=1)[0]}
    batch = tf.data.Dataset.from_tensors((x, y))
    history = model.fit(batch, verbose=0).history
    return flat(model) - before, {k: v[0] for k, v in history.items()}


@pytest.mark.parametrize("own", [0, 12])
def test_altered_images_and_pairs_of_two_replicas_are_those_of_one(
    monkeypatch, two_replicas, own
):
    """The alteration is one without chance; replicas have seeds of their own."""
    monkeypatch.setattr(alterations, "alter", lambda x, _: x[:, ::-1])
    kw = {"altered_weight": 0.5, "objective": "logistic"}
    one, log = after_a_step(tf.distribute.get_strategy(), None, own, **kw)
    two, log_two = after_a_step(two_replicas, None, own, **kw)
    assert np.abs(one).max() > 1e-4
    np.testing.assert_allclose(two, one, atol=3e-7)
    del log_two["reinitialised"], log["reinitialised"]
    assert log["energy_altered"] != log["energy_real"]
    assert log_two == pytest.approx(log, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize(("clip", "own"), [(None, 0), (0.05, 0), (0.05, 12)])
def test_a_step_on_two_replicas_is_a_step_on_one(two_replicas, clip, own):
    one, log = after_a_step(tf.distribute.get_strategy(), clip, own)
    two, log_two = after_a_step(two_replicas, clip, own)
    assert np.abs(one).max() > 1e-4
    np.testing.assert_allclose(two, one, atol=3e-7)
    # Which chains start afresh is each replica's own affair.
    assert log_two.pop("reinitialised") != log.pop("reinitialised")
    assert log_two == pytest.approx(log, rel=1e-4, abs=1e-5)


def looped(strategy, place, **kw):
    """A model after 5 steps of `Loop`, 3 at a time; the logs of its epochs of 4."""
    place.mkdir()
    team = cluster.Cluster(strategy)
    make = jem(start=constant, noise=0.0, reinit_prob=1.0, devices=team.devices, **kw)
    with strategy.scope():
        model = make(convnet())
        model.compile(keras.optimizers.SGD(0.1))
        model.optimizer.build(model.trainable_weights)
    images, labels = bars(5 * 16)
    logs = []

    def feed(first):
        batches = tf.data.Dataset.from_tensor_slices((images, labels))
        batches = batches.batch(16 // team.replicas, drop_remainder=True)
        return batches.skip(first * team.replicas)

    loop.Loop(
        model,
        feed,
        loop.Plan(steps=5, steps_per_epoch=4, steps_per_execution=3),
        cluster=team,
        guard=guard.Guard(FaultTolerance(), place / "guard.json"),
        checkpoints=checkpoint_manager.Checkpoints(place, team, keep=1, facts={}),
        callbacks=[
            keras.callbacks.LambdaCallback(
                on_epoch_end=lambda _, log: (
                    logs.append(dict(log)) or log.update(val_accuracy=0.0)
                )
            )
        ],
    ).train()
    return flat(model), logs


@pytest.mark.parametrize(
    "kw", [{"p_x_weight": 0.0}, {"p_x_y_weight": 0.5, "gradient_clip": 0.5}]
)
def test_the_loop_on_two_replicas_is_the_loop_on_one(two_replicas, tmp_path, kw):
    before = flat(jem()(convnet()))
    one, logs = looped(tf.distribute.get_strategy(), tmp_path / "one", **kw)
    two, logs_two = looped(two_replicas, tmp_path / "two", **kw)
    assert np.abs(one - before).max() > 1e-3
    np.testing.assert_allclose(two, one, atol=3e-6)
    assert len(logs_two) == len(logs) == 2
    for log_two, log in zip(logs_two, logs, strict=True):
        assert log_two == pytest.approx(log, rel=1e-4, abs=1e-5)


def test_several_steps_an_execution_change_nothing_on_two_replicas(two_replicas):
    ends = []
    for steps in (1, 3):
        make = jem(devices=two_replicas.extended.worker_devices, input_noise=0.03)
        with two_replicas.scope():
            model = make(convnet())
            model.compile(keras.optimizers.Adam(1e-3), steps_per_execution=steps)
        model.fit(*bars(64), batch_size=16, verbose=0, shuffle=False)
        ends.append([flat(model), model.buffer.shard_0, model.buffer.shard_1])
    for by_one, by_three in zip(*ends, strict=True):
        np.testing.assert_array_equal(by_one, by_three)


def test_fit_takes_images_of_their_own_for_p_x_on_two_replicas(two_replicas):
    make = jem(devices=two_replicas.extended.worker_devices)
    with two_replicas.scope():
        model = make(convnet())
        model.compile()
    images, labels = bars(48)
    batches = tf.data.Dataset.from_tensors(
        ({"labelled": images[:16], "real": images[16:]}, labels[:16])
    )
    assert np.isfinite(model.fit(batches, verbose=0).history["loss"][0])


def test_a_buffer_of_too_few_shards_is_refused(two_replicas):
    make = jem()
    with two_replicas.scope():
        model = make(convnet())
        model.compile()
    with pytest.raises(InputError, match="1 shard"):
        model.fit(*bars(32), batch_size=32, verbose=0)


def test_the_chains_of_replicas_differ(two_replicas):
    make = jem(start=constant, devices=two_replicas.extended.worker_devices)
    with two_replicas.scope():
        model = make(convnet())
        model.compile()
    model.fit(*bars(64), batch_size=32, epochs=3, verbose=0)
    first, second = model.buffer.shard_0.numpy(), model.buffer.shard_1.numpy()
    assert (first != 0.1).any()
    assert (second != 0.1).any()
    moved = [x[(x != 0.1).any((1, 2, 3))] for x in (first, second)]
    for image in moved[0]:
        assert np.abs(moved[1] - image).max((1, 2, 3)).min() > 1e-3


def test_evaluate_on_two_replicas_is_evaluate_on_one(two_replicas):
    with two_replicas.scope():
        model = JEM(convnet(), p_x_weight=0.0)
        model.compile()
    images, labels = bars(48, seed=4)
    metrics = model.evaluate(images, labels, batch_size=16, verbose=0, return_dict=True)
    logits = model.logits(images).numpy()
    expected = np.mean(logits.argmax(1) == labels)
    assert metrics["accuracy"] == pytest.approx(expected)
    assert set(metrics) == {"loss", "accuracy"}


@pytest.mark.parametrize(
    ("n", "more"),
    [(9, {}), (18, {"validation_split": 0.5}), (33, {"batch_size": None})],
)
def test_a_last_batch_that_leaves_a_replica_empty_is_refused_first(
    two_replicas, n, more
):
    make = jem(devices=two_replicas.extended.worker_devices)
    with two_replicas.scope():
        model = make(convnet())
        model.compile("sgd")
    with pytest.raises(InputError, match=r"leaves 1 of .* fewer than the 2 replicas"):
        model.fit(*bars(n), **{"batch_size": 8, "verbose": 0} | more)
    assert model.optimizer.iterations == 0
