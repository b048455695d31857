"""Networks as Keras users build them train as JEMs, in every mode of `compile`."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from jem_tf import energies
from jem_tf.errors import InputError
from jem_tf.jem import JEM
from tests.tiny_models import (
    SHAPE,
    compiled,
    data,
    fitted,
    floats,
    jem,
    network,
    weights,
)

pytestmark = pytest.mark.slow


def sequential(*ends, begin=True):
    image = [keras.Input(SHAPE)] if begin else []
    return keras.Sequential([*image, keras.layers.Flatten(), *ends])


class Own(keras.Model):
    """Subclassed, with a layer that no image reaches."""

    def __init__(self):
        super().__init__()
        self.flat, self.dense = keras.layers.Flatten(), keras.layers.Dense(3)
        self.idle = keras.layers.Dense(2)
        self.idle.build((None, 2))

    def call(self, x):
        return self.dense(self.flat(x))


def called():
    net = Own()
    net(np.zeros([1, *SHAPE], "float32"))
    return net


def nested():
    inner = sequential(keras.layers.Dense(8, "relu"))
    image = keras.Input(SHAPE)
    return keras.Model(image, keras.layers.Dense(3)(inner(image)))


def frozen():
    net = network()
    net.layers[2].trainable = False
    return net


NETWORKS = {
    "functional": network,
    "sequential": lambda: sequential(keras.layers.Dense(3)),
    "unbuilt sequential": lambda: sequential(keras.layers.Dense(3), begin=False),
    "subclassed": Own,
    "called": called,
    "nested": nested,
    "frozen": frozen,
    "dropout": lambda: sequential(keras.layers.Dropout(0.5), keras.layers.Dense(3)),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.filterwarnings("ignore:Gradients do not exist")
def test_networks_of_all_kinds_learn_and_draw(name):
    model = compiled(NETWORKS[name](), gradient_clip=1.0)
    before = weights(model)
    logs = fitted(model)
    assert all(np.isfinite(value) for value in logs.values())
    assert np.abs(weights(model) - before).max() > 0
    assert model.sample(2).shape == (2, *SHAPE)


def test_frozen_layers_stay():
    model = compiled(frozen())
    before = [w.copy() for w in model.network.layers[2].get_weights()]
    fitted(model)
    for old, new in zip(before, model.network.layers[2].get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_network_that_is_frozen_whole_is_refused():
    net = network()
    net.trainable = False
    with pytest.raises(InputError, match="no weights that images reach"):
        fitted(compiled(net))


def test_an_application_of_keras_is_a_network_or_a_part_of_one():
    kw = {"input_shape": (32, 32, 3), "weights": None, "alpha": 0.35}
    base = keras.applications.MobileNetV2(include_top=False, pooling="avg", **kw)
    image = keras.Input((32, 32, 3))
    nets = [
        keras.Model(image, keras.layers.Dense(3)(base(image))),
        keras.applications.MobileNetV2(classes=3, classifier_activation=None, **kw),
    ]
    for net in nets:
        model = compiled(
            net, shape=(32, 32, 3), size=4, compiling={"run_eagerly": True}
        )
        logs = fitted(model, *data(4, shape=(32, 32, 3)))
        assert np.isfinite(logs["loss"])
    with pytest.raises(InputError, match="ends in Softmax"):
        jem(keras.applications.MobileNetV2(classes=3, **kw), shape=(32, 32, 3))


def test_a_step_outside_a_graph_is_the_same():
    usual, eager = compiled(), compiled(compiling={"run_eagerly": True})
    logs = fitted(usual, *data())
    assert fitted(eager, *data()) == pytest.approx(logs, rel=1e-3, abs=1e-4)
    np.testing.assert_allclose(weights(usual), weights(eager), atol=1e-4)


def test_a_step_that_xla_compiles_is_the_same_but_for_its_random_numbers():
    usual = compiled(optimizer=keras.optimizers.SGD(0.0))
    xla = {"jit_compile": True}
    whole = compiled(optimizer=keras.optimizers.SGD(0.0), compiling=xla)
    logs, same = fitted(usual, *data()), fitted(whole, *data())
    for name in ("cross_entropy", "energy_real", "accuracy"):
        assert same[name] == pytest.approx(logs[name], rel=1e-4)
    assert set(same) == set(logs)
    images, labels = data()
    stream = tf.data.Dataset.from_tensors((images.astype("float32"), labels))
    with pytest.raises(InputError, match="scale them to"):
        fitted(whole, stream)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("whole", [False, True], ids=["logits half", "logits whole"])
def test_mixed_precision_learns_with_float32_energies(policy, whole):
    keras.config.set_dtype_policy(policy)
    try:
        end = keras.layers.Dense(3, dtype="float32" if whole else None)
        net = sequential(keras.layers.Dense(8, "tanh"), end)
        model = compiled(net)
        logs = fitted(model)
        images, _ = floats()
        assert model.energy()(images).dtype == tf.float32
        assert model.predict(images, verbose=0).dtype == "float32"
        assert set(logs) > {"loss", "energy_gap"}
        assert all(np.isfinite(value) for value in logs.values())
        if policy == "mixed_float16":  # Keras scales its loss by itself
            assert logs["gradient_norm"] < 100
    finally:
        keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize("outer", ["float32", "mixed_bfloat16"])
def test_chains_compute_with_a_nested_networks_weights_as_its_layers_do(outer):
    """A float32 layer in a model of another policy keeps its weights whole."""
    keras.config.set_dtype_policy(outer)
    try:
        inner = sequential(
            keras.layers.Dense(8, "tanh", dtype="mixed_bfloat16"),
            keras.layers.Dense(3, dtype="float32"),
        )
        image = keras.Input(SHAPE)
        model = jem(keras.Model(image, inner(image)))
    finally:
        keras.config.set_dtype_policy("float32")
    images, _ = floats()
    expected = energies.marginal_energy(model.network(images))
    np.testing.assert_array_equal(model.energy()(images), expected)


def test_penalties_of_layers_are_a_term_of_their_own():
    """Of weight 1 whatever the weight of the cross-entropy, and reported apart."""

    def penalised(strength, **kw):
        end = keras.layers.Dense(
            3,
            kernel_initializer="ones",
            kernel_regularizer=keras.regularizers.L2(strength),
        )
        model = compiled(sequential(end), optimizer=keras.optimizers.SGD(0.0), **kw)
        return fitted(model)

    plain, heavy = penalised(1e-9), penalised(10.0)
    assert heavy["penalty"] == pytest.approx(10 * 16 * 3, rel=1e-5)
    assert heavy["cross_entropy"] == pytest.approx(plain["cross_entropy"], rel=1e-5)
    assert heavy["loss"] - heavy["penalty"] == pytest.approx(plain["loss"], abs=1e-3)
    without = penalised(10.0, p_y_given_x_weight=0.0)
    gap = -without["energy_gap"]
    assert without["loss"] == pytest.approx(480 + gap, abs=1e-3)


def test_a_penalty_pulls_the_weights_it_is_of():
    def trained(strength):
        end = keras.layers.Dense(3, kernel_initializer="ones")
        end.kernel_regularizer = keras.regularizers.L2(strength)
        net = sequential(end)
        model = compiled(
            net, optimizer=keras.optimizers.SGD(0.01), p_y_given_x_weight=0
        )
        fitted(model, *floats(4))
        return net.layers[-1].get_weights()[0]

    pulled = trained(0.0) - trained(1.0)
    np.testing.assert_allclose(pulled, 0.01 * 2 * np.ones([16, 3]), atol=1e-4)


def test_an_activity_regulariser_is_a_penalty_too():
    net = sequential(keras.layers.Dense(3, activity_regularizer="l2"))
    logs = fitted(compiled(net))
    assert logs["penalty"] > 0
    assert logs["loss"] == pytest.approx(
        logs["cross_entropy"] - logs["energy_gap"] + logs["penalty"], abs=1e-5
    )


def test_accumulated_gradients_are_of_other_chains_each():
    optimizer = keras.optimizers.SGD(0.1, gradient_accumulation_steps=2)
    model = compiled(optimizer=optimizer, size=1000)
    fitted(model, *floats(8))  # two steps of 4 chains
    assert (model.buffer.all_ages() > 0).sum() > 4
    assert model.step == 1


@pytest.mark.parametrize(
    "optimizer",
    [
        keras.optimizers.AdamW(use_ema=True),
        keras.optimizers.SGD(0.1, clipnorm=1.0),
        keras.optimizers.Lion(),
        "rmsprop",
    ],
    ids=lambda given: given if isinstance(given, str) else None,
)
def test_optimisers_of_keras_are_taken(optimizer):
    assert np.isfinite(fitted(compiled(optimizer=optimizer))["loss"])


def test_layers_with_penalties_may_be_frozen_later():
    network = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(4, 3, kernel_regularizer="l2"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3),
        ]
    )
    model = JEM(network, p_x_weight=0.0)
    network.layers[0].trainable = False
    model.compile()
    images = np.random.default_rng(0).random([8, 8, 8, 1], "float32")
    history = model.fit(images, np.arange(8) % 3, verbose=0).history
    assert history["penalty"] == [0.0]
