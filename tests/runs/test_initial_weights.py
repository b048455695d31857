"""What a run starts from: the same function as its source, or a refusal by name."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from jem_tf import datasets, energies, networks, pixels
from jem_tf.errors import InputError
from jem_tf.options import Network, Objective, Options
from jem_tf.runs import initial_sources, initial_weights
from jem_tf.runs.run_folder import RunFolder
from tests import tiny_models

SHAPE, CLASSES = (8, 8, 1), 3
IMAGES = np.random.default_rng(0).integers(0, 256, [60, *SHAPE], "uint8")
SPLIT = datasets.Split(tf.constant(IMAGES), tf.constant(np.arange(60) % 3, tf.int32))
DATA = datasets.Dataset(SPLIT, SPLIT, SPLIT, ("a", "b", "c"), True)
STYLE = {"activation": "swish", "seed": 3}


def options(init, *, p_x_weight=0.0, **network):
    network = {"network": "convnet-8", "activation": "swish"} | network
    return dataclasses.replace(
        Options(),
        network=Network(init=str(init), **network),
        objective=Objective(p_x_weight=p_x_weight),
    )


def trained(norm="batch", name="convnet-8"):
    """A network of ours, with weights and statistics that are not initial ones."""
    network = networks.build(name, SHAPE, CLASSES, norm=norm, **STYLE)
    generator = np.random.default_rng(1)
    for x in network.weights:
        x.assign(np.asarray(x) + generator.uniform(0.1, 0.5, x.shape) * (x.ndim == 1))
    return network


def saved(network, path, kind):
    if kind == "keras":
        network.save(path / "it.keras")
        return path / "it.keras"
    network.export(path / "it", verbose=False)
    return path / "it"


def built(opts):
    """The run's network, as it starts."""
    network = networks.build(
        opts.network.network, SHAPE, CLASSES, norm=opts.network.norm, **STYLE
    )
    network.set_weights(initial_weights.read(opts, DATA).weights)
    return network


@pytest.mark.parametrize(
    ("kind", "norm"),
    [
        ("keras", "none"),
        ("keras", "batch"),
        ("keras", "frozen_batch"),
        ("SavedModel", "none"),
        ("SavedModel", "frozen_batch"),
    ],
)
def test_a_classifier_is_what_its_file_is_whatever_becomes_of_its_norm(
    kind, norm, tmp_path
):
    source = trained()
    network = built(options(saved(source, tmp_path, kind), norm=norm))
    x = pixels.from_uint8(IMAGES)
    np.testing.assert_allclose(network(x), source(x), rtol=1e-4, atol=1e-4)
    statistics = [x for x in network.weights if x.name == "moving_mean"]
    assert len(statistics) == (0 if norm == "none" else 6)


def test_a_density_starts_with_energies_around_0(tmp_path):
    source = trained(norm="none")
    path = saved(source, tmp_path, "keras")
    network = built(options(path, p_x_weight=1.0))
    x = pixels.from_uint8(IMAGES)
    before, after = (energies.marginal_energy(f(x)).numpy() for f in (source, network))
    assert abs(before.mean()) > 0.1
    assert after.mean() == pytest.approx(0, abs=1e-4)
    np.testing.assert_allclose(after, before - before.mean(), atol=1e-4)


def test_statistics_are_kept_under_another_epsilon(tmp_path):
    """As a network of a user's own, of Keras's default epsilon."""
    source, ours = trained(), trained()
    image = x = keras.Input(SHAPE)
    for layer in ours.layers[1:]:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer = keras.layers.BatchNormalization(epsilon=0.3)
        x = layer(x)
    source = keras.Model(image, x)
    source.set_weights(ours.get_weights())
    path = saved(source, tmp_path, "keras")
    x = pixels.from_uint8(IMAGES)
    for norm in ("none", "frozen_batch"):
        network = built(options(path, norm=norm))
        np.testing.assert_allclose(network(x), source(x), rtol=1e-4, atol=1e-4)


def nowhere(_):
    return "no/such/place"


def garbage(path):
    (path / "it.keras").write_bytes(b"no zip")
    return path / "it.keras"


