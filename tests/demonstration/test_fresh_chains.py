"""Chains from noise to pictures."""

import types

import numpy as np
import pytest
import tensorflow as tf

from jem_tf import ReplayBuffer, sampling, starts
from jem_tf.demonstration import fresh_chains
from jem_tf.errors import InputError
from jem_tf.options import replace
from tests.demonstration.digits_model import digits, pixels_of


def test_they_are_the_models_own_chains_from_noise_to_the_class(monkeypatch):
    monkeypatch.setattr(fresh_chains, "FRAMES", 3)
    model = digits()
    plan, _ = chain_plan = fresh_chains.plan_chains(model.predictor.run, None)
    drawn = fresh_chains.draw_chains(model.predictor, chain_plan, "3", 7)
    assert drawn["steps"] == [0, 200, 400]  # K / rho of the run
    assert drawn["start"] == fresh_chains.ABOUT_UNIFORM
    films = np.stack([pixels_of(chain["film"]) for chain in drawn["chains"]])
    assert films.shape == (fresh_chains.CHAINS, 3 * 8, 8)
    own, arguments = model.predictor.model, (plan.start, plan.sampler, plan.n, [7, 0])
    labels = tf.fill([plan.n], 3)
    whole = tf.function(lambda: sampling.draw(own, *arguments, labels=labels))()
    ends = sampling.to_uint8(whole.numpy())[..., 0].astype(int)
    assert np.abs(films[:, 16:] - ends).max() <= 1
    assert [chain["class"] for chain in drawn["chains"]] == ["3"] * fresh_chains.CHAINS
    assert all(chain["known"] for chain in drawn["chains"])


@pytest.mark.parametrize(
    ("label", "seed", "message"),
    [
        ("cat", 0, "label is 'cat'; the classes are 0, 1, 2"),
        ("3", "x", "seed is 'x'; give a whole number"),
        ("3", 2**31, "seed is 2147483648; it must be from 0"),
    ],
)
def test_a_wrong_class_or_seed_is_refused_in_a_sentence(label, seed, message):
    with pytest.raises(InputError, match=message):
        fresh_chains.draw_chains(digits().predictor, digits().chain_plan, label, seed)


def started(start, *, data=True, by_class=10):
    """What chains of the digits start from, had the run another start."""
    own, model = digits(), digits().predictor.model
    run = own.predictor.run
    run = run._replace(options=replace(run.options, {"start": start}))
    if not by_class:
        buffer = types.SimpleNamespace(num_classes=None)
        model = types.SimpleNamespace(network=model.network, buffer=buffer)
        run = run._replace(model=model)
    plan, about = fresh_chains.plan_chains(run, own.data if data else None)
    return type(plan.start), about


def test_they_start_as_in_training_where_its_data_are():
    gaussian = fresh_chains.ABOUT_MEAN_TRAINING_IMAGE
    assert started("gaussian") == (starts.Gaussian, gaussian)
    mixed = "what chains start from in training (mixed)"
    assert started("mixed") == (starts.Mixture, mixed)


def test_without_the_data_they_start_around_what_the_model_drew():
    kind, about = started("gaussian", data=False)
    assert (kind, about) == (
        starts.Gaussian,
        f"{fresh_chains.ABOUT_MEAN_DRAWN_PICTURE}. In training it was around that of "
        "the training images, which are not on this machine",
    )
    for name in ("mixed", "altered", "gaussian:0.8,altered:0.2"):
        kind, about = started(name, data=False)
        assert (kind, about) == (
            starts.Gaussian,
            f"{fresh_chains.ABOUT_MEAN_DRAWN_PICTURE}. In training chains start "
            f"otherwise ({name}), which takes the training images; they are not on "
            "this machine",
        )
    noise = (starts.Uniform, fresh_chains.ABOUT_UNIFORM)
    assert started("gaussian", data=False, by_class=0) == noise


def test_the_gaussian_of_drawn_pictures_is_around_the_means_of_their_classes():
    buffer = ReplayBuffer(12, starts.uniform((4, 4, 1)), num_classes=3)
    levels = np.array([-0.6, 0.2, 0.8], "float32")  # a grey for each class
    images = np.broadcast_to(np.repeat(levels, 4)[:, None, None, None], (12, 4, 4, 1))
    tiny = np.random.default_rng(0).uniform(-0.02, 0.02, images.shape)
    buffer.shard.assign(images + tiny)
    for slot in (3, 11):  # they began at altered images, and are no samples
        buffer.shard[slot].assign(tf.ones([4, 4, 1]))
        buffer.origins[slot].assign(starts.ALTERED)
    start = fresh_chains.gaussian_of_drawn(buffer)
    drawn = start(3, [0, 0], tf.constant([2, 0, 1])).numpy()
    np.testing.assert_allclose(drawn[:, 0, 0, 0], levels[[2, 0, 1]], atol=0.1)
