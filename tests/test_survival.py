"""Runs that are killed, stopped, damaged or poisoned end as if they had not been.

Nearly all stand on copies of one undisturbed run, cut off at an earlier checkpoint.
"""

import concurrent.futures
import json
import os
import random
import re
import shutil
import signal
import subprocess
import time
from resource import RLIMIT_FSIZE, prlimit

import numpy as np
import pytest
import tensorflow as tf

from jem_tf.errors import InputError
from tests.processes import (
    PROGRAM,
    SMOKE,
    assert_equal_ends,
    checkpoint,
    contents,
    forked,
    results,
    run_here,
    steps,
)

pytestmark = pytest.mark.slow

FLAGS = ("--steps=200", "--checkpoint_every=7")  # an epoch is 40 steps
EVERY = range(7, 200, 7)
KEPT = (*FLAGS, "--checkpoints_kept=100")
EARLIER, LATE = 154, 182  # checkpoints two epochs' ends from the end, and one
POISONED = """
import os, signal, sys
import jem_tf.system.tensorflow_setup
import keras
from jem_tf import train
from jem_tf.commands import command

class Poison(keras.callbacks.Callback):
    '''Makes the first attempt's weights NaN after a step; may kill what follows.'''

    def on_train_begin(self, logs=None):
        if self.model.seed and sys.argv[1] == "kill":
            os.kill(os.getpid(), signal.SIGKILL)

    def on_train_batch_end(self, batch, logs=None):
        if not self.model.seed and batch + 1 == int(sys.argv[2]):
            for weight in self.model.trainable_weights:
                weight.assign(weight * float("nan"))

shown = train._callbacks
train._callbacks = lambda *args: [*shown(*args), Poison()]
command.execute(train.COMMAND, sys.argv[3:])
"""


def program(workdir, *more, code=PROGRAM):
    return forked(*code, SMOKE, f"--workdir={workdir}", *FLAGS, *more)


def poisoned(workdir, *more, then="go on"):
    with program(workdir, *more, code=("-c", POISONED, then, 192)) as process:
        return process.end()


def undisturbed(workdir):
    with program(workdir, KEPT[-1]) as process:
        return workdir, [process.end()]


def killed(workdir):
    """Killed after a few checkpoints more, four times; once while one is written."""
    chance, ends = random.Random(0), []
    for moment in chance.sample([1, 2, 2, 3, "part"], 5):
        with program(workdir, "--checkpoint_every=3") as process:
            newest = max(steps(workdir), default=0)
            if moment == "part":
                process.until(lambda: list(workdir.glob("checkpoints/*.part")))
            else:
                due = newest + 3 * moment
                process.until(lambda due=due: max(steps(workdir), default=0) >= due)
                time.sleep(chance.uniform(0, 0.03))
            process.signal(signal.SIGKILL)
            ends.append(process.end())
    with program(workdir) as process:
        return workdir, [*ends, process.end()]


def asked(workdir):
    """Sent SIGTERM, then Ctrl-C, then left alone; with the newest step at each end."""
    ends = []
    for number in (signal.SIGTERM, signal.SIGINT, None):
        with program(workdir) as process:
            if number:
                before = steps(workdir)
                process.until(lambda before=before: steps(workdir) > before)
                process.signal(number)
            ends.append((process.end(), steps(workdir)[-1]))
    return workdir, ends


