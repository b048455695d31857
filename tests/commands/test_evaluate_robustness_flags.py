"""The flags of attacks: the radii, efforts and refinements that they choose."""

import pytest

from jem_tf.commands import evaluate_robustness_flags, run_flags
from jem_tf.errors import InputError
from tests.commands import flag_values


def given(*words):
    return flag_values.parsed(
        evaluate_robustness_flags.define, "--workdir=digits", *words
    )


@pytest.fixture(scope="module")
def run():
    return run_flags.read_run(given())


def test_radii_ascend_from_no_attack_at_all_to_an_unbounded_one():
    assert evaluate_robustness_flags.choose_radii(
        given("--eps_linf=8,2", "--eps_l2=1,0.5")
    ) == {
        "linf": [0, 2, 8, 255],
        "l2": [0, 0.5, 1],
    }


def test_a_radius_beyond_all_pixels_is_refused():
    with pytest.raises(InputError, match="eps_linf=1,256 is in 1/255; give at most"):
        evaluate_robustness_flags.choose_radii(given("--eps_linf=1,256"))


@pytest.mark.parametrize("number", ["nan", "inf", "-1", "x"])
def test_a_radius_that_is_no_length_is_refused(number):
    with pytest.raises(InputError, match=f"eps_l2=1,{number} must list numbers of"):
        evaluate_robustness_flags.choose_radii(given(f"--eps_l2=1,{number}"))


@pytest.mark.parametrize(
    ("words", "steps"), [([], 20), (["--attack=autoattack"], 100), (["--steps=3"], 3)]
)
def test_autoattack_has_more_steps_unless_told(words, steps):
    settings = evaluate_robustness_flags.choose_settings(given(*words), seed=5)
    assert (settings.steps, settings.seed) == (steps, 5)


def test_a_jem_is_refined_by_its_own_sampler(run):
    without, *refined = evaluate_robustness_flags.choose_defences(run, given())
    assert (without.k, without.sampler) == (0, None)
    assert [defence.k for defence in refined] == [1, 10]
    for defence in refined:
        assert defence.sampler.keywords["steps"] == defence.k
        assert defence.sampler.keywords["noise"] == run.options.sampling.step_noise


def test_noise_is_averaged_only_where_there_is_some(run):
    noisy = evaluate_robustness_flags.choose_defences(run, given("--refine_noise=0.1"))
    still = evaluate_robustness_flags.choose_defences(run, given("--refine_noise=0"))
    assert [(d.eot, d.fresh) for d in noisy] == [(1, 1), (2, 5), (2, 5)]
    assert [(d.eot, d.fresh) for d in still] == [(1, 1)] * 3


def test_autoattack_gets_no_refinement_unless_asked(run):
    words = ["--attack=autoattack"]
    (only,) = evaluate_robustness_flags.choose_defences(run, given(*words))
    assert only.k == 0
    asked = evaluate_robustness_flags.choose_defences(
        run, given(*words, "--refine_steps=2,0,2")
    )
    assert [defence.k for defence in asked] == [0, 2]


def test_no_number_of_steps_is_refused(run):
    with pytest.raises(InputError, match="refine_steps= lists nothing"):
        evaluate_robustness_flags.choose_defences(run, given("--refine_steps="))


def test_part_of_a_step_is_refused(run):
    with pytest.raises(InputError, match=r"refine_steps=1\.5 must list whole numbers"):
        evaluate_robustness_flags.choose_defences(run, given("--refine_steps=1.5"))
