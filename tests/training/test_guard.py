import dataclasses
import json
import math

import pytest

from jem_tf.errors import InputError
from jem_tf.options import (
    FaultTolerance,
    Options,
    replace,
)
from jem_tf.runs import flagfiles
from jem_tf.training import guard, retry_options
from jem_tf.training.drift import START
from tests.training.test_retry_options import OPTIONS

CALM = {
    "loss": 0.5,
    "accuracy": 1.0,
    "cross_entropy": 0.1,
    "energy_real": -3.0,
    "energy_drawn": -2.0,
    "energy_gap": 1.0,
    "gradient_norm": 4.0,
    "saturation": 0.2,
    "reinitialised": 0.05,
}
PLAIN = ("loss", "accuracy", "cross_entropy", "energy_real", "gradient_norm")
GAP, ENERGY = FaultTolerance().guard_gap, FaultTolerance().guard_energy
DRIFT_OFF = {"guard_drift": 0.0, "guard_drift_gap": 0.0}
OUTSIDE = {  # a reading just beyond its bound
    "energy_gap": 1.001 * GAP,
    "energy_real": 1.001 * ENERGY,
    "energy_drawn": 1.001 * ENERGY,
}


def made(place, **options):
    survival = FaultTolerance(**{"guard_retries": 3} | options)
    return guard.Guard(survival, place / "guard.json")


def alarm(watch, step, **readings):
    with pytest.raises(guard.Alarm) as raised:
        watch.watch(step, CALM | readings)
    return raised.value


def refused(function, *arguments, **more):
    with pytest.raises(InputError) as raised:
        function(*arguments, **more)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def diverge(watch, step, back_to, opts=OPTIONS):
    """An alarm and what is noted of it -> the line for the log."""
    watch.record(alarm(watch, step, loss=math.nan), back_to, opts)
    return watch.describe()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", CALM)
def test_a_reading_that_is_not_finite_is_an_alarm_at_once(tmp_path, name, value):
    raised = alarm(made(tmp_path), 7, **{name: value})
    assert raised.step == 7
    assert raised.seen == f"{guard.MEANING.get(name, name)} is not finite"
    assert str(raised) == f"step 7: {raised.seen}"


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("name", OUTSIDE)
def test_a_reading_out_of_bounds_is_an_alarm_once_patience_ends(tmp_path, name, sign):
    watch = made(tmp_path, guard_patience=3)
    beyond = {name: sign * OUTSIDE[name]}
    for step in (4, 5):
        watch.watch(step, CALM | beyond)
        assert not watch.good
    raised = alarm(watch, 6, **beyond)
    assert raised.step == 6
    assert guard.MEANING[name] in raised.seen
    assert "beyond +-" in raised.seen
    assert raised.seen.endswith("for 3 steps")


def test_one_good_step_ends_the_streak(tmp_path):
    watch = made(tmp_path, guard_patience=3)
    for step in range(30):
        outside = step % 3 != 2
        watch.watch(step, CALM | {"energy_gap": 2 * GAP * outside})
        assert watch.good != outside


def test_a_streak_may_be_of_different_readings(tmp_path):
    watch = made(tmp_path, guard_patience=2)
    watch.watch(0, CALM | {"energy_gap": 2 * GAP})
    assert "E(real)" in alarm(watch, 1, energy_real=-2 * ENERGY).seen


def test_a_patience_of_1_is_none(tmp_path):
    assert alarm(made(tmp_path, guard_patience=1), 0, energy_gap=2 * GAP).step == 0


@pytest.mark.parametrize("readings", [CALM, {name: CALM[name] for name in PLAIN}])
def test_healthy_readings_never_raise(tmp_path, readings):
    watch = made(tmp_path, guard_patience=1)
    at_bounds = {"energy_gap": GAP, "energy_real": -ENERGY, "energy_drawn": ENERGY}
    for more in ({}, at_bounds, {"loss": 1e30, "gradient_norm": 1e30}):
        known = {name: value for name, value in more.items() if name in readings}
        for step in range(50):
            watch.watch(step, readings | known)
            assert watch.good
    assert not (tmp_path / "guard.json").exists()


