import dataclasses
import functools
import pathlib

import pytest

from jem_tf import networks
from jem_tf.options import Options
from jem_tf.runs import flagfiles, option_checks

FLAGS = pathlib.Path(__file__).resolve().parent.parent / "flags"
PRESETS = sorted(FLAGS.glob("*.flags"))
SETS = {  # image shape, classes
    "digits": ((8, 8, 1), 10),
    "cifar10": ((32, 32, 3), 10),
    "cifar100": ((32, 32, 3), 100),
    "svhn": ((32, 32, 3), 10),
}
every_preset = pytest.mark.parametrize("preset", PRESETS, ids=lambda path: path.stem)


def lines(preset):
    """The flags of a preset, without its comments."""
    written = (line.strip() for line in preset.read_text().splitlines())
    return [line for line in written if line and not line.startswith("#")]


@functools.cache
def parameters(network, image_shape, num_classes, style):
    return networks.build(
        network, image_shape, num_classes, **dict(style)
    ).count_params()


def test_the_promised_presets_are_there():
    promised = {
        *SETS,
        "cifar10_cpu",
        "cifar10_classifier_cpu",
        "cifar10_jem_cpu",
        "cifar10_jempp",
        "cifar10_mjem",
        "cifar10_sadajem",
        "cifar100_cpu",
        "smoke",
    }
    assert promised <= {preset.stem for preset in PRESETS}


def test_the_presets_are_where_the_program_looks():
    assert {path.name for path in flagfiles.PRESETS[0].glob("*.flags")} == {
        path.name for path in FLAGS.glob("*.flags")
    }


@every_preset
def test_it_parses_and_names_a_set_we_know(preset):
    assert flagfiles.from_flagfile(preset).data.dataset in SETS


@every_preset
def test_every_line_is_a_flag_given_once(preset):
    names = [line.split("=")[0].lstrip("-") for line in lines(preset)]
    assert all(line.startswith("--") for line in lines(preset))
    assert len(set(names)) == len(names)
    assert "flagfile" not in names


@every_preset
def test_every_line_says_what_differs_from_the_default(preset, tmp_path):
    for line in lines(preset):
        if not line.startswith("--dataset="):
            alone = tmp_path / "alone.flags"
            alone.write_text(line + "\n")
            assert flagfiles.from_flagfile(alone) != Options(), line


@every_preset
def test_it_says_what_is_exact_to_replay_it(preset, tmp_path):
    again = tmp_path / "run.flags"
    options = flagfiles.from_flagfile(preset)
    again.write_text(flagfiles.to_flagfile(options))
    assert flagfiles.from_flagfile(again) == options


@every_preset
def test_it_leaves_place_data_and_seed_to_the_user(preset):
    options = flagfiles.from_flagfile(preset)
    assert (options.training.workdir, options.data.data_dir) == ("", "")
    assert options.training.seed == 0


@every_preset
def test_its_options_do_not_contradict_each_other(preset):
    options = flagfiles.from_flagfile(preset)
    option_checks.check_options(options, replicas=1)
    _, num_classes = SETS[options.data.dataset]
    if options.objective.conditional or options.objective.p_x_y_weight:
        assert options.sampling.buffer_size % num_classes == 0


@every_preset
def test_the_network_it_names_builds(preset):
    options = flagfiles.from_flagfile(preset)
    image_shape, num_classes = SETS[options.data.dataset]
    style = dataclasses.asdict(options.network)
    name, _ = style.pop("network"), style.pop("init")
    count = parameters(name, image_shape, num_classes, tuple(style.items()))
    if name == "wrn-28-10" and style["norm"] == "none":
        # 640 features and a bias a class more than the paper's 10.
        assert count == 36_471_338 + (num_classes - 10) * 641
    assert count > 0


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "svhn"])
def test_a_set_of_the_paper_has_the_papers_recipe(name):
    options = flagfiles.from_flagfile(FLAGS / f"{name}.flags")
    data = dataclasses.replace(Options().data, dataset=name)
    assert options == dataclasses.replace(Options(), data=data)
