import numpy as np
import pytest
import tensorflow as tf

from jem_tf import starts
from jem_tf.errors import InputError
from jem_tf.starts import shares

SHAPE = (4, 4, 3)


def test_a_mixture_starts_as_its_first_in_its_share():
    def constant(value):
        return lambda n, seed, labels=None: tf.fill([n, *SHAPE], value)

    drawn = starts.mixture(constant(1.0), constant(-1.0), 0.1)(10_000, [0, 3]).numpy()
    assert np.mean(drawn[:, 0, 0, 0] == 1.0) == pytest.approx(0.1, abs=0.01)
    assert (drawn == drawn[:, :1, :1, :1]).all()  # images are of one kind whole


def constant(value):
    return lambda n, seed, labels=None: tf.fill([n, *SHAPE], value)


def test_each_start_has_its_share_and_its_own_images():
    mixed = starts.Shares(
        (constant(1.0), constant(2.0), constant(3.0)), (0.6, 0.1, 0.3)
    )
    drawn = mixed(10_000, [0, 3]).numpy()
    assert (drawn == drawn[:, :1, :1, :1]).all()  # images are of one start whole
    counts = np.bincount(drawn[:, 0, 0, 0].astype(int), minlength=4)
    np.testing.assert_allclose(counts[1:] / 10_000, [0.6, 0.1, 0.3], atol=0.015)


def test_a_share_of_all_is_that_start_alone():
    alone = starts.Shares((constant(1.0),), (1.0,))
    assert (alone(50, [0, 3]).numpy() == 1).all()


@pytest.mark.parametrize("labels", [None, np.arange(300) % 2])
def test_origins_are_those_of_the_starts_that_images_are_of(labels):
    bright = starts.Gaussian(SHAPE, tf.fill([2, 48], 0.9), tf.zeros([1, 48]))
    unknown = constant(0.5)
    mixed = starts.Shares(
        (starts.mixture(starts.uniform(SHAPE), bright, 0.5), unknown), (0.7, 0.3)
    )
    images, origins = mixed.with_origins(300, [0, 3], labels)
    np.testing.assert_array_equal(images, mixed(300, [0, 3], labels))
    first = images.numpy()[:, 0, 0, 0]
    expected = np.select([first == np.float32(0.9), first == 0.5], [1, -1], 0)
    np.testing.assert_array_equal(origins, expected)
    assert {*expected} == {0, 1, -1}


def test_shares_are_read_by_name():
    read = starts.parse("gaussian:0.9, uniform:0.03,altered:.07")
    assert read == {"gaussian": 0.9, "uniform": 0.03, "altered": 0.07}
    assert starts.parse("mixed") == {"mixed": 1.0}
    assert shares.parse_shares(shares.spell_shares(read), [*read]) == pytest.approx(
        read
    )


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("gaussian:0.9,uniform:0.2", "shares that add up to 1.1; make it 1"),
        ("gaussian:0.9,uniform", "has the share ''; give a number above 0"),
        ("gaussian:1.1,uniform:-0.1", "has the share '-0.1'; give a number above 0"),
        ("gaussian:nan,uniform:1", "has the share 'nan'"),
        ("gaussian:0.5,gaussian:0.5", "has 'gaussian', twice; give each of uniform"),
        ("gaussian:0.5,normal:0.5", "has 'normal', no start; give each of uniform"),
        ("gaussian:0.5,", "has '', no start"),
        ("gaussian,uniform", "is not known; choose one of uniform, gaussian, mixed"),
    ],
)
def test_shares_that_cannot_be_are_refused(name, says):
    with pytest.raises(InputError, match=f"^start={name} .*{says}"):
        starts.parse(name)


def test_samples_never_begin_at_altered_images():
    name = "gaussian:0.75,uniform:0.05,altered:0.2"
    kept = starts.parse(starts.name_for_samples(name))
    assert kept == pytest.approx({"gaussian": 0.9375, "uniform": 0.0625})
    assert starts.name_for_samples("gaussian:0.5,altered:0.5") == "gaussian"
    for name in ("mixed", "uniform:0.25,gaussian:0.75"):
        assert starts.name_for_samples(name) == name
    with pytest.raises(InputError, match=r"^start=altered begins all chains"):
        starts.name_for_samples("altered")
