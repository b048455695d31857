import dataclasses
import gc
import json
import shutil

import numpy as np
import pytest
import tensorflow as tf

from jem_tf import starts
from jem_tf.errors import InputError
from jem_tf.optimizers import averaging
from jem_tf.options import Network, Objective, Options, Sampling, Training
from jem_tf.runs import build, checkpoint_files, checkpoint_manager, training_state
from jem_tf.runs.training_state import TrainingState
from jem_tf.training import cluster

SMALL = Options(
    network=Network(network="convnet-8"),
    sampling=Sampling(buffer_size=20),
    training=Training(seed=1),
)
PLAIN = dataclasses.replace(SMALL, objective=Objective(p_x_weight=0.0))
FACTS = {"network": "convnet-8", "image_shape": [8, 8, 1], "buffer_size": 20}
FILES = ("state.json", "model.index", "model.data*", "shards-0.index", "shards-0.data*")
ALONE = cluster.Cluster(tf.distribute.get_strategy())


def made(seed, options=SMALL, devices=None, optimizer="adam"):
    """A compiled model all of whose numbers are of this seed."""
    buffer = build.make_buffer(options, (8, 8, 1), 10, devices=devices)
    model = build.make_model(options, (8, 8, 1), 10, buffer)
    training = dataclasses.replace(options.training, optimizer=optimizer)
    build.compile_model(model, training, 10)
    rng = np.random.default_rng(seed)
    for variable in model.weights + model.optimizer.variables:
        value = rng.normal(size=variable.shape) * 100
        variable.assign(value.astype(variable.dtype))
    if buffer is not None:
        for i in buffer.own:
            images, ages = (
                getattr(buffer, f"{name}_{i}") for name in ("shard", "ages")
            )
            images.assign(rng.normal(size=images.shape).astype("float32"))
            ages.assign(rng.integers(0, 1000, ages.shape).astype("int32"))
    return model


def numbers(model):
    """All that a checkpoint holds of a model, as arrays."""
    variables = model.network.weights + model.optimizer.variables
    if model.buffer is not None:
        variables += model.buffer.variables
    return [np.array(variable) for variable in variables]


def assert_same(arrays, expected):
    for array, other in zip(arrays, expected, strict=True):
        np.testing.assert_array_equal(array, other)


def keeper(folder, *, keep=3, facts=FACTS, team=ALONE):
    return checkpoint_manager.Checkpoints(folder, team, keep=keep, facts=facts)


def state_at(step, accuracy=None, **more):
    return TrainingState(step, val_accuracy=accuracy, **more)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def restored(folder):
    """(step, numbers) of a model that goes on from a folder."""
    model = made(99)
    state = keeper(folder).restore(model)
    return state.step, numbers(model)


def refused(function, *arguments):
    with pytest.raises(InputError) as raised:
        function(*arguments)
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """A folder with steps 1, 2 and 3, and the numbers of each."""
    folder, expected = tmp_path_factory.mktemp("kept") / "checkpoints", {}
    folder.mkdir()
    for step in (1, 2, 3):
        model = made(step)
        expected[step] = numbers(model)
        assert keeper(folder).save(model, state_at(step, 0.1 * step))
    return folder, expected


@pytest.fixture
def kept(three, tmp_path):
    """A copy of it, to be damaged."""
    folder, expected = three
    return shutil.copytree(folder, tmp_path / "checkpoints"), expected


@pytest.mark.parametrize("options", [SMALL, PLAIN])
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_a_model_comes_back_bit_for_bit_with_its_state(tmp_path, options, optimizer):
    model, other = (made(seed, options, None, optimizer) for seed in (1, 2))
    state = state_at(
        7, 0.1 + 0.2, good=False, seconds=1e-7 / 3, sums={"loss": 2 / 3}, count=4
    )
    assert keeper(tmp_path).restore(other) is None
    assert_same(numbers(other), numbers(made(2, options, None, optimizer)))
    assert keeper(tmp_path).save(model, state)
    processes = int(model.buffer is not None)
    assert keeper(tmp_path).restore(other) == dataclasses.replace(
        state, model_facts=FACTS, replicas=1, processes=processes
    )
    assert_same(numbers(other), numbers(model))
    assert names(tmp_path) == ["step-0000007"]


