"""The detector on runs that were recorded, on noise, and across a resume.

readings.npz has [E(drawn) - E(real), mean E(real)] of every step of a run, in nats, as
float16 [steps, 2]; E(real) is a mean over 64 images. The runs on CIFAR-10 start from a
sharp classifier with vgg-64 (docs/study); each name says how one differs from the base.
Whether it is healthy was judged by the buffer's images at its end. Those on digits are
flags/digits.flags; those of chains of one step have --energy_l2=.1, and
`digits_one_step` ends as noise at a learning rate of 2e-3 without clamps.
"""

import dataclasses
import json
import pathlib

import numpy as np
import pytest

from jem_tf.options import FaultTolerance
from jem_tf.training import drift, guard

IMAGES = 64
with np.load(pathlib.Path(__file__).parent / "readings.npz") as file:
    RUNS = {name: file[name].astype(float).tolist() for name in file}
HEALTHY = ["base", "more_p_x", "more_steps", "more_altered", "sam", "short_steps"]
HEALTHY += ["digits", "digits_strong_l2"]
# The step of the warning, of how many, and what shows it. `long` ends as grey blurs,
# `difference` with checkerboards, `high_rate` is a borderline.
SICK = {
    "long": (2251, 5000, "standard deviations"),
    "high_rate": (1183, 1500, "standard deviations"),
    "difference": (536, 1500, "average of E(drawn) - E(real)"),
    "digits_one_step": (300, 500, "standard deviations"),
}
FROM_CLASSIFIER = [*HEALTHY[:6], "long", "high_rate", "difference"]


def watched(place, rows, **options):
    """A guard that watched these rows [gap, E(real)] from step 1 on."""
    watch = guard.Guard(FaultTolerance(**options), place / "g.json", images=IMAGES)
    for step, row in enumerate(rows, 1):
        watch.watch(step, readings(*row))
    return watch


def readings(gap, real):
    return {"energy_real": real, "energy_drawn": real + gap, "energy_gap": gap}


def after(rows, state=None):
    state = state or drift.Drift()
    for row in rows:
        state = state.after(*row)
    return state


def noise(seed, steps, *, separation=0.0, deviation=1.0):
    """Rows of images with normal energies, of drawn ones so many deviations higher."""
    rng = np.random.default_rng(seed)
    real, drawn = deviation / np.sqrt(IMAGES) * rng.normal(size=(2, steps))
    return np.stack([drawn + separation * deviation - real, real], 1).tolist()


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_run_is_neither_warned_of_nor_stopped(tmp_path, name):
    assert watched(tmp_path, RUNS[name]).warnings == []


@pytest.mark.parametrize("name", SICK)
def test_a_run_whose_sampler_falls_behind_is_warned_of_once(tmp_path, name):
    step, steps, words = SICK[name]
    (warning,) = watched(tmp_path, RUNS[name]).warnings
    assert warning["step"] == step
    assert len(RUNS[name]) == steps
    assert words in warning["seen"]


@pytest.mark.parametrize("name", FROM_CLASSIFIER)
def test_the_start_of_a_classifiers_chains_was_an_alarm_without_guard_start(
    tmp_path, name
):
    with pytest.raises(guard.Alarm) as raised:
        watched(tmp_path, RUNS[name], guard_start=0)
    assert raised.value.step == FaultTolerance().guard_patience


def test_an_explosion_is_an_alarm_at_the_step_it_was_before(tmp_path):
    gaps = np.abs([gap for gap, _ in RUNS["digits_bare"]])
    outside = np.convolve(gaps > FaultTolerance().guard_gap, np.ones(10), "valid")
    with pytest.raises(guard.Alarm, match="for 10 steps") as raised:
        watched(tmp_path, RUNS["digits_bare"])
    assert raised.value.step == int(np.argmax(outside == 10)) + 10


@pytest.mark.parametrize("separation", [0.0, 0.8])
def test_stationary_noise_is_no_drift(separation):
    """10 runs of 5,000 steps. Of 200 others none at 0, none at .8, 10% at .95."""
    for seed in range(10):
        state = drift.Drift()
        for row in noise(seed, 5000, separation=separation, deviation=3.0):
            state = state.after(*row)
            assert state.describe(IMAGES, spreads=1.15, nats=0) is None