def test_the_bounds_are_the_users(tmp_path):
    watch = made(tmp_path, guard_gap=0.5, guard_energy=2.5, guard_patience=1)
    assert "beyond +-0.5" in alarm(watch, 0, energy_real=0.0, energy_drawn=0.0).seen
    assert "beyond +-2.5" in alarm(watch, 0, energy_gap=0.0).seen


def test_no_guard_watches_nothing(tmp_path):
    watch = made(tmp_path, guard=False)
    for value in (math.nan, math.inf, 1e30):
        for step in range(20):
            watch.watch(step, dict.fromkeys(CALM, value))
    assert watch.good


def test_a_retry_is_noted_before_anything_else(tmp_path):
    watch = made(tmp_path)
    line = diverge(watch, 7, 5)
    assert (tmp_path / "guard.json").exists()
    noted = json.loads((tmp_path / "guard.json").read_text())
    assert noted == {"retries": 1, "events": watch.events}
    changes = {
        "seed": 5 + retry_options.SEED_STEP,
        "learning_rate": 0.05,
        "score_clamp": 1.0,
        "range_clamp": 1.0,
        "energy_l2": 0.1,
    }
    assert watch.events == [
        {
            "step": 7,
            "seen": "loss is not finite",
            "back_to": 5,
            "gave_up": False,
            "changes": changes,
        }
    ]
    assert "\n" not in line
    assert "step 7" in line
    assert "loss is not finite" in line
    assert "retry 1 of 3 from step 5" in line
    for name, value in changes.items():
        assert f" {name}={value}" in line
    assert " --learning_rate=0.05" in watch.describe(flagfiles.spell)
    assert watch.last_target == 5


def test_a_retry_starts_with_patience(tmp_path):
    watch = made(tmp_path, guard_patience=2)
    watch.watch(3, CALM | {"energy_gap": 2 * GAP})
    watch.record(alarm(watch, 4, energy_gap=2 * GAP), 0, OPTIONS)
    assert watch.good
    watch.watch(1, CALM | {"energy_gap": 2 * GAP})


def test_the_retries_are_numbered_and_then_spent(tmp_path):
    watch = made(tmp_path, guard_retries=2)
    assert (watch.retries, watch.spent, watch.last_target) == (0, False, None)
    for retry in (1, 2):
        assert f"retry {retry} of 2 from step 0" in diverge(watch, 7, 0)
        assert (watch.retries, watch.spent) == (retry, retry == 2)
    watch.record(alarm(watch, 9, saturation=math.nan), None, OPTIONS)
    message = refused(watch.describe)
    assert "step 9 (a drawn image is not finite)" in message
    assert "and guard_retries=2 are spent" in message
    assert "lower learning_rate" in message
    last = json.loads((tmp_path / "guard.json").read_text())["events"][-1]
    assert (last["gave_up"], last["back_to"], last["changes"]) == (True, None, {})


def test_without_retries_the_first_alarm_is_the_last(tmp_path):
    watch = made(tmp_path, guard_retries=0)
    assert watch.spent
    assert "guard_retries=0" in refused(diverge, watch, 7, None)


def test_another_process_goes_on_counting(tmp_path):
    first = made(tmp_path)
    diverge(first, 7, 5)
    again = made(tmp_path)
    assert (again.retries, again.events, again.last_target) == (1, first.events, 5)
    assert "retry 2 of 3" in diverge(again, 8, 0)
    assert [event["step"] for event in made(tmp_path).events] == [7, 8]


