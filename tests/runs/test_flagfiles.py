import dataclasses

import pytest
from absl import flags

from jem_tf import train
from jem_tf.commands import command
from jem_tf.errors import InputError
from jem_tf.options import Options
from jem_tf.runs import flagfiles
from tests.test_options import FIELDS, another, changed

NUMBERS = [name for name, (_, f) in FIELDS.items() if f.type in (int, float)]


def parsed(*argv):
    """The Options that a command line spells."""
    values = flags.FlagValues()
    flagfiles.define(values)
    assert flagfiles.parse(["jem_tf", *argv], values) == ["jem_tf"]
    return flagfiles.from_flags(values)


def refused(*argv):
    with pytest.raises(flags.Error) as raised:
        parsed(*argv)
    return str(raised.value)


def written(path, text):
    file = path / "some.flags"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize("name", [*FIELDS])
def test_every_option_is_a_flag(name):
    value = another(FIELDS[name][1])
    assert value != FIELDS[name][1].default
    # A flagfile, even an empty one, and no data set's preset lies beneath.
    assert parsed("--flagfile=/dev/null", f"--{name}={value}") == changed(name)


@pytest.mark.parametrize("name", [name for name in FIELDS if name != "workdir"])
def test_every_option_goes_to_a_flagfile_and_back(tmp_path, name):
    file = written(tmp_path, flagfiles.to_flagfile(changed(name)))
    assert flagfiles.from_flagfile(file) == changed(name)


def test_all_options_at_once_go_to_a_flagfile_and_back(tmp_path):
    names = [name for name in FIELDS if name != "workdir"]
    file = written(tmp_path, flagfiles.to_flagfile(changed(*names)))
    assert flagfiles.from_flagfile(file) == changed(*names)


@pytest.mark.parametrize("value", [1e-4, 1 / 3, 5e-324, 1.7976931348623157e308, 0.1])
def test_a_rate_comes_back_to_the_last_bit(tmp_path, value):
    training = dataclasses.replace(Options().training, learning_rate=value)
    options = dataclasses.replace(Options(), training=training)
    file = written(tmp_path, flagfiles.to_flagfile(options))
    assert flagfiles.from_flagfile(file).training.learning_rate == value


def test_a_written_flagfile_replays_the_command_line(tmp_path):
    options = parsed("--dataset=digits", "--seed=7", "--epochs=3")
    file = written(tmp_path, flagfiles.to_flagfile(options))
    assert parsed(f"--flagfile={file}") == options


def test_the_place_of_a_run_is_not_written_down():
    assert flagfiles.to_flagfile(changed("workdir")) == flagfiles.to_flagfile(Options())


@pytest.mark.parametrize("dataset", ["cifar10", "cifar100", "svhn"])
def test_a_paper_set_alone_means_the_papers_recipe(dataset):
    options, paper = parsed(f"--dataset={dataset}"), Options()
    assert options.data.dataset == dataset
    assert options.network == paper.network
    assert options.sampling == paper.sampling
    assert options.objective == paper.objective
    assert options.training == paper.training
    assert options.network.network == "wrn-28-10"
    assert (options.sampling.sampler_steps, options.training.batch_size) == (20, 64)
    assert (options.training.optimizer, options.training.learning_rate) == (
        "adam",
        1e-4,
    )
    assert options.training.epochs == 200


@pytest.mark.parametrize("argv", [[], ["--dataset=digits"], ["--dataset", "digits"]])
def test_the_preset_of_the_data_set_lies_beneath(argv):
    preset = flagfiles.from_flagfile(flagfiles.PRESETS[0] / "digits.flags")
    assert preset != Options()
    assert parsed(*argv) == preset


def test_the_last_data_set_named_chooses_the_preset():
    options = parsed("--dataset=digits", "--dataset=cifar100")
    assert options == parsed("--dataset=cifar100")


@pytest.mark.parametrize("first", [True, False])
def test_an_explicit_flag_wins_over_the_preset(first):
    own, name = "--network=wrn-10-1", "--dataset=digits"
    options = parsed(own, name) if first else parsed(name, own)
    assert options.network.network == "wrn-10-1"
    unchanged = parsed(name)
    assert options.training == unchanged.training
    assert options.sampling == unchanged.sampling


@pytest.mark.parametrize("dashes", ["-", "--"])
@pytest.mark.parametrize("joined", [True, False])
def test_an_explicit_flagfile_takes_the_place_of_the_preset(tmp_path, dashes, joined):
    file = str(written(tmp_path, "--epochs=3\n"))
    flag = f"{dashes}flagfile"
    options = parsed(*([f"{flag}={file}"] if joined else [flag, file]))
    training = dataclasses.replace(Options().training, epochs=3)
    assert options == dataclasses.replace(Options(), training=training)