def no_keras(path):
    tf.saved_model.save(tf.Module(), str(path / "it"))
    return path / "it"


def softened(path):
    """The same weights, but pixels in another range."""
    image = keras.Input(SHAPE)
    source = trained(norm="none")
    network = keras.Model(image, source(keras.layers.Rescaling(9.0)(image)))
    return saved(network, path, "keras")


@pytest.mark.parametrize(
    ("make", "style", "says"),
    [
        (nowhere, {}, "is no run, .keras file or SavedModel"),
        (garbage, {}, "cannot be read"),
        (no_keras, {}, r"cannot be read \(it has no endpoint called serve\)"),
        (softened, {}, "has weights that fit, but gives other logits"),
        (
            lambda path: saved(trained(norm="none"), path, "keras"),
            {"activation": "leaky_relu"},
            "has weights that fit, but gives other logits .*instead of "
            "activation=leaky_relu",
        ),
        (
            lambda path: saved(trained(name="convnet-16"), path, "keras"),
            {},
            r"has conv_0 \(kernel \[3, 3, 1, 16\]\) where network=convnet-8 with "
            r"norm=none has conv_0 \(kernel \[3, 3, 1, 8\]\)",
        ),
        (
            lambda path: saved(trained(name="convnet-16"), path, "SavedModel"),
            {},
            r"has conv_0 \(kernel \[3, 3, 1, 16\]\) where network=convnet-8 with "
            "norm=batch has",
        ),
        (
            lambda path: saved(trained(norm="none"), path, "keras"),
            {"norm": "frozen_batch"},
            r"has conv_1 \(kernel \[3, 3, 8, 8\]\) where network=convnet-8 with "
            r"norm=frozen_batch has frozen_batch_normalization\w* \(gamma \[8\]\)",
        ),
        (
            lambda path: saved(trained(name="wrn-10-1"), path, "keras"),
            {"network": "wrn-10-1"},
            r"has batch_normalization\w* \(scale \[16\]\) where network=wrn-10-1",
        ),
    ],
    ids="nowhere garbage no-keras pixels activation width width-saved norm wrn".split(),
)
def test_what_does_not_fit_is_refused_by_the_first_layer_that_differs(
    make, style, says, tmp_path
):
    path = make(tmp_path)
    with pytest.raises(InputError, match=says) as caught:
        initial_weights.read(options(path, **style), DATA)
    assert str(caught.value).startswith(f"init={path}")


def test_a_density_is_no_plain_classifier(tmp_path):
    trained(norm="none").save(tmp_path / "plain.keras")
    density = tiny_models.jem(trained(norm="none"), shape=SHAPE)
    density.save(tmp_path / "density.keras")
    plain, other = (
        initial_weights.read(options(tmp_path / name, p_x_weight=1.0), DATA)
        for name in ("plain.keras", "density.keras")
    )
    assert other.classifier is None
    for one, two in zip(plain.classifier, plain.weights, strict=True):
        np.testing.assert_array_equal(one, two)
    for one, two in zip(plain.weights, other.weights, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("norm", ["frozen_batch", "none"])
def test_a_classifier_of_other_weights_than_the_network_is_not_kept(norm, tmp_path):
    before = initial_weights.Initial([], trained(norm="frozen_batch").get_weights())
    initial_weights.write(RunFolder(tmp_path), before)
    source = initial_sources.Source([], float, None, RunFolder(tmp_path), True)
    kept = initial_weights._classifier(source, trained(norm=norm))
    assert (kept is None) == (norm == "none")


def test_a_run_keeps_its_initial_weights_exactly(tmp_path):
    source, other = trained(), networks.build("convnet-8", SHAPE, CLASSES, norm="batch")
    before = other.get_weights()
    initial_weights.assign(RunFolder(tmp_path), other)  # keeps none
    for a, b in zip(before, other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    initial_weights.write(
        RunFolder(tmp_path), initial_weights.Initial(source.get_weights(), None)
    )
    initial_weights.assign(RunFolder(tmp_path), other)
    for a, b in zip(source.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
