"""What a step takes and when a run ends: told once, of steps that are not compiled."""

import datetime
import re
import time

import pytest
import tensorflow as tf

from jem_tf import datasets
from jem_tf.options import Network, Objective, Options, Sampling, Training
from jem_tf.runs import build, checkpoint_manager
from jem_tf.training import cluster, guard, loop, pace

ADVICE = "take another recipe"
LINE = re.compile(
    r"a step takes (\S+) s \((\S+) images/s\); the (\S+) steps ahead take about "
    r"(.+), until about (\d{4}-\d\d-\d\d \d\d:\d\d)"
)


def walk(plan, seconds, steps, *, first=0, compiling=100.0):
    """Pace's lines in a run whose steps take so long, its first execution longer."""
    now = [0.0]
    callback = pace.Pace(plan, 64, first=first, advice=ADVICE, clock=lambda: now[0])
    step, now[0] = first, compiling
    while step < first + steps:
        size = plan.ahead(step)
        now[0] += seconds * size
        for batch in range(step, step + size):
            callback.on_train_batch_end(batch)
        step += size


def test_slow_steps_are_told_of_after_the_third(capsys):
    plan = loop.Plan(steps=140_600, steps_per_epoch=703)
    walk(plan, 20.0, 2)
    assert capsys.readouterr().out == ""
    walk(plan, 20.0, 9)
    line, advice = capsys.readouterr().out.splitlines()
    told = LINE.fullmatch(line).groups()
    assert told[:4] == ("20", "3.2", "140,597", "33 days")
    end = datetime.datetime.fromisoformat(told[4])
    ahead = end - datetime.datetime.now() - datetime.timedelta(seconds=140_597 * 20)
    assert abs(ahead.total_seconds()) < 120
    assert advice == ADVICE


def test_fast_steps_are_told_of_once_they_say_something(capsys):
    walk(loop.Plan(steps=3000, steps_per_epoch=20), 0.05, 1000)
    (line,) = capsys.readouterr().out.splitlines()  # no days: no advice
    step, _, left, words, _ = LINE.fullmatch(line).groups()
    assert float(step) == 0.05
    assert 2750 < int(left.replace(",", "")) < 2800
    assert words == "2 minutes"


@pytest.mark.parametrize("together", [1, 7, 50])
def test_steps_that_are_taken_together_are_timed_together(capsys, together):
    plan = loop.Plan(10_000, 703, together, checkpoint_every=500)
    walk(plan, 3.0, 400, first=33)
    (line,) = capsys.readouterr().out.splitlines()
    step, images, left, *_ = LINE.fullmatch(line).groups()
    assert (step, images) == ("3", "21.3")
    assert int(left.replace(",", "")) >= 10_000 - 33 - 2 * max(together, 3)


def test_of_very_slow_steps_one_is_enough(capsys):
    walk(loop.Plan(steps=7000, steps_per_epoch=70), 130.0, 2)
    line, _ = capsys.readouterr().out.splitlines()
    assert LINE.fullmatch(line)[1] == "130"


def test_a_run_that_ends_before_is_told_nothing(capsys):
    walk(loop.Plan(steps=8, steps_per_epoch=4), 1.0, 8)
    walk(loop.Plan(steps=3, steps_per_epoch=4), 20.0, 3)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (40, "40 seconds"),
        (600, "10 minutes"),
        (5 * 3600 + 360, "5.1 hours"),
        (2.5 * 86_400, "2.5 days"),
        (32.5 * 86_400 + 3600, "33 days"),
    ],
)
def test_a_duration_has_the_unit_that_suits_it(seconds, words):
    assert pace.in_words(seconds) == words


@pytest.mark.slow
def test_a_run_is_told_the_pace_that_it_has(tmp_path, capsys, monkeypatch):
    """A real run of digits, off a terminal: as long as told, compilation aside."""
    monkeypatch.setattr(pace, "SECONDS", 0.0)
    opts = Options(
        network=Network(network="convnet-8"),
        sampling=Sampling(buffer_size=64, sampler_steps=2),
        objective=Objective(p_x_images="same"),
        training=Training(batch_size=16),
    )
    plan, data = loop.Plan(steps=40, steps_per_epoch=40), datasets.load("digits")
    model = build.make_model(
        opts, (8, 8, 1), 10, build.make_buffer(opts, (8, 8, 1), 10)
    )
    build.compile_model(model, opts.training, plan.steps)
    team = cluster.Cluster(tf.distribute.get_strategy())
    watch = guard.Guard(opts.fault_tolerance, tmp_path / "guard.json")
    saved = checkpoint_manager.Checkpoints(tmp_path, team, keep=1, facts={})
    begin = time.perf_counter()
    loop.Loop(
        model,
        lambda first: build.make_batches(opts, data, plan.steps, first),
        plan,
        cluster=team,
        guard=watch,
        checkpoints=saved,
        callbacks=[pace.Pace(plan, 16)],
    ).train()
    whole = time.perf_counter() - begin
    (line,) = capsys.readouterr().out.splitlines()
    step, images, left, *_ = LINE.fullmatch(line).groups()
    assert left == "37"
    assert float(images) == pytest.approx(16 / float(step), rel=0.01)
    assert 37 * float(step) < whole
