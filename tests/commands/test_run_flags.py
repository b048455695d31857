"""The flags of the commands that look at a trained run."""

from absl import flags

from jem_tf.commands import run_flags


def parsed(*words, **options):
    values = flags.FlagValues()
    run_flags.define(values, **options)
    values(["command", *words])
    return values


def test_a_limit_is_a_flag_only_where_it_means_something():
    assert "limit" in parsed("--workdir=x")
    assert "limit" not in parsed("--workdir=x", limit=False)
