"""The flags of the commands that look at a trained run."""

from absl import flags

from jem_tf.commands import (
    evaluate_calibration,
    evaluate_ood,
    evaluate_robustness,
    evaluate_samples,
    run_flags,
)


def parsed(*words, **options):
    values = flags.FlagValues()
    run_flags.define(values, **options)
    values(["command", *words])
    return values


def test_a_limit_is_a_flag_only_where_it_means_something():
    assert "limit" in parsed("--workdir=x")
    assert "limit" not in parsed("--workdir=x", limit=False)


def test_a_split_is_chosen_where_images_of_the_runs_own_set_are_evaluated():
    for command in (evaluate_calibration, evaluate_ood, evaluate_robustness):
        values = flags.FlagValues()
        command.define(values)
        values(["command", "--workdir=x"])
        assert values.on == "test"
        assert values["on"].parser.enum_values == ["test", "validation"]
    values = flags.FlagValues()
    evaluate_samples.define(values)
    assert "on" not in values
