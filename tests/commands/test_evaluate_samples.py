"""The tool, end to end: on runs of `flags/smoke.flags`, and on bad input."""

import json
import shutil

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests import processes

pytestmark = pytest.mark.slow

TOOL = processes.ROOT / "tools" / "evaluate_samples.py"
OWN = "--features=network"
FIGURES = ("grid", "classes", "neighbours")


def pictures(folder):
    """A data set of 32 x 32 pictures in colour."""
    random = np.random.default_rng(0)
    for i in range(60):
        place = folder / f"class{i % 2}"
        place.mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 256, [32, 32, 3], "uint8")
        Image.fromarray(pixels).save(place / f"{i}.png")
    return folder


@pytest.fixture(scope="module")
def told(tmp_path_factory, trained):
    """What the tool says of several runs: {name: (run, code, stdout, stderr)}."""
    place = tmp_path_factory.mktemp("runs")
    for name in ("smoke", "bad"):
        trained(place / name)
    trained(place / "plain", "--p_x_weight=0", "--steps=1")
    trained(place / "joint", "--p_x_weight=0", "--p_x_y_weight=1", "--steps=1")
    shutil.copytree(place / "smoke", place / "thirds")
    data = f"--dataset=folder:{pictures(place / 'pictures')}"
    processes.run_here(place / "graph", data, "--steps=1", "--batch_size=4")
    (place / "text.pb").write_text("no graph")
    np.savez(place / "stats.npz", mu=np.zeros(7), sigma=np.eye(7))
    commands = {
        name: [TOOL, f"--workdir={place / name.split()[0]}", *argv]
        for name, argv in {
            "smoke": [
                *(OWN, "--limit=60", "--confident=0.9"),
                f"--export={place / 'export'}",
            ],
            "thirds": [OWN, "--by_age"],
            "plain thirds": [OWN, "--by_age", "--count=40"],
            "plain": [OWN, "--count=40", "--steps=3", "--conditional", "--seed=5"],
            "joint": [OWN, "--count=40", "--steps=3", "--source=fresh"],
            "bad": [],
            "bad export": [OWN, f"--export={place / 'text.pb'}"],
            "bad width": [OWN, f"--reference_stats={place / 'stats.npz'}"],
            "graph": [f"--inception={place / 'text.pb'}"],
        }.items()
    }
    cache = {"XDG_CACHE_HOME": str(place / "cache")}
    with processes.forked(*commands.pop("smoke"), **cache) as program:
        ended = {"smoke": program.end()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(*cache.popitem())
        ended |= {name: processes.tool_here(*argv) for name, argv in commands.items()}
    return {name: (place / name.split()[0], *ended[name]) for name in ended}


def found(told, name):
    place, code, _, err = told[name]
    assert code == 0, err
    return json.loads((place / "results" / "samples.json").read_text())


@pytest.mark.parametrize("name", ["smoke", "plain"])
def test_a_run_gets_its_numbers(told, name):
    metrics = found(told, name)["metrics"]
    for key in ("fid_network", "kid_network", "inception_score_network"):
        assert np.isfinite([metrics[key], metrics[f"{key}_std"]]).all()
    assert metrics["fid_network"] > 0
    assert 1 <= metrics["inception_score_network"] <= 10
    assert not {"fid", "kid", "inception_score"} & set(metrics)


def test_the_protocol_says_how_the_buffers_images_were_measured(told):
    said = found(told, "smoke")
    metrics, protocol = said["metrics"], said["protocol"]
    assert protocol["source"] == "replay buffer, as it is"
    assert (protocol["samples_drawn"], protocol["confident"]) == (60, 0.9)
    assert 54 <= metrics["samples"] < 60
    assert metrics["reference_images"] == 60
    assert "8 bits" in protocol["rounding"]


def test_the_manifolds_and_the_copies_are_measured(told):
    said = found(told, "smoke")
    metrics, protocol = said["metrics"], said["protocol"]
    for name in ("precision_network", "recall_network", "coverage_network"):
        low, high = metrics[f"{name}_ci"]
        assert 0 <= low <= metrics[name] <= high <= 1
    assert metrics["density_network"] >= 0
    assert metrics["manifold_images"] == metrics["samples"]
    for space in ("pixels", "features_network"):
        assert metrics[f"memorisation/{space}/held_out"] > 0
        assert 0 <= metrics[f"memorisation/{space}/copies"] <= 1
    assert protocol["memorisation"]["training_images_pixels"] == 1295
    assert 0 < protocol["memorisation"]["training_images_features"] < 60
    assert "k = 5" in protocol["definitions"]["precision, recall"]
    assert len(protocol["reference"]["sha256"]) == 64


def test_the_measured_samples_are_exported(told):
    place = told["smoke"][0]
    folder, count = place.parent / "export", found(told, "smoke")["metrics"]["samples"]
    with np.load(folder / "samples.npz") as arrays:
        assert arrays["arr_0"].shape == (count, 8, 8, 1)
    assert len(list((folder / "samples").glob("*.png"))) == count
    assert found(told, "smoke")["protocol"]["export"] == str(folder)


def test_thirds_by_age_are_measured_of_the_buffer_alone(told):
    said = found(told, "thirds")
    metrics = said["metrics"]
    ages = [metrics[f"chain_age_{third}"] for third in ("young", "old")]
    assert ages[0] < ages[1]
    assert np.isfinite(metrics["kid_middle_network"])
    assert "thirds of the samples" in said["protocol"]["by_age"]
    _, code, _, err = told["plain thirds"]
    assert code == 1
    assert "--by_age=true is for all of the buffer's images" in err


def test_a_plain_classifier_gets_fresh_chains_and_says_so(told):
    said = found(told, "plain")
    protocol = said["protocol"]
    assert "a plain classifier has no buffer" in told["plain"][2]
    assert (protocol["source"], protocol["start"]) == ("fresh chains", "uniform")
    assert (protocol["sampler_steps"], protocol["conditional"]) == (3, True)
    assert protocol["seed"] == 5
    assert said["metrics"]["samples"] == 40
    assert said["metrics"]["reference_images"] == 1438


def test_fresh_chains_are_drawn_by_class_where_the_buffers_are(told):
    protocol = found(told, "joint")["protocol"]
    assert (protocol["source"], protocol["conditional"]) == ("fresh chains", True)


@pytest.mark.parametrize("name", ["smoke", "plain"])
def test_a_run_gets_its_pictures(told, name):
    place, _, out, _ = told[name]
    for figure in FIGURES:
        path = place / "figures" / f"samples_{figure}.png"
        assert str(path) in out
        with Image.open(path) as picture:
            picture.load()
            assert min(picture.size) >= 400


def test_tensorboard_gets_them_too(told):
    place, tags = told["smoke"][0], set()
    for path in (place / "tensorboard" / "evaluation").glob("events*"):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            tags |= {value.tag for value in event.summary.value}
    expected = {"samples/fid_network", "samples/precision_network"}
    expected |= {"samples/memorisation/pixels/copies"}
    assert {*expected, *(f"samples/{name}" for name in FIGURES)} <= tags


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("bad", "8 x 8 images of --dataset=digits; give --features=network"),
        ("bad width", "has mu of shape (7,) and sigma of (7, 7)"),
        ("bad export", "text.pb exists; remove it, or name another folder."),
        ("graph", "text.pb is no frozen graph; give classify_image_graph_def.pb"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_a_line(told, name, says):
    place, code, _, err = told[name]
    assert code == 1
    assert err.startswith("jem_tf: ")
    assert says in err
    assert err.count("\n") == 1
    assert not (place / "results" / "samples.json").exists()
    assert not list((place / "figures").glob("samples_*"))


@pytest.mark.parametrize("name", ["step_size", "temperature"])
@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf"])
def test_a_step_size_or_temperature_that_is_none_is_refused_in_a_line(name, value):
    code, out, err = processes.tool_here(TOOL, "--workdir=x", f"--{name}={value}")
    assert (code, out) == (1, "")
    says = f"jem_tf: flag --{name}={float(value)}: it must be a number above 0\n"
    assert err == says
