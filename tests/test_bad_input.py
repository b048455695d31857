import pathlib
import re

import pytest
from absl import flags
from PIL import Image

from jem_tf import datasets, train
from jem_tf.commands import command
from jem_tf.errors import InputError
from jem_tf.runs import flagfiles, option_checks, run_folder, run_lock
from tests import processes

pytestmark = pytest.mark.slow

ROOT = pathlib.Path(__file__).resolve().parent.parent
SMALL = ("--dataset=digits", "--network=convnet-8", "--steps=1", "--buffer_size=100")


def options(*argv):
    values = flags.FlagValues()
    flagfiles.define(values)
    flagfiles.parse(["jem_tf", *map(str, argv)], values)
    return flagfiles.from_flags(values)


def assert_one_sentence(message, *named):
    """That a message is one sentence which names these things."""
    assert re.fullmatch(r"[^\n]+\.", message), message
    assert not re.search(r"[.!?]\s+[A-Z]", message), message
    for thing in named:
        assert str(thing) in message, message


def assert_run_refuses(place, argv, *named):
    """That a run of these flags ends with one sentence and leaves nothing behind."""
    before = sorted(place.rglob("*"))
    with pytest.raises(InputError) as raised:
        train.run(options(*SMALL, f"--workdir={place / 'run'}", *argv))
    assert_one_sentence(raised.value.with_flags(command.FLAG_NAMES), *named)
    assert sorted(place.rglob("*")) == before


def picture(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8)).save(path)


@pytest.mark.parametrize("name", ["no_such_set", "folder:no/such/place", "imdb?"])
def test_an_unknown_data_set_is_refused(tmp_path, name):
    assert_run_refuses(tmp_path, [f"--dataset={name}"], f"--dataset={name}")


@pytest.mark.parametrize(
    "name", ["resnet", "wrn-11-1", "wrn-28-0", "wrn-28", "convnet-9", "convnet-0", ""]
)
def test_an_unknown_network_is_refused(tmp_path, name):
    assert_run_refuses(
        tmp_path, [f"--network={name}"], name, "network" if not name else ""
    )


def test_a_missing_data_directory_is_refused(tmp_path):
    missing = f"--data_dir={tmp_path / 'missing'}"
    assert_run_refuses(tmp_path, ["--dataset=cifar10", missing], missing)


@pytest.mark.usefixtures("no_network")
def test_a_data_directory_without_the_set_is_refused(tmp_path):
    argv = ["--dataset=cifar10", f"--data_dir={tmp_path}"]
    assert_run_refuses(tmp_path, argv, "--dataset=cifar10", tmp_path)


def test_a_folder_of_one_class_is_refused(tmp_path):
    picture(tmp_path / "set" / "only" / "0.png")
    name = f"--dataset=folder:{tmp_path / 'set'}"
    assert_run_refuses(tmp_path, [name], name, "1 class")


def test_a_folder_without_pictures_is_refused(tmp_path):
    for part in ("a", "b"):
        (tmp_path / "set" / part).mkdir(parents=True)
    name = f"--dataset=folder:{tmp_path / 'set'}"
    assert_run_refuses(tmp_path, [name], name, tmp_path / "set" / "a")


def test_a_folder_with_an_unreadable_picture_is_refused(tmp_path):
    for part in ("a", "b"):
        picture(tmp_path / "set" / part / "0.png")
    broken = tmp_path / "set" / "b" / "1.png"
    broken.write_bytes(b"no picture")
    name = f"--dataset=folder:{tmp_path / 'set'}"
    assert_run_refuses(tmp_path, [name], name, broken)


def test_a_folder_of_too_few_pictures_is_refused(tmp_path):
    for part in ("a", "b"):
        picture(tmp_path / "set" / part / "0.png")
    name = f"--dataset=folder:{tmp_path / 'set'}"
    assert_run_refuses(tmp_path, [name], name, "too few images")


LARGER = str(len(datasets.load("digits").train.labels) + 1)


@pytest.mark.parametrize(
    ("argv", "named"),
    [
        ([f"--batch_size={LARGER}", "--buffer_size=2000"], [f"--batch_size={LARGER}"]),
        (
            [
                f"--p_x_batch_size={LARGER}",
                "--p_x_images=plain",
                "--buffer_size=2000",
            ],
            [f"--p_x_batch_size={LARGER}"],
        ),
        (
            ["--labels_per_class=1", "--p_x_images=plain"],
            ["--batch_size=64", "10 images"],
        ),
        (["--buffer_size=63"], ["--buffer_size=63", "64"]),
        (["--buffer_size=63", "--p_x_y_weight=1", "--p_x_weight=0"], ["=63", "64"]),
        (["--buffer_size=105", "--conditional"], ["buffer_size", "105", "10"]),
        (["--buffer_size=105", "--p_x_y_weight=1"], ["buffer_size", "105", "10"]),
        (
            ["--labels_per_class=500", "--p_x_images=plain"],
            ["--labels_per_class=500"],
        ),
        (["--labels_per_class=5"], ["--labels_per_class=5", "--p_x_images"]),
        (["--p_x_batch_size=32"], ["--p_x_batch_size=32", "--p_x_images=same"]),
        (
            [
                "--labels_per_class=5",
                "--p_x_weight=0",
                "--p_x_y_weight=1",
                "--p_x_images=plain",
                "--p_x_batch_size=8",
                "--batch_size=40",
            ],
            ["--p_x_batch_size=8 is not used", "learns from the labelled 40"],
        ),
        (
            ["--p_x_weight=0", "--p_y_given_x_weight=0"],
            ["--p_x_weight", "--p_y_given_x_weight", "--p_x_y_weight"],
        ),
    ],
    ids=lambda value: " ".join(value),
)
def test_sizes_and_weights_that_do_not_fit_are_refused(tmp_path, argv, named):
    assert_run_refuses(tmp_path, argv, *named)