@pytest.fixture(scope="module")
def stories(tmp_path_factory):
    """Runs of one command from its start, beside the tests: {name: Future}."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        yield {
            story.__name__: pool.submit(story, tmp_path_factory.mktemp("run") / "run")
            for story in (undisturbed, killed, asked)
        }


@pytest.fixture(scope="module")
def reference(stories):
    workdir, [end] = stories["undisturbed"].result()
    assert (end.code, end.err) == (0, "")
    assert {*EVERY, 200} <= {*steps(workdir)}
    return workdir


@pytest.fixture
def begun(reference, tmp_path):
    """Makes a copy of the undisturbed run as it stood after some step."""

    def at(step, workdir=tmp_path / "run", least=0):
        gone = [n for n in steps(reference) if not least <= n <= step]
        names = [checkpoint(reference, n).name for n in gone]
        others = shutil.ignore_patterns("train.json", "*.png", "events*", *names)
        shutil.copytree(reference, workdir, ignore=others)
        return workdir

    return at


@pytest.mark.parametrize("moment", [0, 3], ids=["compiling", "later"])
def test_a_second_signal_ends_a_run_at_once(tmp_path, moment):
    with program(
        tmp_path / "run", "--sampler_steps=100000"
    ) as process:  # a minute's step
        process.until(lambda: "parameters" in process.said()[0])  # it says it begins
        time.sleep(moment)
        process.signal(signal.SIGTERM)
        time.sleep(0.2)
        process.signal(signal.SIGTERM)
        assert process.end(patience=3).code == 143
    assert not steps(tmp_path / "run")


def test_damaged_and_half_written_checkpoints_do_not_matter(begun, reference, capsys):
    workdir = begun(LATE)
    part = checkpoint(workdir, LATE + 7).with_suffix(".part")
    data = "model.data-00000-of-00001"
    part.mkdir()
    half = (checkpoint(workdir, LATE) / data).read_bytes()[:100_000]
    (part / data).write_bytes(half)
    (checkpoint(workdir, LATE) / data).write_bytes(half)
    flip(checkpoint(workdir, LATE - 7) / data, 100_000)
    run_here(workdir, *FLAGS)
    said = capsys.readouterr().out
    for step in (LATE, LATE - 7):
        assert f"{checkpoint(workdir, step)} is damaged" in said
    assert f"going on from step {LATE - 14}\n" in said
    assert not part.exists()
    assert_equal_ends(workdir, reference)


def flip(path, place):
    """Inverts one byte of a file."""
    with path.open("r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 0xFF]))


def test_an_older_checkpoint_that_is_damaged_does_not_matter(begun, reference):
    workdir = begun(LATE)
    (checkpoint(workdir, LATE - 7) / "state.json").write_text('{"format"')
    run_here(workdir, *FLAGS)
    assert_equal_ends(workdir, reference)


def test_a_checkpoint_may_be_damaged_again(begun, reference):
    workdir = begun(LATE)
    shutil.copytree(
        checkpoint(workdir, LATE), checkpoint(workdir, LATE).with_suffix(".damaged")
    )
    (checkpoint(workdir, LATE) / "model.index").write_bytes(b"")
    run_here(workdir, *FLAGS)
    assert_equal_ends(workdir, reference)


def test_files_that_cannot_grow_cost_no_checkpoint(begun, reference):
    workdir = begun(EARLIER)
    before = contents(checkpoint(workdir, EARLIER))
    with program(workdir) as process:
        room = 5000  # for run.flags and data.json, but not for what TensorBoard reads
        prlimit(process.pid, RLIMIT_FSIZE, (room, room))
        end = process.end()
    assert_no_room(end)
    assert contents(checkpoint(workdir, EARLIER)) == before
    assert steps(workdir)[-1] == EARLIER
    run_here(workdir, *FLAGS)
    assert_equal_ends(workdir, reference)


def test_a_full_disk_costs_no_checkpoint(begun, reference, small_disk):
    workdir = begun(LATE, small_disk / "run", least=LATE)
    fill(small_disk / "filler", room=200_000)  # a checkpoint has 256 kB
    with program(workdir) as process:
        end = process.end()
    assert_no_room(end)
    assert f"no checkpoint at step {LATE + 7}: " in end.out
    assert steps(workdir) == [LATE]
    (small_disk / "filler").unlink()
    run_here(workdir, *FLAGS)
    assert_equal_ends(workdir, reference)


def test_a_full_disk_gives_up_an_old_checkpoint_for_the_next(begun, small_disk):
    workdir = begun(LATE, small_disk / "run", least=LATE)
    fill(small_disk / "filler", room=400_000)  # one more of 256 kB, and not two
    run_here(workdir, *FLAGS)
    assert steps(workdir)[-1] == 200


def test_a_disk_that_is_full_at_the_start_can_be_emptied(small_disk):
    fill(small_disk / "filler")
    with pytest.raises(InputError, match="cannot be written"):
        run_here(small_disk / "run", "--steps=1")
    (small_disk / "filler").unlink()
    assert run_here(small_disk / "run", "--steps=1")["steps"] == 1


@pytest.fixture
def small_disk(tmp_path):
    place = tmp_path / "disk"
    place.mkdir()
    mount = ("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", place)
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk")
    yield place
    subprocess.run(["umount", place], check=True)


def fill(path, room=0):
    """Makes a file that leaves only so many bytes of its disk free."""
    disk = os.statvfs(path.parent)
    path.write_bytes(bytes(disk.f_bavail * disk.f_frsize - room))


def assert_no_room(end):
    """That a run failed with one line about it."""
    assert end.code == 1
    assert re.fullmatch(r"jem_tf: [^\n]+\.\n", end.err), end.err


@pytest.mark.parametrize("name", ["data.json", "state.json"])
def test_a_newer_format_is_refused(begun, name):
    workdir = begun(LATE)
    path = workdir / name
    if name == "state.json":
        path = checkpoint(workdir, LATE) / name
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 2}))
    assert_refuses(workdir, "format 2", path.parent)


@pytest.mark.parametrize("other", ["--network=convnet-16", "--dataset=folder:{}"])
def test_a_checkpoint_of_another_model_is_refused(begun, other, tmp_path):
    workdir, another = begun(LATE), tmp_path / "another"
    other = other.format(pictures(tmp_path / "pictures"))
    run_here(another, "--steps=1", other)
    shutil.copytree(checkpoint(another, 1), checkpoint(workdir, 183))
    assert_refuses(workdir, checkpoint(workdir, 183), other.removeprefix("--"))


def pictures(place):
    """A folder of pictures a class, as small as they come."""
    from PIL import Image

    for i in range(100):
        path = place / str(i % 2) / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), i).save(path)
    return place


def assert_refuses(workdir, *named):
    """That the run ends in one sentence which names these, and touches nothing."""
    before = contents(workdir)
    with pytest.raises(InputError, match=r"\A[^\n]+\.\Z") as raised:
        run_here(workdir, *KEPT)
    for thing in named:
        assert str(thing) in str(raised.value)
    assert contents(workdir) == before


def test_two_processes_never_train_in_one_workdir(tmp_path):
    with program(tmp_path / "run") as first:
        first.until(lambda: steps(tmp_path / "run"))
        with pytest.raises(InputError, match=r"workdir=\S+ is in use by another"):
            run_here(tmp_path / "run", *FLAGS)


def test_the_same_command_finds_its_run_again(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    first, second = (run_here("", "--steps=3") for _ in "12")
    assert len(list((tmp_path / "runs").iterdir())) == 1
    assert "going on from step 3\n" in capsys.readouterr().out
    assert first | {"seconds": None} == second | {"seconds": None}


def test_a_run_goes_on_with_more_replicas_and_with_fewer(begun, capsys):
    workdir = begun(LATE)
    with program(workdir, "--strategy=mirrored", "--logical_cpus=2") as process:
        end = process.end()
    assert (end.code, end.err) == (0, "")
    assert "buffer of 1 replica(s) was divided among 2\n" in end.out
    shutil.rmtree(checkpoint(workdir, 200))
    run_here(workdir, *FLAGS)
    said = capsys.readouterr().out
    assert "buffer of 2 replica(s) was divided among 1\n" in said
    assert "going on from step 196\n" in said


def test_a_run_recovers_from_nan_even_if_it_is_killed_then(begun, tmp_path):
    workdir, other = begun(LATE), begun(LATE, tmp_path / "other")
    end, halted = poisoned(workdir), poisoned(other, then="kill")
    line = r"diverged at step 193: .+ not finite; retry 1 of 3 from step 189 with --"
    assert re.search(line, end.out)
    assert (end.code, end.err, halted.code) == (0, "", -signal.SIGKILL)
    run_here(other, *FLAGS)
    assert_equal_ends(workdir, other)
    for run in (workdir, other):
        [event] = json.loads((run / "results" / "guard.json").read_text())["events"]
        assert (event["step"], event["back_to"]) == (193, 189)
        assert 1.0 in scalars(run, "guard/retries")
    numbers = [value for value in results(workdir).values() if value is not None]
    assert np.isfinite(numbers).all()


def scalars(workdir, tag):
    """The values of a scalar in TensorBoard."""
    return [
        float(tf.make_ndarray(value.tensor))
        for path in (workdir / "tensorboard").glob("events*")
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
        if value.tag == tag
    ]


def test_a_run_without_retries_gives_up_and_keeps_its_checkpoints(begun, reference):
    workdir = begun(LATE)
    end = poisoned(workdir, "--guard_retries=0")
    assert end.code == 1
    assert re.fullmatch(r"jem_tf: Training diverged at step 193 [^\n]+\.\n", end.err)
    kept, theirs = (contents(checkpoint(run, LATE)) for run in (workdir, reference))
    assert list(kept.values()) == list(theirs.values())
    assert steps(workdir)[-1] == 189


def test_a_run_killed_five_times_ends_as_if_it_had_not_been(stories, reference):
    workdir, [*ends, last] = stories["killed"].result()
    assert [end.code for end in ends] == [-signal.SIGKILL] * 5
    assert (last.code, last.err) == (0, "")
    assert_equal_ends(workdir, reference)


def test_a_run_that_is_asked_to_end_saves_and_goes_on_later(stories, reference):
    workdir, ends = stories["asked"].result()
    (terminated, first), (interrupted, second), (last, _) = ends
    assert (terminated.code, interrupted.code, last.code) == (143, 130, 0)
    for end, step in ((terminated, first), (interrupted, second)):
        said = f"jem_tf: stopped after step {step}, and saved; "
        assert end.err == said + "the same command goes on.\n"
    assert f"going on from step {first}\n" in interrupted.out
    assert f"going on from step {second}\n" in last.out
    assert_equal_ends(workdir, reference)