@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
def test_averages_come_back_bit_for_bit_and_are_what_is_evaluated(tmp_path, precision):
    training = Training(seed=1, ema=0.9, precision=precision)
    options = dataclasses.replace(SMALL, training=training)
    model, other = (made(seed, options, None, "sgd") for seed in (1, 2))
    assert keeper(tmp_path).save(model, state_at(3))
    keeper(tmp_path).restore(other)
    assert_same(numbers(other), numbers(model))
    averages = averaging.averages(other.optimizer)
    assert_same(averages, averaging.averages(model.optimizer))
    evaluated = build.make_model(options, (8, 8, 1), 10, model.buffer)
    place = checkpoint_files.find_whole(tmp_path)
    checkpoint_files.restore(evaluated, place, checkpoint_files.read_state(place))
    assert_same(evaluated.network.weights, model.network.weights)
    checkpoint_files.restore_averages(evaluated, place)
    assert_same(evaluated.network.weights, averages)
    assert not np.array_equal(averages[0], model.network.weights[0])


def test_averages_are_read_without_a_warning_of_all_that_is_not(tmp_path, caplog):
    """TensorFlow would warn of the network and the optimizer, in a line a variable."""
    options = dataclasses.replace(SMALL, training=Training(ema=0.9))
    model = made(1, options, None, "sgd")
    assert keeper(tmp_path).save(model, state_at(3))
    logger = tf.get_logger()
    logger.addHandler(caplog.handler)
    try:
        with caplog.at_level("WARNING", logger=logger.name):
            place = checkpoint_files.find_whole(tmp_path)
            checkpoint_files.restore_averages(model, place)
            gc.collect()
    finally:
        logger.removeHandler(caplog.handler)
    assert caplog.messages == []


def test_a_checkpoint_without_averages_gives_none(three):
    place = checkpoint_files.find_whole(three[0])
    message = refused(checkpoint_files.restore_averages, made(1), place)
    assert "step-0000003 has no averages of this network's weights" in message


def test_averages_are_a_fact_of_a_checkpoint_and_no_averages_are_none(three):
    """Old checkpoints, which know nothing of averages, are of runs without any."""
    folder, _ = three
    averaged = dataclasses.replace(SMALL, training=Training(ema=0.9))
    facts = [
        checkpoint_manager.model_facts(options, (8, 8, 1), 10)["ema"]
        for options in (SMALL, averaged)
    ]
    assert facts == [None, 0.9]
    assert keeper(folder, facts=FACTS | {"ema": None}).restore(made(9)).step == 3
    message = refused(keeper(folder, facts=FACTS | {"ema": 0.9}).restore, made(9))
    assert "is a checkpoint of ema=None, and this run is of ema=0.9" in message


def test_a_sum_that_is_not_finite_comes_back_too(tmp_path):
    sums = {"loss": np.inf, "energy_gap": -np.inf, "saturation": np.nan}
    assert keeper(tmp_path).save(made(1), state_at(1, sums=sums))
    np.testing.assert_equal(keeper(tmp_path).restore(made(2)).sums, sums)


@pytest.mark.parametrize(
    ("keep", "accuracies", "stay"),
    [
        (2, [None] * 5, [4, 5]),
        (2, [0.1, 0.5, 0.3, 0.4, None], [2, 4, 5]),
        (2, [0.1, 0.2, 0.3, 0.4, 0.5], [4, 5]),
        (1, [0.5, 0.4, 0.3, 0.2, 0.1], [1, 5]),
        (1, [None] * 5, [5]),
        (9, [None] * 5, [1, 2, 3, 4, 5]),
    ],
)
def test_the_newest_and_the_best_stay(tmp_path, keep, accuracies, stay):
    model, saved = made(1), keeper(tmp_path, keep=keep)
    for step, accuracy in enumerate(accuracies, 1):
        assert saved.save(model, state_at(step, accuracy))
    assert checkpoint_files.list_steps(tmp_path) == stay
    assert names(tmp_path) == [f"step-{step:07d}" for step in stay]


def test_a_step_saved_again_takes_the_place_of_the_first(tmp_path):
    for seed in (1, 2):
        assert keeper(tmp_path).save(made(seed), state_at(4))
    step, arrays = restored(tmp_path)
    assert (step, names(tmp_path)) == (4, ["step-0000004"])
    assert_same(arrays, numbers(made(2)))


def test_an_accuracy_is_an_improvement_if_none_kept_is_as_good(kept):
    saved = keeper(kept[0])
    assert [saved.improves(x) for x in (0.29, 0.1 * 3, 0.31)] == [False, False, True]


def test_the_first_accuracy_is_an_improvement(tmp_path):
    assert keeper(tmp_path).improves(0.0)
    keeper(tmp_path).save(made(1), state_at(1))
    assert keeper(tmp_path).improves(0.0)


