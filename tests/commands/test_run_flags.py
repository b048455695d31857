"""The flags of the commands that look at a trained run."""

import functools

import pytest
from absl import flags

from jem_tf.commands import (
    classify,
    demo,
    evaluate_calibration,
    evaluate_ood,
    evaluate_robustness_flags,
    evaluate_samples_flags,
    run_flags,
)
from tests.commands import flag_values


def parsed(*words, **options):
    define = functools.partial(run_flags.define, **options)
    return flag_values.parsed(define, *words)


def test_a_limit_is_a_flag_only_where_it_means_something():
    assert "limit" in parsed("--workdir=x")
    assert "limit" not in parsed("--workdir=x", limit=False)


def test_a_split_is_chosen_where_images_of_the_runs_own_set_are_evaluated():
    for command in (evaluate_calibration, evaluate_ood, evaluate_robustness_flags):
        values = flag_values.parsed(command.define, "--workdir=x")
        assert values.on == "test"
        assert values["on"].parser.enum_values == ["test", "validation"]
    values = flags.FlagValues()
    evaluate_samples_flags.define(values)
    assert "on" not in values


def test_a_run_and_a_model_are_one_flag_by_two_names():
    values = parsed("--model=cifar10")
    assert values.workdir == values.model == "cifar10"
    for both in (["--model=a", "--workdir=b"], ["--workdir=b", "--model=a"]):
        with pytest.raises(flags.IllegalFlagValueError, match="model is another name"):
            parsed(*both)
    assert parsed("--workdir=a", "--workdir=b").model == "b"
    with pytest.raises(flags.IllegalFlagValueError, match="workdir"):
        parsed()


@pytest.mark.parametrize("command", [classify, demo])
def test_the_folder_of_a_packed_run_may_be_called_workdir(command):
    assert flag_values.parsed(command.define).workdir == "cifar10"
    assert flag_values.parsed(command.define, "--workdir=x").model == "x"
