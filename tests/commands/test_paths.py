"""Every path that a program takes may begin with `~`, which no shell expands there."""

import json

import numpy as np
import pytest
from PIL import Image

import jem_tf
from jem_tf.datasets import splits
from jem_tf.evaluation import inception_file, reference
from tests.processes import ROOT, run_here, tool_here

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home folder with a run and its pictures in it, and an empty working folder."""
    place = tmp_path_factory.mktemp("home")
    for label, name in enumerate("ab"):
        (place / "pictures" / name).mkdir(parents=True)
        for i in range(40):
            picture = Image.new("RGB", (8, 8), (label, i, 7))
            picture.save(place / "pictures" / name / f"{i:02}.png")
    mask = np.zeros([8, 8], "uint8")
    mask[:4] = 255
    Image.fromarray(mask).save(place / "mask.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(place))
        (place / "work").mkdir()
        patch.chdir(place / "work")
        data = ["--dataset=folder:~/pictures", "--image_size=8", "--data_dir="]
        run_here("~/run", "--steps=3", "--export", *data)
        yield place
    assert not list((place / "work").iterdir())  # no folder called ~


def tool(name, *flags):
    ended = tool_here(ROOT / "tools" / f"{name}.py", *flags)
    assert (ended.code, ended.err) == (0, ""), ended
    return ended.out


def test_a_run_is_at_home(home):
    assert (home / "run" / "export" / "1" / "saved_model.pb").is_file()
    flags = (home / "run" / "run.flags").read_text()
    assert "--dataset=folder:~/pictures\n" in flags  # as it was typed
    assert jem_tf.load("~/run").class_names == ("a", "b")


def test_the_tools_find_it_and_write_at_home(home):
    tool("export", "--workdir=~/run", "--out=~/served")
    assert (home / "served" / "1" / "saved_model.pb").is_file()
    tool(
        "sample",
        "--workdir=~/run",
        "--mode=inpaint",
        "--image=~/pictures/a/03.png",
        "--mask=~/mask.png",
        "--steps=2",
        "--count=2",
        "--out=~/drawn",
    )
    assert len(list((home / "drawn").iterdir())) == 2
    flags = ["--sets=folder:~/pictures/a,uniform", "--limit=6"]
    out = tool("evaluate_ood", "--workdir=~/run", *flags)
    assert "mind: folder:~/pictures/a is what the run was trained on" in out
    protocol = json.loads((home / "run/results/ood.json").read_text())["protocol"]
    assert list(protocol["sets"]) == ["a", "uniform"]
    assert protocol["sets"]["a"].endswith("mind: the run's own data")
    assert protocol["test_split"] == splits.HELD_OUT
    assert tool("report", "--workdir=~/run", "--baseline=~/run").strip() == str(
        home / "run" / "report.html"
    )


def test_a_benchmark_is_written_at_home(home):
    small = ["--network=convnet-8", "--batch_size=4", "--side=8", "--buffer_size=9"]
    few = ["--sampler_steps=1", "--repeats=1", "--parts=step", "--json=~/speed.json"]
    tool("benchmark", *small, *few)
    assert "training step" in json.loads((home / "speed.json").read_text())


def test_the_librarys_own_functions_take_paths_at_home(home):
    assert inception_file.find_graph("~/graph.pb") == home / "graph.pb"
    np.savez(home / "stats.npz", mu=np.zeros(3), sigma=np.eye(3))
    assert reference.read_reference("~/stats.npz", 3).mu.shape == (3,)
    jem_tf.figures.save("~/figure.png", np.zeros([2, 8, 8, 1]))
    assert (home / "figure.png").is_file()
    trained = jem_tf.load("~/run").run
    data = jem_tf.datasets.load("folder:~/pictures", image_size=8)
    assert jem_tf.export.export_run(trained, data, "~/again") == home / "again" / "1"


def test_a_checkpoint_of_pytorch_is_found_at_home(home):
    torch = pytest.importorskip("torch")
    from jem_tf.pytorch import torch_file

    torch.save({"w": torch.zeros(2)}, home / "weights.pt")
    arrays, buffer = torch_file.read_arrays("~/weights.pt")
    assert arrays["w"].shape == (2,)
    assert buffer is None
