import json

import numpy as np
import pytest
import tensorflow as tf

from jem_tf.errors import InputError
from jem_tf.evaluation.attacks import AttackSettings
from jem_tf.evaluation.autoattack import standard_set
from jem_tf.evaluation.autoattack.image_states import Found
from jem_tf.evaluation.refinement import Defence
from tests.evaluation.autoattack import classifiers

SETTINGS = AttackSettings(20, 1, 3, "autoattack", targets=9, queries=100)
NAMES = standard_set.PARTS


def run(parts, classify, given, radius):
    return standard_set.run_parts(
        parts,
        tf.function(classify, autograph=False),
        given.x,
        given.labels,
        radius=radius,
        settings=SETTINGS,
        batch_size=16,
    )


@pytest.mark.slow
@pytest.mark.parametrize("norm", classifiers.NORMS)
def test_of_a_linear_model_it_breaks_what_is_nearer_than_the_radius(norm):
    classify = classifiers.linear()
    given = classifiers.images(classify)
    nearest = classifiers.distances(given, norm).min(1)
    parts = standard_set.make_parts(classify, norm)
    for radius in (0.99 * nearest.min(), np.median(nearest), 1.01 * nearest.max()):
        found = run(parts, classify, given, radius)
        clear = np.abs(nearest / radius - 1) > 0.005
        broken = found.part >= 0
        np.testing.assert_array_equal(broken[clear], (nearest < radius)[clear])
        wrong = classifiers.wrong(classify, found.points, given.labels)
        np.testing.assert_array_equal(wrong, broken)
        classifiers.assert_within(found.points, given.x, radius, norm)


@pytest.mark.slow
@pytest.mark.parametrize("norm", classifiers.NORMS)
def test_it_breaks_what_any_of_its_parts_breaks_alone(norm):
    network = classifiers.Network().with_weights(7)
    given = classifiers.images(network, 40)
    parts = standard_set.make_parts(network, norm)
    radius = {"linf": 0.004, "l2": 0.02}[norm]
    alone = {
        name: run({name: part}, network, given, radius).part >= 0
        for name, part in parts.items()
    }
    together = run(parts, network, given, radius).part
    np.testing.assert_array_equal(together >= 0, np.any([*alone.values()], axis=0))
    assert 3 < np.sum(together >= 0) < 40
    # Each image is put down to the first part that breaks it.
    order = np.array([alone[name] for name in NAMES])
    first = np.where(order.any(0), order.argmax(0), -1)
    np.testing.assert_array_equal(together, first)


def test_an_image_that_is_broken_is_not_given_to_the_next():
    classify = classifiers.linear()
    given = classifiers.images(classify, 6)
    other = np.roll(given.x, 1, axis=0)  # points of other classes, for some
    wrong = classifiers.wrong(classify, other, given.labels)
    assert 0 < wrong.sum() < 6
    seen = []

    def part(claimed):
        def attack(images, **how):
            seen.append([*images.ids])
            return Found(other[images.ids], claimed[images.ids])

        return attack

    # The second claims points at which the classifier is right.
    claims = (wrong & (np.arange(6) < 3), np.ones(6, bool), np.zeros(6, bool))
    parts = dict(zip(NAMES, map(part, claims), strict=False))
    found = run(parts, classify, given, 0.1)
    rows = np.arange(6)
    assert seen == [[*rows], [*rows[~claims[0]]], [*rows[~wrong]]]
    expected = np.where(claims[0], 0, np.where(wrong, 1, -1))
    np.testing.assert_array_equal(found.part, expected)
    np.testing.assert_array_equal(found.points[~wrong], given.x[~wrong])


def test_a_radius_of_0_and_an_image_that_is_wrong_anyhow_are_not_attacked():
    classify = classifiers.linear()
    given = classifiers.images(classify, 4)
    parts = standard_set.make_parts(classify, "linf")
    assert (run(parts, classify, given, 0.0).part == -1).all()
    given = given._replace(labels=given.others[:, 0])
    found = run(parts, classify, given, 0.1)
    np.testing.assert_array_equal(found.points, given.x)
    assert (found.part == -1).all()


def test_the_other_classes_come_by_descending_logit():
    logits = np.array([[1.0, 3.0, 2.0, 0.0], [9.0, 8.0, 7.0, 6.0]])
    given = standard_set.describe_images(np.zeros((2, 1, 1, 1)), [1, 2], logits)
    np.testing.assert_array_equal(given.others, [[2, 0, 3], [0, 1, 3]])
    assert standard_set.count_targets(given, SETTINGS) == 3
    assert standard_set.count_targets(given, SETTINGS._replace(targets=2)) == 2


def test_a_classifier_that_refines_and_one_of_few_classes_are_refused():
    plain, refined = (Defence(k, None, 1, 1) for k in (0, 10))
    standard_set.check_attacked([plain], 4)
    with pytest.raises(InputError) as error:
        standard_set.check_attacked([plain, refined], 10)
    assert str(error.value) == (
        "attack=autoattack stands for attacks on a deterministic classifier, JEM-0, "
        "and JEM-10 would refine the images by a sampler whose noise and gradients it "
        "does not know; choose attack=pgd, which averages over the noise and takes "
        "both gradients of the refinement."
    )
    with pytest.raises(InputError, match=r"at least 4 classes .* the model has 3"):
        standard_set.check_attacked([plain], 3)


def test_the_protocol_says_whether_the_parameters_are_the_standard_versions():
    standard = AttackSettings(100, 1, 0, "autoattack")
    said = standard_set.describe_standard_set(standard)
    assert json.loads(json.dumps(said)) == said
    assert said["attack"].endswith("parameters of the standard version")
    other = standard_set.describe_standard_set(standard._replace(queries=4999))
    assert "NOT the standard version" in other["attack"]
    assert "4999 queries" in other["square"]