@pytest.mark.parametrize("flag", ["--batch_size=33", "--p_x_batch_size=33"])
def test_a_batch_that_does_not_divide_among_replicas_is_refused(flag):
    given = options(*SMALL, "--p_x_images=plain", flag)
    option_checks.check_options(given, replicas=1)
    with pytest.raises(InputError) as raised:
        option_checks.check_options(given, replicas=2)
    assert_one_sentence(raised.value.with_flags(), flag, "2 replicas")


@pytest.mark.parametrize(
    "flag",
    [
        "--learning_rate=-1",
        "--learning_rate=nan",
        "--learning_rate=0",
        "--step_size=nan",
        "--step_noise=-0.1",
        "--reinit_prob=1.5",
        "--p_x_weight=inf",
        "--energy_l2=-1",
        "--batch_size=0",
        "--sampler_steps=x",
    ],
)
def test_rates_that_are_none_are_refused(flag):
    with pytest.raises(flags.Error, match=re.escape(flag)) as raised:
        options(flag)
    assert "\n" not in str(raised.value)


def test_a_workdir_with_another_runs_flags_is_refused(tmp_path):
    with run_lock.claim(tmp_path / "run", options(*SMALL, "--seed=3")):
        pass
    argv = ["--seed=4"]
    assert_run_refuses(tmp_path, argv, f"--workdir={tmp_path / 'run'}", "--seed=3")


def test_a_workdir_of_something_else_is_refused(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "letter.txt").write_text("dear")
    assert_run_refuses(tmp_path, [], f"--workdir={tmp_path / 'run'}", "no run")


def test_an_unwritable_workdir_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    place = f"--workdir={tmp_path / 'file' / 'run'}"
    assert_run_refuses(tmp_path, [place], place, "cannot be written")


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """(code, stdout, stderr) of three that must refuse, one of them in a new Python."""
    place = tmp_path_factory.mktemp("programs")
    with run_lock.claim(place / "taken", options(*SMALL, "--seed=3")):
        pass
    argvs = {
        "misspelt": ["--learning_rat=1"],
        "unknown": ["--dataset=no_such_set", f"--workdir={place / 'none'}"],
        "taken": [*SMALL, "--seed=4", f"--workdir={place / 'taken'}"],
    }
    ended = {}
    for name, argv in argvs.items():
        begin = processes.Process if name == "unknown" else processes.forked
        with begin(*processes.PROGRAM, *argv) as program:
            ended[name] = program.end()
    return ended


@pytest.mark.parametrize("name", ["misspelt", "unknown", "taken"])
def test_a_program_that_refuses_fails_without_a_traceback(programs, name):
    code, out, err = programs[name]
    assert code != 0
    assert "Traceback" not in out + err


@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("unknown", ["--dataset=no_such_set"]),
        ("taken", ["--workdir=", "taken", "--seed=3"]),
    ],
)
def test_a_program_that_refuses_says_one_sentence_and_nothing_else(
    programs, name, named
):
    _, out, err = programs[name]
    assert_one_sentence(err.removesuffix("\n"), "jem_tf: ", *named)
    assert out == ""


def test_a_misspelt_flag_is_answered_with_the_one_meant(programs):
    _, _, err = programs["misspelt"]
    assert "Unknown command line flag 'learning_rat'" in err
    assert "Did you mean: learning_rate ?" in err
    assert len(err.splitlines()) == 1


def test_a_run_that_cannot_be_written_names_its_folder_if_no_flag_does():
    # In a process of its own: the program listens to the signals of its process.
    script = """
import sys
import jem_tf.system.tensorflow_setup
from jem_tf import train
from jem_tf.commands import command

def fail(opts):
    raise OSError(28, "No space left on device")

train.run = fail
command.execute(train.COMMAND, sys.argv[1:])
"""
    with processes.forked("-c", script, *SMALL) as program:
        end = program.end()
    path = run_folder.default_path(options(*SMALL))
    assert end.code == 1
    assert end.err.startswith(f"jem_tf: --workdir={path} cannot be written: ")
    assert end.err.count("\n") == 1
