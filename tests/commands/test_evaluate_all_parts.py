"""The parts of `evaluate all`: which commands, with which flags."""

import csv
import importlib

import pytest
from absl import flags

from jem_tf.commands import evaluate_all, evaluate_all_parts, main
from jem_tf.commands.evaluate_all_parts import KINDS
from jem_tf.commands.evaluate_all_runs import ComparedRun
from jem_tf.errors import InputError
from jem_tf.evaluation import inception_network
from jem_tf.options import Data, Options, Training
from jem_tf.runs.run_folder import DataDescription, RunFolder
from tests.commands import flag_values
from tests.datasets.test_tfds_sets import pictures, store


def given(*words):
    return flag_values.parsed(evaluate_all.define, "--workdir=x", *words)


def a_run(place, dataset="digits", shape=(8, 8, 1)):
    folder = RunFolder(place / "run")
    folder.root.mkdir(exist_ok=True)
    description = DataDescription(shape, ("a", "b"), {"train": 1})
    folder.describe_data(description)
    options = Options(data=Data(dataset=dataset), training=Training(seed=3))
    return ComparedRun(folder, options, description, 12, "a sha256")


def parts(run, *words, **how):
    listed = evaluate_all_parts.list_parts(run, given(*words), **how)
    return {part.name: part for part in listed}


def parsed(part):
    """The flags of a part's command, given its argv."""
    own = importlib.import_module(main.COMMANDS[part.command][0]).COMMAND
    values = flags.FlagValues()
    own.define(values)
    assert values(["command", "--workdir=x", *part.argv]) == ["command"]
    return values


@pytest.mark.parametrize("length", [(), ("--quick",)])
def test_every_part_is_a_command_line_that_its_command_takes(tmp_path, length):
    words = (*length, "--seed=4", "--baseline=other", "--limit=25")
    listed = parts(a_run(tmp_path), *words, f"--data_dir={tmp_path}")
    assert list(listed) == list(KINDS)
    for name, part in listed.items():
        if part.argv is None:
            assert name in ("autoattack", "small_radii")
            assert length == ("--quick",)
            continue
        values = parsed(part)
        assert values.seed == 4
        if name != "chains":
            few = name in ("robustness", "small_radii")
            assert values.limit == (20 if few else 25)
            assert values.data_dir == str(tmp_path)
    assert parsed(listed["robustness"]).baseline == "other"


def test_the_whole_length_asks_for_what_reviewers_ask_for(tmp_path):
    listed = parts(a_run(tmp_path))
    assert parsed(listed["calibration"]).corruptions == ["all"]
    assert parsed(listed["calibration"]).severities == [*"12345"]
    attacked, near = parsed(listed["autoattack"]), parsed(listed["small_radii"])
    assert attacked.attack == near.attack == "autoattack"
    assert (attacked.eps_linf, attacked.eps_l2) == (["8"], ["0.5"])
    assert attacked.limit == 0  # AutoAttack's own number, 1,000
    assert max(map(float, near.eps_linf)) < 8
    assert max(map(float, near.eps_l2)) < 0.5
    assert (near.result, near.limit) == ("small_radii", 20)
    assert parsed(listed["robustness"]).limit == near.limit  # the same images
    many = parsed(listed["small_radii_pgd"])
    assert (many.attack, many.result, many.limit) == ("pgd", "small_radii_pgd", 500)
    assert (many.eps_linf, many.eps_l2) == (near.eps_linf, near.eps_l2)
    assert many.refine_steps == ["0"]
    assert parsed(listed["samples"]).source == "buffer"
    fresh = parsed(listed["fresh_samples"])
    assert (fresh.source, fresh.result) == ("fresh", "fresh_samples")


def test_a_quick_part_knows_its_whole_length(tmp_path):
    run = a_run(tmp_path)
    quick, full = parts(run, "--quick"), parts(run)
    for name in KINDS:
        assert quick[name].full == full[name].full == full[name].argv
        assert quick[name].argv != full[name].argv or name == "chains"
        assert quick[name].seconds < full[name].seconds


def test_quick_samples_are_enough_for_the_runs_own_features(tmp_path):
    run = a_run(tmp_path, shape=(32, 32, 3))
    for name in ("samples", "fresh_samples"):
        quick = parsed(parts(run, "--quick")[name])
        assert quick.features == "network"
        assert quick.limit > 640  # the width of wrn-28-10's features
        chosen = parts(run, "--quick", "--features=inception")[name]
        assert parsed(chosen).features == "inception"
        full = parsed(parts(run)[name])
        assert (full.features, full.limit, full.steps) == ("inception", 0, 0)
    assert quick.steps == 50
    assert full.count > inception_network.WIDTH


def test_the_baseline_is_not_compared_with_itself(tmp_path):
    part = parts(a_run(tmp_path), "--baseline=other", baseline=False)["robustness"]
    assert parsed(part).baseline is None


@pytest.mark.parametrize(
    ("shape", "words", "features", "kinds"),
    [
        ((8, 8, 1), (), "network", "all"),
        ((32, 32, 3), (), "inception", "all"),
        ((32, 32, 3), ("--features=network",), "network", "all"),
        ((32, 32, 2), (), "inception", "none"),
    ],
)
def test_parts_suit_the_images(tmp_path, shape, words, features, kinds):
    listed = parts(a_run(tmp_path, shape=shape), *words)
    assert parsed(listed["samples"]).features == features
    assert parsed(listed["calibration"]).corruptions == [kinds]


def test_chains_are_of_the_newest_checkpoint_alone(tmp_path):
    assert "chains" not in parts(a_run(tmp_path), "--best")
    assert "chains" not in parts(a_run(tmp_path), "--precision=float32")


def test_parts_may_be_chosen(tmp_path):
    assert list(parts(a_run(tmp_path), "--parts=ood,chains,ood")) == ["ood", "chains"]


def test_sets_are_those_on_the_disk_and_the_absent_are_known(tmp_path):
    shape, run = (32, 32, 3), a_run(tmp_path, "cifar10", (32, 32, 3))
    nothing = f"--data_dir={tmp_path / 'nothing'}"
    (tmp_path / "nothing").mkdir()
    part = parts(run, nothing)["ood"]
    assert parsed(part).sets == ["auto"]
    absent = {"cifar100", "tinyimagenet", "mnist", "svhn", "textures", "places365"}
    assert set(part.absent) >= absent
    data = store(
        tmp_path / "tfds",
        "svhn_cropped",
        "3.1.0",
        {"train": pictures(4, shape), "test": pictures(4, shape)},
        shape=shape,
        names="0123456789",
    )
    textures = tmp_path / "of, textures" / "dtd"
    words = (f"--data_dir={data}", f'--sets="folder:{textures}"')
    part = parts(run, *words)["ood"]
    assert parsed(part).sets == ["openood", "auto", f"folder:{textures}"]
    assert set(part.absent) == absent - {"svhn", "textures"}


def test_a_set_that_is_none_is_refused(tmp_path):
    with pytest.raises(InputError, match="sets=no_such_set"):
        parts(a_run(tmp_path), "--sets=no_such_set")


def test_names_are_quoted_as_lists_of_flags_are_read():
    names = ["auto", "folder:/a, b", 'folder:/"c"']
    assert next(csv.reader([evaluate_all_parts.quote(names)], strict=True)) == names


def test_of_two_limits_the_smaller_counts():
    usual = ("--limit=20", "--steps=3")
    merge = evaluate_all_parts.merge
    assert merge(usual, ["--limit=50", "--seed=1"]) == (*usual, "--seed=1")
    assert merge(usual, ["--limit=7"]) == ("--limit=7", "--steps=3")
