"""The flags of samples: where they come from, and what is for fresh chains alone."""

import pytest

from jem_tf.commands import evaluate_samples_flags, evaluation_command, run_flags
from jem_tf.errors import InputError
from jem_tf.runs import loading
from tests.commands import flag_values


def given(*words):
    return flag_values.parsed(evaluate_samples_flags.define, "--workdir=digits", *words)


@pytest.fixture(scope="module")
def context():
    """context(*words) is that of the shipped model of digits."""
    run = run_flags.read_run(given())
    data = loading.read_data(run, "")

    def with_flags(*words):
        return evaluation_command.Context(run, data, 0, 0, "", "", given(*words))

    return with_flags


def test_samples_are_the_buffers_where_there_is_one(context):
    fresh, protocol = evaluate_samples_flags.choose_source(context())
    assert fresh is None
    assert protocol["source"] == "replay buffer, as it is"


def test_fresh_chains_have_the_runs_sampler_and_what_is_given(context):
    words = ("--source=fresh", "--steps=7", "--noise=0.25")
    fresh, protocol = evaluate_samples_flags.choose_source(context(*words))
    given = context().run.options.sampling
    assert fresh.sampler.keywords["steps"] == 7
    assert fresh.sampler.keywords["noise"] == 0.25
    assert fresh.sampler.keywords["step_size"] == given.step_size
    assert protocol["source"] == "fresh chains"


def test_fresh_chains_are_drawn_by_class_where_the_buffers_are_unless_told(context):
    told = {}
    for words in ((), ("--noconditional",), ("--conditional",)):
        _, protocol = evaluate_samples_flags.choose_source(
            context("--source=fresh", *words)
        )
        told[words] = protocol["conditional"]
    by_class = bool(context().run.model.buffer.num_classes)
    assert told == {(): by_class, ("--noconditional",): False, ("--conditional",): True}


@pytest.mark.parametrize(
    "flag", ["steps=5", "step_size=2.0", "noise=0.1", "temperature=0.5", "conditional"]
)
def test_what_is_for_fresh_chains_is_refused_of_the_buffers_images(context, flag):
    name = flag.partition("=")[0]
    with pytest.raises(InputError, match=f"{name}.* is for fresh chains; give"):
        evaluate_samples_flags.choose_source(context(f"--{flag}"))


def test_results_of_fresh_samples_are_of_fresh_chains(context):
    words = ("--result=fresh_samples", "--steps=7")
    fresh, protocol = evaluate_samples_flags.choose_source(context(*words))
    assert fresh is not None
    assert protocol["source"] == "fresh chains"
    says = "result=fresh_samples is of fresh chains; leave source=buffer out"
    with pytest.raises(InputError, match=says):
        evaluate_samples_flags.choose_source(
            context("--result=fresh_samples", "--source=buffer")
        )
