"""Copies of training images are found, and new real images are none."""

import numpy as np
import pytest

from jem_tf import datasets
from jem_tf.evaluation import memorisation
from jem_tf.metrics import intervals

KEYS = (
    "samples",
    "held_out",
    "nearer",
    "nearer_ci",
    "copies",
    "copies_ci",
    "copies_by_chance",
)


def noise(count, seed):
    shape = [count, 6, 6, 3]
    return np.random.default_rng(seed).integers(0, 256, shape, dtype="uint8")


def made(*, flip=False):
    """A data set of noise: 300 training and 1,000 test images."""
    train, test = (
        datasets.Split(noise(n, i), np.zeros(n, "int32"))
        for i, n in enumerate((300, 1000))
    )
    return datasets.Dataset(train, train, test, ("a",), flip)


class Pixels:
    """Features that are the pixels, in [0, 255]."""

    suffix, width, kept, identity = "_pixels", 108, False, ""

    def extract(self, images, *, what="images"):
        from jem_tf.evaluation.features import Features

        return Features(images.reshape(len(images), -1).astype("float32"), None)

    def protocol(self):
        return {}


def test_distances_are_compared_as_solved_by_hand():
    held_out = np.arange(1.0, 101)  # one new distance in 101 is at most the smallest
    metrics = memorisation.compare_distances(np.array([0, 1.5, 2, 200]), held_out, "x")
    assert set(metrics) == {f"memorisation/x/{key}" for key in KEYS}
    found = [metrics[f"memorisation/x/{key}"] for key in KEYS[:3]]
    # 0 is below all 100, 1.5 below 99, 2 below 98 and equal to one, 200 below none.
    assert found == pytest.approx([203.5 / 4, 50.5, (100 + 99 + 98.5) / 400])
    assert metrics["memorisation/x/copies"] == 1 / 4
    for key in ("nearer", "copies"):
        low, high = metrics[f"memorisation/x/{key}_ci"]
        assert low <= metrics[f"memorisation/x/{key}"] <= high


def test_no_copies_among_few_samples_may_be_some_among_many():
    held_out = np.arange(1.0, 101)
    metrics = memorisation.compare_distances(held_out[:40] + 50, held_out, "x")
    assert metrics["memorisation/x/copies"] == 0
    assert metrics["memorisation/x/copies_ci"] == intervals.proportion(0, 40)


def test_new_images_are_as_far_as_the_held_out_ones():
    metrics = memorisation.compare_pixels(noise(1000, 9), made())
    assert metrics["memorisation/pixels/samples"] == pytest.approx(
        metrics["memorisation/pixels/held_out"], rel=0.02
    )
    low, high = metrics["memorisation/pixels/nearer_ci"]
    assert low < 0.5 < high
    copies, chance = (
        metrics[f"memorisation/pixels/{key}"] for key in ("copies", "copies_by_chance")
    )
    assert copies <= chance


@pytest.mark.parametrize("flip", [False, True])
def test_copies_are_found_and_mirrored_ones_where_training_mirrors(flip):
    data = made(flip=flip)
    copies = data.train.images[:40, :, ::-1] if flip else data.train.images[:40]
    slightly = (copies ^ 1, noise(160, 7))  # another last bit
    samples = np.concatenate(slightly)
    metrics = memorisation.compare_pixels(samples, data)
    # 40 of 200, and the few of the others that a hundredth of real images would be.
    assert 0.2 <= metrics["memorisation/pixels/copies"] < 0.3
    features = memorisation.compare_features(
        copies.reshape(40, -1).astype("float32"),
        data.train.images.reshape(300, -1).astype("float32"),
        data,
        Pixels(),
    )
    # Features of mirror images are other features: they are not looked for.
    share = features["memorisation/features_pixels/copies"]
    assert share < 0.5 if flip else share == 1


def test_mirrored_copies_are_no_copies_where_training_does_not_mirror():
    data = made()
    mirrored = data.train.images[:100, :, ::-1]
    metrics = memorisation.compare_pixels(mirrored, data)
    assert metrics["memorisation/pixels/copies"] < 0.1


def test_few_images_are_compared_and_the_protocol_says_how_many(monkeypatch):
    monkeypatch.setattr(memorisation, "MOST", 50)
    data, samples = made(), noise(70, 7)
    seen = samples.reshape(70, -1).astype("float32")
    some = (samples, seen, seen[:5], data, Pixels())
    metrics, protocol = memorisation.evaluate_memorisation(*some)
    assert set(metrics) == {
        f"memorisation/{name}/{key}"
        for name in ("pixels", "features_pixels")
        for key in KEYS
    }
    assert (protocol["samples_compared"], protocol["held_out_images"]) == (50, 50)
    assert protocol["training_images_pixels"] == 300
    assert protocol["training_images_features"] == 5
    assert protocol["mirrored"] == "no"
    bare, protocol = memorisation.evaluate_memorisation(
        samples, seen, None, data, Pixels()
    )
    assert {name.split("/")[1] for name in bare} == {"pixels"}
    assert "left out" in protocol["features"]


@pytest.mark.parametrize("held_out", [30, 100, 359, 1000])
def test_chance_is_exceeded_in_a_fortieth_of_draws(held_out):
    """Samples as far away as the held-out images, however few these are."""
    generator, alarms = np.random.default_rng(held_out), 0
    chance = memorisation.copies_by_chance(500, held_out)
    for _ in range(1000):
        samples, others = generator.random(500), generator.random(held_out)
        metrics = memorisation.compare_distances(samples, others, "x")
        alarms += metrics["memorisation/x/copies"] > chance
    assert 5 <= alarms <= 45


@pytest.mark.parametrize("held_out", [30, 100, 359, 1000])
def test_copies_exceed_chance_however_few_the_held_out_images(held_out):
    samples = np.r_[np.zeros(250), np.ones(250)]
    others = np.random.default_rng(0).uniform(0.5, 1, held_out)
    metrics = memorisation.compare_distances(samples, others, "x")
    assert metrics["memorisation/x/copies"] == 0.5
    assert metrics["memorisation/x/copies_by_chance"] < 0.2
