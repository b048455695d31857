"""How every evaluation goes: what it is given, what is written and printed."""

import numpy as np

from jem_tf.commands import run_evaluation
from jem_tf.datasets import Split
from jem_tf.evaluation import findings
from jem_tf.runs.run_folder import RunFolder
from tests.commands.test_run_flags import parsed


def test_the_first_images_are_as_many_as_the_limit_and_all_if_it_is_0():
    split = Split(np.arange(5), np.arange(5) * 2)
    for limit, count in ((3, 3), (0, 5), (9, 5)):
        some = run_evaluation.first_images(split, limit)
        np.testing.assert_array_equal(some.images, np.arange(count))
        np.testing.assert_array_equal(some.labels, np.arange(count) * 2)


def test_an_evaluation_gets_the_run_its_data_and_the_flags(trained, tmp_path, capsys):
    trained(tmp_path)
    seen = []

    def evaluation(context):
        seen.append(context)
        return findings.Findings({"number": 0.5}, {"how": "so"}, {})

    values = parsed(f"--workdir={tmp_path}", "--limit=7", "--seed=2")
    run_evaluation.run_evaluation("calibration", evaluation, values)
    (context,) = seen
    assert (context.limit, context.seed, context.run.step) == (7, 2, 12)
    assert len(context.data.test.labels) == 359
    written = findings.read_findings(RunFolder(tmp_path), "calibration")
    assert written["metrics"] == {"number": 0.5}
    protocol = written["protocol"]
    assert (protocol["how"], protocol["limit"], protocol["seed"]) == ("so", 7, 2)
    assert protocol["checkpoint_step"] == 12
    assert "number" in capsys.readouterr().out
