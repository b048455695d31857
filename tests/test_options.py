import dataclasses
import math

import pytest

from jem_tf import options
from jem_tf.options import GROUPS, OLD_NAMES, Options
from jem_tf.runs import flagfiles, run_folder

FIELDS = {  # option: its subject and its field
    field.name: (subject, field)
    for subject, group in GROUPS.items()
    for field in dataclasses.fields(group)
}
STABLE = """
    dataset data_dir network workdir seed steps epochs batch_size learning_rate
    p_x_weight p_y_given_x_weight p_x_y_weight sampler_steps step_size step_noise
    buffer_size reinit_prob input_noise labels_per_class energy_l2 gradient_clip
    strategy steps_per_execution checkpoint_every checkpoints_kept guard guard_retries
""".split()
# What a run may change when it goes on: where and how it is computed, kept and watched.
FREE = """
    data_dir workdir jit_compile strategy logical_cpus steps_per_execution
    checkpoint_every checkpoints_kept guard guard_gap guard_energy guard_patience
    guard_retries guard_learning_rate guard_strengthen
    guard_start guard_drift guard_drift_gap guard_on_drift export
""".split()
# Grathwohl et al. 2020, appendix A, and the authors' code.
PAPER = {
    "network": {"network": "wrn-28-10", "norm": "none", "activation": "leaky_relu"},
    "sampling": {
        "sampler_steps": 20,
        "step_size": 1.0,
        "step_noise": 0.01,
        "score_clamp": 0.0,
        "range_clamp": 0.0,
        "buffer_size": 10_000,
        "reinit_prob": 0.05,
        "start": "uniform",
    },
    "objective": {
        "p_x_weight": 1.0,
        "p_y_given_x_weight": 1.0,
        "p_x_y_weight": 0.0,
        "conditional": False,
        "energy_l2": 0.0,
        "gradient_clip": 0.0,
        "input_noise": 0.03,
    },
    "training": {
        "batch_size": 64,
        "epochs": 200,
        "optimizer": "adam",
        "learning_rate": 1e-4,
        "warmup_steps": 1000,
        "weight_decay": 0.0,
    },
}


def another(field):
    """A lawful value that is not the field's default."""
    if field.metadata["choices"]:
        return field.metadata["choices"][-1 if field.default != "swish" else 0]
    return {
        bool: not field.default,
        int: field.default + 3 if field.type is int else None,
        float: field.default / 3 + 0.1 if field.type is float else None,
        str: "folder:/a b/c=d,é",
    }[field.type]


def changed(*names):
    """Options of which these fields, and no others, are not the default."""
    opts = Options()
    for name in names:
        subject, field = FIELDS[name]
        group = dataclasses.replace(getattr(opts, subject), **{name: another(field)})
        opts = dataclasses.replace(opts, **{subject: group})
    return opts


def test_the_names_promised_are_there():
    assert set(STABLE) <= FIELDS.keys()


def test_no_two_options_share_a_name():
    groups = GROUPS.values()
    names = [field.name for group in groups for field in dataclasses.fields(group)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("subject", PAPER)
def test_the_defaults_are_the_papers_recipe(subject):
    defaults = dataclasses.asdict(getattr(Options(), subject))
    assert {name: defaults[name] for name in PAPER[subject]} == PAPER[subject]


@pytest.mark.parametrize("name", FIELDS)
def test_a_default_is_of_its_type_and_in_its_range(name):
    field = FIELDS[name][1]
    meta, value = field.metadata, field.default
    assert type(value) is field.type
    assert meta["help"]
    if meta["choices"]:
        assert value in meta["choices"]
    if field.type in (int, float):
        assert meta["least"] is not None or meta["above"] is not None
        assert value >= (-math.inf if meta["least"] is None else meta["least"])
        assert value > (-math.inf if meta["above"] is None else meta["above"])
        assert value <= (math.inf if meta["most"] is None else meta["most"])


def test_only_how_a_run_is_computed_kept_and_watched_is_free():
    free = {name for name, (_, field) in FIELDS.items() if field.metadata["free"]}
    assert free == set(FREE)


@pytest.mark.parametrize("group", [*GROUPS.values(), Options])
def test_options_cannot_be_changed_in_place(group):
    instance = group()
    name = dataclasses.fields(group)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(instance, name, getattr(instance, name))


def test_options_hold_every_group_once():
    groups = {field.name: field.type for field in dataclasses.fields(Options)}
    assert groups == GROUPS


def test_flatten_names_every_option_once_with_its_value():
    values = {name: another(field) for name, (_, field) in FIELDS.items()}
    assert options.flatten(changed(*FIELDS)) == values


def test_what_makes_a_run_the_run_it_is_are_all_options_but_the_free_ones():
    free = {name for name, (_, field) in FIELDS.items() if field.metadata["free"]}
    opts = changed(*FIELDS)
    assert options.defining_options(opts).keys() == FIELDS.keys() - free
    assert options.defining_options(opts).items() <= options.flatten(opts).items()


@pytest.mark.parametrize("name", FIELDS)
def test_an_options_change_is_seen_in_the_identity_unless_it_is_free(name):
    same = options.defining_options(changed(name)) == options.defining_options(
        Options()
    )
    assert same == FIELDS[name][1].metadata["free"]


@pytest.mark.parametrize("name", FIELDS)
def test_replace_changes_the_option_named_and_no_other(name):
    value = another(FIELDS[name][1])
    assert options.replace(Options(), {name: value}) == changed(name)


def test_replace_changes_several_subjects_at_once_and_nothing_without_changes():
    values = {name: another(field) for name, (_, field) in FIELDS.items()}
    assert options.replace(Options(), values) == changed(*FIELDS)
    assert options.replace(changed(*FIELDS), {}) == changed(*FIELDS)


def test_the_old_names_are_those_of_options_there_are_and_of_none_besides():
    assert set(OLD_NAMES.values()) <= FIELDS.keys()
    assert not OLD_NAMES.keys() & FIELDS.keys()
    assert len(set(OLD_NAMES.values())) == len(OLD_NAMES)


@pytest.mark.parametrize(("old", "name"), OLD_NAMES.items())
def test_an_old_name_counts_as_the_new_one(tmp_path, old, name):
    value = another(FIELDS[name][1])
    assert options.replace(Options(), {old: value}) == changed(name)
    file = tmp_path / "old.flags"
    file.write_text(f"--{old}={value}\n")
    assert flagfiles.from_flagfile(file) == changed(name)
    assert f"--{name}={value}\n" in flagfiles.to_flagfile(changed(name))
    assert old not in flagfiles.to_flagfile(changed(name))


def test_the_place_of_a_run_did_not_change_when_options_were_renamed():
    preset = flagfiles.from_flagfile(flagfiles.PRESETS[0] / "digits.flags")
    assert run_folder.default_path(preset) == "runs/digits-08ac064c"  # of 5fd3434
