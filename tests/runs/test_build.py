import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from jem_tf import datasets, samplers, starts
from jem_tf.datasets import few_labels
from jem_tf.errors import InputError
from jem_tf.options import Data, Network, Objective, Options, Sampling, Training
from jem_tf.runs import build, option_checks

SMALL = Options(
    data=Data(augment=False),
    network=Network(network="convnet-8"),
    sampling=Sampling(sampler_steps=3, buffer_size=20),
    training=Training(batch_size=4, precision="float32"),
)
SHAPE, CLASSES = (8, 8, 1), 10
# What a sampler takes beside its step size: (option, argument, another value).
NUMBERS = {
    "sgld": [("step_noise", "noise", 0.03)],
    "normalised": [("step_noise", "noise", 0.03)],
    "mala": [("temperature", "temperature", 2.5)],
}


def with_subject(options=SMALL, **subjects):
    """Options with other fields: subject={name: value}."""
    changed = {
        name: dataclasses.replace(getattr(options, name), **values)
        for name, values in subjects.items()
    }
    return dataclasses.replace(options, **changed)


def with_sampling(**values):
    return with_subject(sampling=values)


def made(options):
    buffer = build.make_buffer(options, SHAPE, CLASSES)
    return build.make_model(options, SHAPE, CLASSES, buffer)


def test_every_sampler_has_its_numbers_here():
    assert NUMBERS.keys() == samplers.SAMPLERS.keys()
    for name, numbers in NUMBERS.items():
        taken = {"step_size", *(argument for _, argument, _ in numbers)}
        assert set(samplers.hyperparameters_of(name)) == taken


def test_class_gaussians_are_of_the_labelled_images_alone():
    data = datasets.load("digits")
    images, labels = data.train
    wrong = np.array(labels)
    hidden = few_labels.find_labelled(data, 7).numpy().max() + 1
    wrong[hidden:] = (wrong[hidden:] + 1) % CLASSES
    other = data._replace(train=datasets.Split(images, tf.constant(wrong)))
    options = with_subject(sampling={"start": "gaussian"}, data={"labels_per_class": 7})
    drawn = [
        build.make_start(options, each)(10, [1, 2], tf.range(10))
        for each in (data, other)
    ]
    np.testing.assert_array_equal(*drawn)


@pytest.mark.parametrize("name", samplers.SAMPLERS)
def test_a_sampler_is_bound_to_the_numbers_of_the_options(name):
    own = {option: value for option, _, value in NUMBERS[name]}
    options = with_sampling(
        sampler=name, step_size=0.7, score_clamp=2.0, range_clamp=1.5, **own
    )
    option_checks.check_options(options, 1)
    sampler = build.make_sampler(options.sampling)
    assert sampler.func is samplers.SAMPLERS[name]
    assert sampler.keywords == {
        "steps": 3,
        "step_size": 0.7,
        "score_clamp": 2.0,
        "range_clamp": 1.5,
        **{argument: value for _, argument, value in NUMBERS[name]},
    }


@pytest.mark.parametrize("name", samplers.SAMPLERS)
def test_a_clamp_of_zero_is_none(name):
    sampler = build.make_sampler(with_sampling(sampler=name).sampling)
    assert sampler.keywords["score_clamp"] is None
    assert sampler.keywords["range_clamp"] is None


@pytest.mark.parametrize("name", samplers.SAMPLERS)
def test_what_is_asked_for_wins_over_the_options(name):
    sampling = with_sampling(sampler=name).sampling
    sampler = build.make_sampler(sampling, steps=9, step_size=0.5)
    plain = build.make_sampler(sampling)
    assert sampler.keywords == plain.keywords | {"steps": 9, "step_size": 0.5}


@pytest.mark.parametrize("name", samplers.SAMPLERS)
def test_what_is_not_asked_for_stays_as_the_options_say(name):
    options = with_sampling(sampler=name).sampling
    unset = dict.fromkeys(samplers.HYPERPARAMETERS)
    plain, same = (build.make_sampler(options, **more) for more in ({}, unset))
    assert plain.keywords == same.keywords


def test_a_number_that_a_sampler_does_not_take_is_refused():
    with pytest.raises(InputError, match=r"^temperature=2.0 is no argument of .* sgld"):
        build.make_sampler(SMALL.sampling, temperature=2.0)
    mala = with_sampling(sampler="mala").sampling
    with pytest.raises(InputError, match=r"^noise=0.1 is no argument of .* mala"):
        build.make_sampler(mala, noise=0.1)


def test_an_unknown_sampler_is_refused_with_the_known_ones():
    with pytest.raises(InputError) as raised:
        samplers.build("gibbs")
    assert str(raised.value).startswith("sampler=gibbs is not known; choose one of ")
    for name in samplers.SAMPLERS:
        assert name in str(raised.value)


@pytest.mark.parametrize(
    ("objective", "few", "own"),
    [
        ({"p_x_y_weight": 0.5}, 0, True),
        ({"p_x_y_weight": 0.5, "p_x_weight": 0.0}, 0, True),
        ({"p_x_y_weight": 0.5, "p_x_images": "same"}, 0, False),
        ({"p_x_y_weight": 0.5}, 9, False),
        ({}, 0, False),
    ],
)
def test_log_p_x_y_has_the_images_of_log_p_x_if_all_labels_are_known(
    objective, few, own
):
    opts = with_subject(
        objective=objective | {"p_x_batch_size": 4}, data={"labels_per_class": few}
    )
    x, y = next(iter(build.make_batches(opts, datasets.load("digits"), 1)))
    assert isinstance(y, dict) == own
    if own:
        assert (x["real"].shape[0], y["real"].shape) == (4, (4,))


