"""What the commands share that look at a trained run."""

import numpy as np
from absl import flags

from jem_tf.commands import run_flags
from jem_tf.datasets import Split
from jem_tf.evaluation import findings
from jem_tf.runs.run_folder import RunFolder
from tests import processes


def parsed(*words, **options):
    values = flags.FlagValues()
    run_flags.define(values, **options)
    values(["command", *words])
    return values


def test_the_first_images_are_as_many_as_the_limit_and_all_if_it_is_0():
    split = Split(np.arange(5), np.arange(5) * 2)
    for limit, count in ((3, 3), (0, 5), (9, 5)):
        some = run_flags.first_images(split, limit)
        np.testing.assert_array_equal(some.images, np.arange(count))
        np.testing.assert_array_equal(some.labels, np.arange(count) * 2)


def test_a_limit_is_a_flag_only_where_it_means_something():
    assert "limit" in parsed("--workdir=x")
    assert "limit" not in parsed("--workdir=x", limit=False)


def test_an_evaluation_gets_the_run_its_data_and_the_flags(tmp_path, capsys):
    processes.run_here(tmp_path, "--steps=3")
    seen = []

    def evaluation(asked):
        seen.append(asked)
        return findings.Findings({"number": 0.5}, {"how": "so"}, {})

    values = parsed(f"--workdir={tmp_path}", "--limit=7", "--seed=2")
    run_flags.evaluate("calibration", evaluation, values)
    (asked,) = seen
    assert (asked.limit, asked.seed, asked.run.step) == (7, 2, 3)
    assert len(asked.data.test.labels) == 359
    written = findings.read_findings(RunFolder(tmp_path), "calibration")
    assert written["metrics"] == {"number": 0.5}
    protocol = written["protocol"]
    assert (protocol["how"], protocol["limit"], protocol["seed"]) == ("so", 7, 2)
    assert protocol["checkpoint_step"] == 3
    assert "number" in capsys.readouterr().out