DAMAGE = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "half": lambda path: path.write_bytes(
        path.read_bytes()[: path.stat().st_size // 2]
    ),
    "short of a byte": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("file", FILES)
def test_a_damaged_checkpoint_is_set_aside_for_the_one_before(
    kept, capsys, file, damage
):
    folder, expected = kept
    (path,) = (folder / "step-0000003").glob(file)
    DAMAGE[damage](path)
    if (file, damage) == ("state.json", "short of a byte"):
        path.write_bytes(path.read_bytes()[:-1])  # the first was the last line's end
    step, arrays = restored(folder)
    assert step == 2
    assert_same(arrays, expected[2])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"{folder / 'step-0000003'} is damaged (")
    assert lines[0].endswith("); it is set aside")
    assert names(folder) == ["step-0000001", "step-0000002", "step-0000003.damaged"]


@pytest.mark.parametrize("file", FILES)
def test_a_byte_that_flips_is_noticed_or_changes_nothing(kept, file):
    folder, expected = kept
    place = folder / "step-0000003"
    (path,) = place.glob(file)
    whole, before = path.read_bytes(), checkpoint_files.read_state(place)
    model = made(99)
    for i in np.linspace(0, len(whole) - 1, 40).astype(int):
        path.write_bytes(whole[:i] + bytes([whole[i] ^ 1]) + whole[i + 1 :])
        noticed = checkpoint_files.find_damage(place)
        assert noticed or "data" not in file, i
        if not noticed:  # a byte that fills up space
            assert checkpoint_files.read_state(place) == before, i
            checkpoint_files.restore(model, place, before)
            assert_same(numbers(model), expected[3])


def test_a_run_goes_on_past_several_damaged_ones(kept):
    folder, expected = kept
    for step in (2, 3):
        (folder / f"step-{step:07d}" / "model.index").unlink()
    step, arrays = restored(folder)
    assert step == 1
    assert_same(arrays, expected[1])


def test_a_step_may_be_damaged_twice(kept):
    folder, expected = kept
    for _ in range(2):
        (folder / "step-0000003" / "model.index").unlink()
        assert restored(folder)[0] == 2
        assert keeper(folder).save(made(3), state_at(3))
    assert_same(restored(folder)[1], expected[3])


def test_when_all_are_damaged_nothing_starts_over_by_itself(kept):
    folder, _ = kept
    for step in (1, 2, 3):
        (folder / f"step-{step:07d}" / "state.json").unlink()
    for _ in range(2):
        message = refused(keeper(folder).restore, made(99))
        assert f"No checkpoint in {folder} is whole" in message
        assert "delete" in message
    assert names(folder) == [f"step-000000{step}" for step in (1, 2, 3)]


@pytest.mark.parametrize("file", ["state.json", "model.index"])
def test_an_old_damaged_checkpoint_disturbs_nothing(kept, file):
    folder, expected = kept
    (folder / "step-0000001" / file).unlink()
    assert restored(folder)[0] == 3
    saved = keeper(folder, keep=9)
    assert saved.improves(0.9)
    assert checkpoint_files.find_whole(folder, best=True).name == "step-0000003"
    assert saved.save(made(4), state_at(4, 0.4))
    assert saved.find_way_back(not_to=4) == 3
    saved.forget(after=3, retries=1)
    assert_same(restored(folder)[1], expected[3])


def test_after_a_damaged_one_was_set_aside_a_run_may_go_back_to_its_start(kept):
    folder, _ = kept
    (folder / "step-0000003" / "model.index").unlink()
    assert restored(folder)[0] == 2
    keeper(folder).forget(after=0, retries=1)
    assert keeper(folder).restore(made(99)) is None


def test_what_a_killed_process_left_half_done_is_cleared_away(kept):
    folder, expected = kept
    shutil.copytree(folder / "step-0000003", folder / "step-0000004.part")
    (folder / "step-0000003").rename(folder / "step-0000003.gone")
    (folder / "step-0000005.part").mkdir()
    (folder / "lock").write_text("")
    step, arrays = restored(folder)
    assert step == 2
    assert_same(arrays, expected[2])
    assert names(folder) == ["lock", "step-0000001", "step-0000002"]


def test_a_half_written_checkpoint_is_none_for_those_who_look(kept):
    folder, _ = kept
    (folder / "step-0000003").rename(folder / "step-0000003.part")
    assert checkpoint_files.list_steps(folder) == [1, 2]
    assert checkpoint_files.find_whole(folder).name == "step-0000002"
    assert (folder / "step-0000003.part").exists()  # it may be being written