def test_a_run_that_gave_up_stays_so_until_it_may_retry_more(tmp_path):
    watch = made(tmp_path, guard_retries=1)
    diverge(watch, 7, 5)
    made(tmp_path, guard_retries=1)  # one retry is under way
    message = refused(diverge, watch, 8, None)
    assert refused(made, tmp_path, guard_retries=1) == message
    assert made(tmp_path, guard_retries=1, guard=False).changes == watch.changes
    more = made(tmp_path, guard_retries=2)
    assert (more.retries, more.spent, more.last_target) == (1, False, 5)


def test_a_retry_does_what_was_noted_whatever_the_flags_say_now(tmp_path):
    diverge(made(tmp_path), 7, 5)
    changes = made(tmp_path, guard_learning_rate=0.9, guard_strengthen="none").changes
    assert replace(OPTIONS, changes) == retry_options.strengthen(OPTIONS, 1)
    assert replace(OPTIONS, {}) == OPTIONS


def test_without_the_guard_every_finite_step_is_good(tmp_path):
    watch = made(tmp_path, guard=False)
    watch.streak = 3  # as a checkpoint of a guarded run may say
    assert watch.good


def test_a_retry_that_cannot_be_noted_is_not_begun(tmp_path, full_disk):
    watch = made(tmp_path)
    diverge(watch, 7, 5)
    before = (tmp_path / "guard.json").read_text()
    with full_disk(100):
        message = refused(diverge, watch, 9, 5)
    assert f"{tmp_path / 'guard.json'} cannot be written" in message
    assert (tmp_path / "guard.json").read_text() == before


def test_only_the_chief_writes(tmp_path):
    watch = made(tmp_path)
    watch.record(alarm(watch, 7, loss=math.nan), 5, OPTIONS, chief=False)
    assert watch.retries == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"events": 3}', "\xff"])
def test_a_guard_json_that_is_none_is_refused(tmp_path, text):
    (tmp_path / "guard.json").write_text(text, encoding="latin-1")
    message = refused(made, tmp_path)
    assert f"{tmp_path / 'guard.json'} cannot be read" in message
    assert "delete it" in message


def beyond(watch, steps, gap=-2 * GAP, first=1, **readings):
    for step in range(first, first + steps):
        watch.watch(step, CALM | {"energy_gap": gap} | readings)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_gap_outside_since_the_first_step_has_time_to_come_inside(tmp_path, sign):
    watch = made(tmp_path, guard_start=30, guard_patience=3)
    beyond(watch, 30, sign * 2 * GAP)
    assert not watch.good
    assert alarm(watch, 31, energy_gap=sign * 2 * GAP).step == 31


def test_a_gap_that_was_inside_once_has_no_more_time(tmp_path):
    watch = made(tmp_path, guard_start=30, guard_patience=3)
    beyond(watch, 5)
    beyond(watch, 1, first=6, gap=0.0)
    beyond(watch, 2, first=7)
    assert alarm(watch, 9, energy_gap=-2 * GAP).step == 9


def test_an_energy_out_of_bounds_has_no_time_at_the_start(tmp_path):
    watch = made(tmp_path, guard_start=30, guard_patience=3)
    beyond(watch, 2, energy_drawn=-2 * ENERGY)
    seen = alarm(watch, 3, energy_gap=-2 * GAP, energy_drawn=-2 * ENERGY).seen
    assert "mean E(drawn)" in seen


def drifting(place, **options):
    """A guard after 310 steps with a gap of 6, and the warnings that it called with."""
    called = []
    survival = FaultTolerance(guard_retries=3, **options)
    watch = guard.Guard(
        survival, place / "guard.json", images=64, on_drift=called.append
    )
    beyond(watch, START + 10, gap=6.0)
    return watch, called


def test_a_drift_is_a_warning_and_changes_nothing_else(tmp_path):
    watch, called = drifting(tmp_path)
    assert watch.warnings == called
    assert [(event["step"], event["retries"]) for event in called] == [(START, 0)]
    assert (watch.good, watch.retries, watch.changes) == (True, 0, {})
    assert "at step 300 the sampler falls behind" in guard.describe_drift(called[0])
    watch.write()
    assert json.loads((tmp_path / "guard.json").read_text()) == {
        "retries": 0,
        "events": [],
        "warnings": called,
    }
    assert made(tmp_path).warnings == called


