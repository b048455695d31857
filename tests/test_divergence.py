"""A recipe that explodes, beside the same one with what keeps it from exploding."""

import json

import pytest

from jem_tf import train
from tests.test_train import options

pytestmark = pytest.mark.slow

RECIPE = (
    "--network=convnet-24 --sampler_steps=10 --learning_rate=2e-3 --warmup_steps=50 "
    "--epochs=20 --seed=1"
).split()
BARE = ("--gradient_clip=0 --energy_l2=0 --score_clamp=0 --range_clamp=0").split()


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """(results, guard.json's events) of the healthy recipe and of the explosive one."""
    place = tmp_path_factory.mktemp("runs")
    rows = []
    for name, flags in (("healthy", []), ("explosive", BARE)):
        results = train.run(options(*RECIPE, *flags, f"--workdir={place / name}"))
        events = place / name / "results" / "guard.json"
        seen = json.loads(events.read_text())["events"] if events.exists() else []
        rows.append((results, seen))
    return rows


def test_a_healthy_run_does_not_trip_the_guard(runs):
    assert runs[0][1] == []


def test_an_explosion_is_seen_and_recovered_from_within_the_budget(runs):
    events = runs[1][1]
    assert 1 <= len(events) <= 3
    assert not any(event["gave_up"] for event in events)
    assert "beyond +-" in events[0]["seen"]
    assert events[0]["back_to"] < events[0]["step"]


def test_a_recovered_run_ends_within_a_point_of_a_healthy_ones_accuracy(runs):
    (healthy, _), (recovered, _) = runs
    assert healthy["accuracy"] > 0.96
    assert recovered["accuracy"] >= healthy["accuracy"] - 0.01