@pytest.mark.parametrize("network", ["wrn-10-1", "convnet-16"])
def test_other_layers_are_refused(tmp_path, network):
    """As a version of jem_tf may build them that says the same of itself."""
    other = dataclasses.replace(SMALL, network=Network(network=network))
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    assert keeper(folder).save(made(1, other), state_at(1))
    message = refused(keeper(folder).restore, made(2))
    assert "step-0000001 does not fit the network" in message


def test_what_was_half_written_is_written_over(kept):
    folder, expected = kept
    (folder / "step-0000003").rename(folder / "step-0000004.part")
    assert keeper(folder).save(made(1), state_at(4))
    step, arrays = restored(folder)
    assert step == 4
    assert_same(arrays, expected[1])


@pytest.mark.parametrize("size", [0, 1000, 100_000])
def test_a_full_disk_costs_one_checkpoint_and_no_other(kept, full_disk, capsys, size):
    folder, expected = kept
    with full_disk(size):
        assert not keeper(folder).save(made(4), state_at(4))
    out = capsys.readouterr().out
    assert out.startswith("no checkpoint at step 4: ")
    assert len(out.splitlines()) == 1
    assert names(folder) == [f"step-000000{step}" for step in (1, 2, 3)]
    step, arrays = restored(folder)
    assert step == 3
    assert_same(arrays, expected[3])
    assert keeper(folder).save(made(5), state_at(5))
    assert restored(folder)[0] == 5


def test_what_cannot_be_finished_costs_that_checkpoint_only(kept, capsys):
    folder, expected = kept
    (folder / "step-0000004.part" / "state.json").mkdir(parents=True)  # in the way
    assert not keeper(folder).save(made(4), state_at(4))
    assert capsys.readouterr().out.startswith("no checkpoint at step 4: ")
    assert names(folder) == [f"step-000000{step}" for step in (1, 2, 3)]
    assert_same(restored(folder)[1], expected[3])
    assert keeper(folder).save(made(4), state_at(4))


@pytest.mark.parametrize("there", ["a file", "nothing"])
def test_a_folder_that_cannot_be_written_is_said_and_not_raised(
    tmp_path, capsys, there
):
    if there == "a file":
        (tmp_path / "checkpoints").write_text("")
    assert not keeper(tmp_path / "checkpoints").save(made(1), state_at(4))
    assert capsys.readouterr().out.startswith("no checkpoint at step 4: ")


def test_a_file_in_the_place_of_the_next_costs_that_one_only(kept, capsys):
    folder, _ = kept
    (folder / "step-0000004.part").write_text("in the way")
    assert not keeper(folder).save(made(4), state_at(4))
    assert capsys.readouterr().out.startswith("no checkpoint at step 4: ")
    assert restored(folder)[0] == 3
    assert keeper(folder).save(made(5), state_at(5))


@pytest.mark.parametrize(
    ("name", "value"),
    [("network", "wrn-10-1"), ("image_shape", [32, 32, 3]), ("more", "unheard of")],
)
def test_a_checkpoint_of_something_else_is_refused_by_name(three, name, value):
    folder, _ = three
    other = keeper(folder, facts=FACTS | {name: value})
    message = refused(other.restore, made(99))
    assert f"is a checkpoint of {name}={FACTS.get(name)}" in message
    assert f"this run is of {name}={value}" in message
    assert names(folder) == [f"step-000000{step}" for step in (1, 2, 3)]


def test_a_newer_format_is_refused_and_left_alone(kept):
    folder, _ = kept
    path = folder / "step-0000003" / "state.json"
    newer = {"format": training_state.FORMAT + 1, "whatever": "it may hold"}
    path.write_text(json.dumps(newer))
    for message in (
        refused(keeper(folder).restore, made(99)),
        refused(checkpoint_files.find_whole, folder),
    ):
        version = newer["format"]
        assert f"step-0000003 cannot be read: it has format {version}" in message
        assert "upgrade jem_tf" in message
    assert names(folder) == [f"step-000000{step}" for step in (1, 2, 3)]


def test_the_way_back_is_to_the_newest_good_one_but_not_there_again(tmp_path):
    model, saved = made(1), keeper(tmp_path, keep=9)
    assert saved.find_way_back() == 0
    for step in range(1, 7):
        saved.save(model, state_at(step, good=step not in (2, 5, 6)))
    assert saved.find_way_back() == 4
    assert saved.find_way_back(not_to=4) == 3
    assert saved.find_way_back(not_to=3) == 4  # it got further than that


def test_a_second_alarm_does_not_cost_the_only_good_checkpoint(tmp_path):
    model, saved = made(1), keeper(tmp_path, keep=1)
    saved.save(model, state_at(5))
    for retries in (1, 2):
        target = saved.find_way_back(not_to=5 if retries > 1 else None)
        assert target == 5
        saved.forget(after=target, retries=retries)
    assert names(tmp_path) == ["step-0000005"]


