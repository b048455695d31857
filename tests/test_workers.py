"""Two processes on this machine train one model, and survive each other's end."""

import re
import shutil
import signal

import numpy as np
import pytest
from PIL import Image

from jem_tf.serving.exporting import CALIBRATION
from tests.processes import (
    PROGRAM,
    SMOKE,
    assert_equal_ends,
    checkpoint,
    forked,
    new_python,
    results,
    run_here,
    steps,
    tensors,
    two_workers,
)

pytestmark = pytest.mark.slow

FLAGS = ("--steps=100", "--checkpoint_every=7")
KEPT = (*FLAGS, "--checkpoints_kept=100")
LATE = 91  # a checkpoint not far from the end
GONE = (
    r"jem_tf: Another process of TF_CONFIG's cluster is gone[^\n]*; start all of them "
    r"again with the same commands to go on from the last checkpoint\.[^\n]*\n"
)
SHOWING = """
import json, os, sys
import jem_tf.system.tensorflow_setup
import numpy as np
from jem_tf import train
from jem_tf.commands import command

def show(*args):
    model, *rest = taught(*args)
    index = json.loads(os.environ["TF_CONFIG"])["task"]["index"]
    np.savez(f"{args[0]}-{index}.npz", *model.get_weights())
    return model, *rest

taught, train._train = train._train, show
command.execute(train.COMMAND, sys.argv[1:])
"""


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """The workdir of an undisturbed run; beside it its workers' weights as .npz."""
    workdir = tmp_path_factory.mktemp("pair") / "run"
    show = ("-c", SHOWING)
    flags = (*KEPT, "--export")
    with two_workers(workdir, *flags, argv=show, start=new_python) as workers:
        assert [worker.end()[::2] for worker in workers] == [(0, "")] * 2
    return workdir


@pytest.fixture
def begun(pair, tmp_path):
    """A copy of that run as it stood after step LATE."""
    later = [checkpoint(pair, step).name for step in steps(pair) if step != LATE]
    others = shutil.ignore_patterns("train.json", "*.png", "events*", *later)
    return shutil.copytree(pair, tmp_path / "run", ignore=others)


def test_workers_have_equal_weights_and_chains_of_their_own(pair):
    one, other = (np.load(f"{pair}-{index}.npz") for index in range(2))
    assert len(one) > 10
    for name, weight in one.items():
        np.testing.assert_array_equal(weight, other[name])
    found = tensors(checkpoint(pair, 100))
    chains = [x for (_, name), x in sorted(found.items()) if "buffer/shard_" in name]
    assert {file for file, name in found} == {"model", "shards-0", "shards-1"}
    assert len(chains) == 2
    assert not (chains[0][:, None] == chains[1]).all((2, 3, 4)).any()


def test_two_workers_and_two_replicas_of_one_process_learn_the_same(pair, tmp_path):
    workdir = tmp_path / "run"
    both = (*FLAGS, "--export", "--strategy=mirrored", "--logical_cpus=2")
    with forked(*PROGRAM, SMOKE, f"--workdir={workdir}", *both) as process:
        assert process.end()[::2] == (0, "")
    ours, theirs = (
        {name: value for (_, name), value in tensors(checkpoint(run, 100)).items()}
        for run in (pair, workdir)
    )
    for name in ours.keys() | theirs.keys():
        np.testing.assert_array_equal(ours[name], theirs[name], name)
    assert results(pair) == results(workdir)
    exports = [run / "export" for run in (pair, workdir)]
    assert [place.name for export in exports for place in export.iterdir()] == ["1"] * 2
    one, other = ((export / "1" / CALIBRATION).read_text() for export in exports)
    assert one == other


def test_workers_survive_each_others_end(pair, tmp_path):
    workdir = tmp_path / "run"
    for victim in (1, 0):
        with two_workers(workdir, *FLAGS) as workers:
            wait(workers, workdir)
            workers[victim].signal(signal.SIGKILL)
            end = workers[1 - victim].end(patience=60)
            assert end.code == 1
            assert re.fullmatch(GONE, end.err), end.err
    with two_workers(workdir, *FLAGS) as workers:
        wait(workers, workdir)
        workers[1].signal(signal.SIGTERM)
        ends = [worker.end() for worker in workers]
    stopped = f"jem_tf: stopped after step {steps(workdir)[-1]}, and saved; "
    for end in ends:
        assert end.code == 143
        assert end.err == stopped + "the same command goes on.\n"
    with two_workers(workdir, *FLAGS) as workers:
        assert [worker.end()[::2] for worker in workers] == [(0, "")] * 2
    assert_equal_ends(workdir, pair)


def wait(workers, workdir):
    """Until they have written another checkpoint."""
    before = steps(workdir)
    workers[0].until(lambda: steps(workdir) > before)


@pytest.mark.parametrize("flag", ["--seed=1", "--checkpoint_every=9"])
def test_a_worker_with_a_flag_of_its_own_is_refused(begun, flag):
    with two_workers(begun, *KEPT, each=((), (flag,))) as workers:
        chief, other = (worker.end() for worker in workers)
    assert (chief.code, other.code) == (1, 1)
    assert re.fullmatch(rf"jem_tf: [^\n]*{flag[:-1]}[^\n]+\.\n", other.err)
    assert re.fullmatch(GONE, chief.err)


@pytest.mark.parametrize("place", ["an empty place", "a copy"])
def test_a_worker_without_the_chiefs_workdir_is_refused(begun, tmp_path, place):
    own = tmp_path / "own"
    if place == "a copy":
        shutil.copytree(begun, own)
    with two_workers(begun, *KEPT, each=((), (f"--workdir={own}",))) as workers:
        chief, other = (worker.end() for worker in workers)
    assert (chief.code, other.code) == (1, 1)
    assert re.fullmatch(rf"jem_tf: --workdir={own} [^\n]+\.\n", other.err)
    assert re.fullmatch(GONE, chief.err)


@pytest.mark.slow
def test_a_worker_with_other_pictures_than_the_chief_is_refused(tmp_path):
    """As many, in another order: its share would have the chief's test images."""
    for place, colours in (("one", range(40)), ("other", reversed(range(40)))):
        for i, colour in enumerate(colours):
            for label, name in enumerate("ab"):
                path = tmp_path / place / name / f"{i:02}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.new("RGB", (8, 8), (label, colour, 0)).save(path)
    same = (f"--dataset=folder:{tmp_path / 'one'}", "--image_size=8")
    own = (f"--data_dir={tmp_path / 'other'}",)
    with two_workers(tmp_path / "run", *same, each=((), own)) as workers:
        chief, other = (worker.end() for worker in workers)
    assert (chief.code, other.code) == (1, 1)
    assert re.fullmatch(r"jem_tf: [^\n]* other images or labels [^\n]+\.\n", other.err)
    assert re.fullmatch(GONE, chief.err)


def test_two_workers_run_goes_on_in_one_process(begun, capsys):
    assert run_here(begun, *FLAGS)["steps"] == 100
    said = capsys.readouterr().out
    assert "buffer of 2 replica(s) was divided among 1\n" in said
    assert f"going on from step {LATE}\n" in said