def test_a_set_without_preset_has_the_defaults():
    data = dataclasses.replace(Options().data, dataset="mnist")
    expected = dataclasses.replace(Options(), data=data)
    assert parsed("--dataset=mnist") == expected


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "-1", "many", ""])
@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_that_is_none_is_refused_by_flag_and_value(name, value):
    message = refused(f"--{name}={value}")
    assert f"--{name}={value}" in message
    assert "\n" not in message


@pytest.mark.parametrize(
    "name", [name for name in NUMBERS if FIELDS[name][1].metadata["least"] != 0]
)
def test_zero_is_refused_where_it_makes_no_sense(name):
    assert f"--{name}=0" in refused(f"--{name}=0")


@pytest.mark.parametrize("value", ["1.0001", "2"])
def test_a_probability_is_at_most_one(value):
    assert f"--reinit_prob={value}" in refused(f"--reinit_prob={value}")
    assert parsed("--reinit_prob=1").sampling.reinit_prob == 1.0


def test_a_refused_number_says_what_is_allowed():
    assert "at least 0, at most 1" in refused("--reinit_prob=nan")
    assert "above 0" in refused("--learning_rate=0")
    assert "at least 1" in refused("--batch_size=0")


@pytest.mark.parametrize(
    "name", [name for name, (_, f) in FIELDS.items() if f.metadata["choices"]]
)
def test_a_choice_that_is_none_is_refused_with_the_choices(name):
    message = refused(f"--{name}=wrong")
    assert f"--{name}=wrong" in message
    for choice in FIELDS[name][1].metadata["choices"]:
        assert choice in message


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [
        ("learning_rat", "learning_rate"),
        ("sampler_step", "sampler_steps"),
        ("sgld_step", "sgld_steps"),
    ],
)
def test_a_misspelt_flag_is_answered_with_the_one_meant(tmp_path, misspelt, meant):
    for argv in (
        f"--{misspelt}=1",
        f"--flagfile={written(tmp_path, f'--{misspelt}=1')}",
    ):
        message = refused(argv)
        assert f"'{misspelt}'" in message
        assert "Did you mean" in message
        assert meant in message


def test_words_that_are_no_flags_are_handed_back():
    values = flags.FlagValues()
    flagfiles.define(values)
    assert flagfiles.parse(["jem_tf", "--seed=1", "word"], values) == ["jem_tf", "word"]


def test_help_shows_every_flag_with_its_meaning(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")  # where lines are wrapped
    values = flags.FlagValues()
    flagfiles.define(values)
    shown = " ".join(command.help_text(train.COMMAND, values).split())
    for name, (_, field) in FIELDS.items():
        flag = f"--[no]{name} " if field.type is bool else f"--{name}="
        assert flag in shown
        assert field.metadata["help"] in shown


def test_flags_of_one_program_are_not_those_of_another():
    first, second = flags.FlagValues(), flags.FlagValues()
    flagfiles.define(first)
    flagfiles.define(second)
    flagfiles.parse(["jem_tf", "--seed=1"], first)
    flagfiles.parse(["jem_tf"], second)
    assert (first.seed, second.seed) == (1, 0)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("--no_such_flag=1\n", "no_such_flag"),
        ("--epochs=-1\n", "--epochs=-1"),
        ("epochs=3\n--seed=1\n", "epochs=3"),
        (None, "cannot be read"),
    ],
)
def test_a_flagfile_that_is_none_is_refused_by_name(tmp_path, text, named):
    file = tmp_path / "missing.flags" if text is None else written(tmp_path, text)
    with pytest.raises(InputError) as raised:
        flagfiles.from_flagfile(file)
    assert str(file) in str(raised.value)
    assert named in str(raised.value)


@pytest.mark.parametrize(
    ("bounds", "inside", "outside", "words"),
    [
        ({"least": 0}, (0, 5), (-1, float("inf")), "at least 0"),
        ({"above": 0, "most": 1}, (1e-300, 1), (0, 1.5), "above 0, at most 1"),
        ({}, (-1e300, None), (float("nan"),), ""),
    ],
)
def test_a_range_tells_what_is_in_it_and_says_so(bounds, inside, outside, words):
    limits = flagfiles.Range(**bounds)
    assert all(map(limits, inside))
    assert not any(map(limits, outside))
    assert str(limits) == words


def test_a_name_too_long_for_a_file_has_no_preset():
    assert flagfiles.find_preset(f"folder:{'x' * 250}") is None