def test_going_back_forgets_what_the_attempts_before_saved_later(tmp_path):
    model, saved = made(1), keeper(tmp_path, keep=9)
    for step in range(1, 7):
        saved.save(model, state_at(step, retries=int(step == 6)))
    for _ in range(2):  # it may be asked again, after a kill
        saved.forget(after=3, retries=1)
        assert names(tmp_path) == [f"step-000000{step}" for step in (1, 2, 3, 6)]
    saved.forget(after=0, retries=2)
    assert names(tmp_path) == []
    assert saved.restore(model) is None


def test_what_is_not_good_never_costs_the_last_good_one(tmp_path):
    model, saved = made(1), keeper(tmp_path, keep=1)
    saved.save(model, state_at(1))
    for step in (2, 3):
        saved.save(model, state_at(step, 0.99, good=False))
    assert saved.find_way_back() == 1
    saved.save(model, state_at(4))
    assert names(tmp_path) == ["step-0000004"]


@pytest.mark.parametrize("name", ["step-best", "step-10", "step-0000009.old", "x"])
def test_what_is_none_of_ours_is_left_alone(kept, name):
    folder, expected = kept
    (folder / name).mkdir()
    step, model = restored(folder)
    assert step == 3
    assert_same(model, expected[3])
    assert name in names(folder)


def test_a_run_goes_on_on_fewer_or_more_replicas(tmp_path, two_replicas, capsys):
    both = cluster.Cluster(two_replicas)
    one, two = made(1), made(2, devices=both.devices)
    for model, team, folder in ((one, ALONE, "one"), (two, both, "two")):
        (tmp_path / folder).mkdir()
        keeper(tmp_path / folder, team=team).save(model, state_at(3))
    assert capsys.readouterr().out == ""

    fewer, more = made(3), made(4, devices=both.devices)
    keeper(tmp_path / "two").restore(fewer)
    keeper(tmp_path / "one", team=both).restore(more)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" of ")[1:] for line in lines] == [
        ["2 replica(s) was divided among 1"],
        ["1 replica(s) was divided among 2"],
    ]
    for before, after in ((two, fewer), (one, more)):
        assert_same(after.network.get_weights(), before.network.get_weights())
        chains = [
            [
                (age, image.tobytes())
                for i in model.buffer.own
                for image, age in zip(
                    getattr(model.buffer, f"shard_{i}").numpy(),
                    getattr(model.buffer, f"ages_{i}").numpy(),
                    strict=True,
                )
            ]
            for model in (before, after)
        ]
        assert sorted(chains[0]) == sorted(chains[1])


def test_two_replicas_come_back_to_two_bit_for_bit(tmp_path, two_replicas, capsys):
    both = cluster.Cluster(two_replicas)
    before, after = (made(seed, devices=both.devices) for seed in (1, 2))
    keeper(tmp_path, team=both).save(before, state_at(3))
    keeper(tmp_path, team=both).restore(after)
    assert_same(numbers(after), numbers(before))
    assert capsys.readouterr().out == ""


def test_a_model_that_is_not_compiled_takes_what_it_needs(three):
    folder, expected = three
    buffer = build.make_buffer(SMALL, (8, 8, 1), 10)
    model = build.make_model(SMALL, (8, 8, 1), 10, buffer)
    place = checkpoint_files.find_whole(folder)
    checkpoint_files.restore(model, place, checkpoint_files.read_state(place))
    weights = model.network.get_weights()
    assert_same(weights, expected[3][: len(weights)])
    kept = [buffer.ages, buffer.energies, buffer.origins, buffer.shard]
    assert_same(kept, expected[3][-4:])


def test_a_checkpoint_of_before_restores_with_origins_and_energies_unknown(tmp_path):
    """One with images and ages alone, as all were before buffers kept the others."""
    before, after = made(1), made(2)
    keeper(tmp_path).save(before, state_at(3))
    old = tf.Module()
    old.shard_0, old.ages_0 = before.buffer.shard_0, before.buffer.ages_0
    prefix = checkpoint_files.path_of(tmp_path, 3) / "shards-0"
    tf.train.Checkpoint(buffer=old).write(str(prefix))
    assert keeper(tmp_path).restore(after).step == 3
    assert_same(
        [after.buffer.ages, after.buffer.shard],
        [before.buffer.ages, before.buffer.shard],
    )
    assert (after.buffer.all_origins() == starts.UNKNOWN_ORIGIN).all()
    assert np.isnan(after.buffer.all_energies()).all()
    assert after.buffer.are_samples().all()
