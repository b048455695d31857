"""What is kept of an evaluation of all, and when it does for another."""

import json

import pytest

from jem_tf.errors import InputError
from jem_tf.evaluation import part_states
from jem_tf.evaluation.part_states import MEASURED, Conditions, PartState
from jem_tf.runs.run_folder import RunFolder

OURS = Conditions(("--limit=5", "--sets=a,b"), 12, 7, ("svhn",))


@pytest.fixture
def folder(tmp_path):
    folder = RunFolder(tmp_path)
    folder.results.mkdir()
    folder.result("ood").write_text("numbers")
    return folder


def state(folder, conditions=OURS, outcome=MEASURED):
    digest = part_states.digest_result(folder, "ood")
    return PartState(conditions, outcome, 1.5, digest, "here")


def test_what_is_written_is_read_beside_what_was_there(tmp_path):
    folder = RunFolder(tmp_path)  # without results yet
    assert part_states.read_states(folder) == {}
    one = PartState(OURS, MEASURED, 1.5, "sha", "here")
    other = PartState(Conditions((), 3), "not measured: no set.", 0.25, "", "there")
    part_states.write_state(folder, "ood", one)
    part_states.write_state(folder, "chains", other)
    assert part_states.read_states(folder) == {"ood": one, "chains": other}
    assert [path.name for path in folder.results.iterdir()] == ["all.json"]


def test_results_are_kept_while_their_conditions_are_accepted(folder):
    quick = OURS._replace(argv=("--limit=1",))
    kept = state(folder)
    assert part_states.is_done(folder, "ood", kept, [OURS])
    assert part_states.is_done(folder, "ood", kept, [quick, OURS])
    assert not part_states.is_done(folder, "ood", kept, [quick])
    assert not part_states.is_done(folder, "ood", None, [OURS])


@pytest.mark.parametrize(
    "change", [{"step": 13}, {"baseline_step": 8}, {"absent": ()}, {"argv": ()}]
)
def test_a_change_of_any_condition_measures_again(folder, change):
    assert not part_states.is_done(
        folder, "ood", state(folder), [OURS._replace(**change)]
    )


def test_results_of_another_command_are_not_the_parts(folder):
    kept = state(folder)
    folder.result("ood").write_text("other numbers")
    assert not part_states.is_done(folder, "ood", kept, [OURS])
    folder.result("ood").unlink()
    assert not part_states.is_done(folder, "ood", kept, [OURS])


def test_what_was_not_measured_is_tried_again_and_listed(folder):
    failed = state(folder, outcome="not measured: no graph; give one.")
    assert not part_states.is_done(folder, "ood", failed, [OURS])
    assert failed.reason == "no graph; give one."
    part_states.write_state(folder, "samples", failed)
    part_states.write_state(folder, "ood", state(folder))
    assert part_states.list_unmeasured(folder) == {
        "samples": "no graph; give one.",
        "samples: svhn": "it is not on the disk",
        "ood: svhn": "it is not on the disk",
    }


@pytest.mark.parametrize(
    "text", ["", "[]", '{"format": 1, "parts": {"ood": {"outcome": "measured"}}}']
)
def test_a_file_that_is_none_is_refused_and_left_as_it_is(folder, text):
    folder.result("all").write_text(text)
    with pytest.raises(InputError, match=r"all.json cannot be read; remove it"):
        part_states.write_state(folder, "ood", state(folder))
    assert folder.result("all").read_text() == text


def test_a_newer_format_is_refused(folder):
    folder.result("all").write_text(json.dumps({"format": 3, "parts": {}}))
    with pytest.raises(InputError, match=r"is of format 3, .*upgrade jem_tf"):
        part_states.read_states(folder)


def test_of_an_earlier_version_the_step_is_enough(tmp_path):
    folder = RunFolder(tmp_path)
    folder.results.mkdir()
    folder.result("ood").write_text("numbers")
    digest = part_states.digest_result(folder, "ood")
    now = OURS._replace(checkpoint="one", baseline_checkpoint="two")
    for conditions, done in (
        (now, True),
        (OURS, True),
        (now._replace(checkpoint="three"), False),
        (now._replace(baseline_checkpoint="three"), False),
        (OURS._replace(step=3), False),
    ):
        state = PartState(conditions, part_states.MEASURED, 1.0, digest)
        assert part_states.is_done(folder, "ood", state, [now]) == done