def test_mala_proposes_sglds_steps_unless_a_temperature_is_given():
    options = with_sampling(sampler="mala", step_size=0.5, step_noise=0.2).sampling
    temperature = build.make_sampler(options).keywords["temperature"]
    assert (2 * 0.5 * temperature) ** 0.5 == pytest.approx(0.2)


def test_mala_is_in_float32_unless_a_precision_is_given(monkeypatch):
    monkeypatch.setattr(build.hardware, "_cpu_flags", lambda: {"amx_bf16"})
    assert build.choose_precision(Options())[0] == "mixed_bfloat16"
    name, why = build.choose_precision(
        with_subject(Options(), sampling={"sampler": "mala"})
    )
    assert (name, bool(why)) == ("float32", True)
    given = with_subject(
        sampling={"sampler": "mala"}, training={"precision": "mixed_bfloat16"}
    )
    assert build.choose_precision(given) == ("mixed_bfloat16", "")


@pytest.mark.parametrize("name", samplers.SAMPLERS)
def test_a_model_learns_from_a_step_with_each_sampler(name):
    model = build.compile_model(made(with_sampling(sampler=name)), SMALL.training, 10)
    images = tf.random.stateless_uniform([4, *SHAPE], [0, 0], -1.0, 1.0)
    before, shard = model.network.get_weights(), model.buffer.shard.numpy()
    readings = model.learn(images, tf.range(4))
    assert all(np.isfinite(value) for value in readings.values())
    for old, new in zip(before, model.network.get_weights(), strict=True):
        assert (old != new).any()
    walked = (model.buffer.shard.numpy() != shard).any(axis=(1, 2, 3))
    assert walked.sum() == 4
    assert ("acceptance" in readings) == (name == "mala")


def test_a_model_takes_its_weights_from_the_options():
    objective = Objective(
        p_x_weight=0.3,
        p_y_given_x_weight=0.5,
        p_x_y_weight=0.7,
        label_smoothing=0.2,
        objective="logistic",
        altered_weight=0.21,
        conditional=True,
        energy_l2=0.11,
        gradient_clip=0.13,
        input_noise=0.17,
    )
    model = made(dataclasses.replace(SMALL, objective=objective))
    for name, value in dataclasses.asdict(objective).items():
        if not name.startswith("p_x_images") and name != "p_x_batch_size":
            assert getattr(model, name) == value, name


@pytest.mark.parametrize(
    ("objective", "by_class"),
    [
        ({}, False),
        ({"conditional": True}, True),
        ({"p_x_y_weight": 0.5}, True),
        ({"p_x_weight": 0.0, "p_x_y_weight": 0.5}, True),
    ],
)
def test_a_buffer_is_of_classes_where_chains_are_drawn_by_class(objective, by_class):
    options = with_subject(objective=objective)
    buffer = build.make_buffer(options, SHAPE, CLASSES)
    assert buffer.num_classes == (CLASSES if by_class else None)
    assert buffer.shard.shape == (20, *SHAPE)


def test_a_plain_classifier_has_no_buffer():
    options = with_subject(objective={"p_x_weight": 0.0})
    assert build.make_buffer(options, SHAPE, CLASSES) is None


def test_equal_seeds_give_equal_networks_and_others_do_not():
    first, same, other = (
        build.make_network(
            with_subject(training={"seed": seed}), SHAPE, CLASSES
        ).get_weights()
        for seed in (1, 1, 2)
    )
    for weight, expected in zip(first, same, strict=True):
        np.testing.assert_array_equal(weight, expected)
    assert any((a != b).any() for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_a_network_computes_in_the_precision_asked_for(precision):
    network = build.make_network(SMALL, SHAPE, CLASSES, precision=precision)
    kinds = {layer.compute_dtype for layer in network.layers if layer.weights}
    assert ("bfloat16" in kinds) == (precision == "mixed_bfloat16")
    assert {weight.dtype for weight in network.weights} == {"float32"}


def test_batches_go_on_where_they_were_left():
    data = datasets.load("digits")
    whole = list(build.make_batches(SMALL, data, 4))
    rest = list(build.make_batches(SMALL, data, 4, 2))
    assert (len(whole), len(rest)) == (4, 2)
    for first, second in zip(whole[2:], rest, strict=True):
        tf.nest.map_structure(np.testing.assert_array_equal, first, second)


def test_every_start_fills_a_buffer_of_the_data_sets_images():
    data = datasets.load("digits")
    for name in (*starts.STARTS, "uniform:0.5,altered:0.5"):
        start = build.make_start(with_sampling(start=name), data)
        buffer = build.make_buffer(SMALL, SHAPE, CLASSES, start=start)
        assert buffer.shard.shape == (20, *SHAPE)


def test_in_a_strategys_scope_xla_compiles_the_sampler_alone():
    """It compiles no sum over replicas, were it one alone."""
    options = with_subject(training={"jit_compile": "true"})
    alone = build.compile_model(made(options), options.training, 10)
    assert (alone.jit_compile, alone.sampler.func) == (True, samplers.sgld)
    buffer = alone.buffer
    with tf.distribute.OneDeviceStrategy("CPU:0").scope():
        model = build.make_model(options, SHAPE, CLASSES, buffer)
        model = build.compile_model(model, options.training, 10)
    assert (model.jit_compile, model.sampler.func) != (True, samplers.sgld)
    assert not model.jit_compile