def test_a_drift_is_noted_once_however_often_its_steps_are_taken(tmp_path):
    watch, called = drifting(tmp_path)
    watch.write()
    again, called_again = drifting(tmp_path)
    assert called_again == called
    assert again.warnings == called


def test_warnings_stay_when_an_alarm_is_noted(tmp_path):
    watch, called = drifting(tmp_path)
    diverge(watch, 311, 100)
    noted = json.loads((tmp_path / "guard.json").read_text())
    assert (noted["warnings"], noted["retries"]) == (called, 1)


def test_a_drift_is_an_alarm_for_whoever_wants_one(tmp_path):
    with pytest.raises(guard.Alarm) as raised:
        drifting(tmp_path, guard_on_drift="retry")
    assert raised.value.step == START
    assert "standard deviations" in raised.value.seen


def test_a_retry_forgets_the_averages_and_may_warn_again(tmp_path):
    watch, called = drifting(tmp_path)
    memory = watch.memory
    diverge(watch, 311, 155)
    assert watch.memory == {}
    watch.resume(0, memory, retries=0)  # of the checkpoint that it goes back to
    assert watch.memory == {}
    beyond(watch, START - 1, gap=6.0, first=156)
    assert len(called) == 1
    beyond(watch, 1, gap=6.0, first=155 + START)
    assert [event["retries"] for event in called] == [0, 1]
    watch.resume(0, watch.memory, retries=1)
    assert watch.drift.seen


@pytest.mark.parametrize("options", [{"guard": False}, DRIFT_OFF])
def test_a_drift_that_is_not_looked_for_is_not_seen(tmp_path, options):
    watch, called = drifting(tmp_path, **options)
    assert (watch.warnings, called) == ([], [])


def test_a_guard_that_is_not_told_of_images_looks_for_no_drift(tmp_path):
    watch = made(tmp_path)
    beyond(watch, 400, gap=6.0)
    assert (watch.warnings, watch.memory) == ([], {})


def test_whoever_wants_a_retry_after_the_warning_gets_it(tmp_path):
    """A run is stopped after the warning, and goes on with the flag of a retry."""
    first = guard.Guard(FaultTolerance(), tmp_path / "guard.json", images=64)
    falling = {"energy_real": -3.0, "energy_drawn": 3.0, "energy_gap": 6.0}
    for step in range(1, 400):
        first.watch(step, falling)
    assert first.drift.seen
    retry = FaultTolerance(guard_on_drift="retry")
    second = guard.Guard(retry, tmp_path / "guard.json", images=64)
    second.resume(0, first.memory, retries=0)
    with pytest.raises(guard.Alarm):
        second.watch(400, falling)


def test_a_later_retry_keeps_what_earlier_ones_changed(tmp_path):
    first = guard.Guard(FaultTolerance(), tmp_path / "guard.json")
    opts = Options()
    first.record(guard.Alarm(5, "so"), 0, opts)
    other = FaultTolerance(guard_strengthen="sampler", guard_learning_rate=1.0)
    opts = dataclasses.replace(opts, fault_tolerance=other)
    second = guard.Guard(other, tmp_path / "guard.json")
    changes = second.record(guard.Alarm(9, "so"), 0, opts)["changes"]
    assert changes["energy_l2"] == first.changes["energy_l2"]
    assert changes["learning_rate"] == first.changes["learning_rate"]
    assert changes["score_clamp"] == retry_options.FIRST_CLAMP
    assert changes["seed"] == 2 * retry_options.SEED_STEP


def test_without_the_guard_nan_is_no_good_step_to_go_back_to(tmp_path):
    watch = guard.Guard(FaultTolerance(guard=False), tmp_path / "guard.json")
    watch.watch(1, {"loss": math.nan})
    assert not watch.good
    watch.watch(2, {"loss": 1.0})
    assert watch.good