@pytest.mark.parametrize("separation", [1.5, 2.5])
def test_a_gap_that_creeps_up_is_seen_soon_after_it_is_beyond_the_bound(separation):
    steps = np.arange(4000)
    rows = np.array(noise(3, 4000, deviation=2.0))
    rows[:, 0] += 2.0 * separation * steps / 4000
    state, seen = drift.Drift(), None
    for step, row in enumerate(rows.tolist()):
        state = state.after(*row)
        if seen is None and state.describe(IMAGES, spreads=1.15, nats=0):
            seen = step
    beyond = 1.15 / separation * 4000
    assert beyond - drift.WINDOW < seen < beyond + 3 * drift.WINDOW


def test_a_sampler_above_which_real_images_lie_has_not_fallen_behind():
    state = after(noise(0, 1000, separation=-3.0, deviation=3.0))
    assert state.mean_gap == pytest.approx(-9, abs=0.2)
    assert state.describe(IMAGES, spreads=1.15, nats=4.0) is None


def test_the_averages_are_those_of_their_definition():
    rows = np.array(noise(1, 400, separation=2.0, deviation=3.0))
    ages = np.arange(400)[::-1]
    weights = (1 - 1 / drift.WINDOW) ** ages
    state = after(rows.tolist())
    mean = np.average(rows[:, 0], weights=weights)
    assert state.mean_gap == pytest.approx(mean, rel=1e-9)
    squares = np.diff(rows[:, 1]) ** 2 / 2
    variance = np.average(squares, weights=weights[1:])
    assert state.spread(IMAGES) == pytest.approx(np.sqrt(IMAGES * variance), rel=1e-9)


@pytest.mark.parametrize("trend", [0.0, 0.05])
def test_the_spread_is_the_deviation_of_an_image_whatever_the_trend(trend):
    rows = np.array(noise(2, 3000, deviation=3.0))
    rows[:, 1] += trend * np.arange(3000)
    assert after(rows.tolist()).spread(IMAGES) == pytest.approx(3.0, rel=0.12)


def test_the_separation_has_no_unit():
    rows = np.array(noise(5, 500, separation=1.0, deviation=2.0))
    state, scaled = after(rows.tolist()), after((3 * rows).tolist())
    ratio, other = (s.mean_gap / s.spread(IMAGES) for s in (state, scaled))
    assert ratio == pytest.approx(other, rel=1e-9)


def test_one_wild_step_is_no_drift():
    calm = noise(4, 300, deviation=3.0)
    state = after([*calm, (1e9, 0.0)])
    assert state.mean_gap < 0.5
    assert state.describe(IMAGES, spreads=1.15, nats=4.0) is None


def test_energies_that_differ_by_less_than_a_nat_are_no_drift():
    rows = noise(6, 500, separation=50.0, deviation=0.01)
    assert after(rows).describe(IMAGES, spreads=1.15, nats=4.0) is None


def test_a_bound_of_0_is_none():
    state = after(noise(7, 500, separation=9.0, deviation=3.0))
    assert "standard" in state.describe(IMAGES, spreads=1.15, nats=4.0)
    assert "average of" in state.describe(IMAGES, spreads=0, nats=4.0)
    assert state.describe(IMAGES, spreads=0, nats=0) is None


def test_nothing_is_said_before_the_chains_have_found_the_energies():
    rows = noise(8, drift.START, separation=9.0, deviation=3.0)
    assert after(rows[:-1]).describe(IMAGES, spreads=1.15, nats=4.0) is None
    assert after(rows).describe(IMAGES, spreads=1.15, nats=4.0)


@pytest.mark.parametrize("at", [0, 1, 100, 535, 536, 900])
def test_a_run_that_was_resumed_warns_as_one_that_was_not(tmp_path, at):
    rows = RUNS["difference"][:1000]
    whole = watched(tmp_path, rows)
    first = watched(tmp_path, rows[:at])
    kept = json.loads(json.dumps(first.memory))
    again = guard.Guard(FaultTolerance(), tmp_path / "g.json", images=IMAGES)
    again.resume(first.streak, kept, retries=0)
    for step, row in enumerate(rows[at:], at + 1):
        again.watch(step, readings(*row))
    assert again.drift == whole.drift
    assert (first.warnings or again.warnings) == whole.warnings
    assert not (first.warnings and again.warnings)


def test_what_it_remembers_goes_to_json_and_back():
    state = dataclasses.replace(after(noise(9, 200)), seen=True)
    text = json.dumps(dataclasses.asdict(state))
    assert drift.Drift.from_dict(json.loads(text)) == state
    assert drift.Drift.from_dict({}) == drift.Drift()
    more = dataclasses.asdict(state) | {"later": 1}  # of a newer jem_tf
    assert drift.Drift.from_dict(more) == state
