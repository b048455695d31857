"""What a run needs before its first step: devices, folder, data, plan, model."""

import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from jem_tf import datasets, jem
from jem_tf.options import Options
from jem_tf.runs import (
    build,
    checkpoint_manager,
    initial_weights,
    loading,
    option_checks,
    run_folder,
    run_lock,
)
from jem_tf.runs.run_folder import RunFolder
from jem_tf.runs.training_state import TrainingState
from jem_tf.system import console
from jem_tf.training import cluster, guard, loop


class Prepared(NamedTuple):
    """A run that may begin: its options and its data fit its folder.

    team: the processes and replicas that train.
    path: of the run's folder, which may not exist yet.
    data: what to train and measure on.
    description: of the data, for the folder.
    plan: how many steps, and what is due when.
    initial: weights to start from, that the folder does not have yet; None if there
      are none, and in a process that is not chief.
    """

    options: Options
    team: cluster.Cluster
    path: str
    data: datasets.Dataset
    description: run_folder.DataDescription
    plan: loop.Plan
    initial: initial_weights.Initial | None = None


def prepare(opts: Options) -> Prepared:
    """Joins the cluster, loads the data, and checks both against the run's folder.

    Nothing is written.

    Raises:
      InputError: if something the user gave is wrong.
    """
    team = cluster.join_cluster(opts.training)
    option_checks.check_options(opts, team.replicas)
    path = opts.training.workdir or run_folder.default_path(opts)
    run_lock.check(path, opts)
    before = RunFolder(path).read_description()
    data_dir = loading.find_data_dir(opts.data, before, opts.data.data_dir)
    data = loading.load_data(opts.data, before, data_dir)
    place = datasets.place_of(opts.data.dataset, data_dir)
    description = run_folder.describe(data, place)
    RunFolder(path).check_data(description)
    plan = make_plan(opts, data)
    build.make_batches(opts, data, plan.steps)  # raises if options are wrong
    initial = _read_initial(path, opts, data) if team.chief else None
    return Prepared(opts, team, path, data, description, plan, initial)


def _read_initial(
    path: str, opts: Options, data: datasets.Dataset
) -> initial_weights.Initial | None:
    if not opts.network.init or RunFolder(path).initial_weights.is_file():
        return None
    console.say(f"the network starts with the weights of {opts.network.init}")
    return initial_weights.read(opts, data)


def make_plan(opts: Options, data: datasets.Dataset) -> loop.Plan:
    """Makes the plan of a run on these data."""
    steps_per_epoch = max(1, len(data.train.labels) // opts.training.batch_size)
    return loop.Plan(
        steps=opts.training.steps or opts.training.epochs * steps_per_epoch,
        steps_per_epoch=steps_per_epoch,
        steps_per_execution=opts.training.steps_per_execution,
        checkpoint_every=opts.fault_tolerance.checkpoint_every,
    )


@contextlib.contextmanager
def claimed_folder(run: Prepared) -> Iterator[RunFolder]:
    """A context with the folder of the run: the chief makes it, the others open it."""
    opts, team = run.options, run.team
    if not team.chief:
        folder = run_lock.join_run(run.path, opts, team.from_chief(0))
        folder.check_data(run.description)  # a copy on another machine may differ
        yield folder
        return
    with run_lock.claim(run.path, opts) as folder:
        folder.describe_data(run.description)
        if run.initial is not None:
            initial_weights.write(folder, run.initial)
        team.from_chief(run_lock.read_token(run.path))
        yield folder


def make_trainable(
    opts: Options, data: datasets.Dataset, steps: int, team: cluster.Cluster
) -> jem.JEM:
    """Makes the model of a run of `steps` steps, with buffer and optimizer.

    Its state is that before the first step, but for weights that `init` names.
    """
    shape, num_classes = tuple(data.train.images.shape[1:]), len(data.class_names)
    buffer = build.make_buffer(
        opts,
        shape,
        num_classes,
        start=build.make_start(opts, data) if opts.objective.generative else None,
        devices=team.devices,
        replicas=team.replicas,
        first_replica=team.own.start,
    )
    with team.strategy.scope():
        model = build.make_model(opts, shape, num_classes, buffer)
        return build.compile_model(model, opts.training, steps)


def make_checkpoints(
    prepared: Prepared, folder: RunFolder
) -> checkpoint_manager.Checkpoints:
    """The checkpoints of a prepared run."""
    opts, shape = prepared.options, prepared.description.image_shape
    classes = len(prepared.description.class_names)
    return checkpoint_manager.Checkpoints(
        folder.checkpoints,
        prepared.team,
        keep=opts.fault_tolerance.checkpoints_kept,
        facts=checkpoint_manager.model_facts(opts, shape, classes),
    )


def make_guard(prepared: Prepared, folder: RunFolder) -> guard.Guard:
    """The guard of a prepared run, with what it knows of earlier attempts."""
    opts = prepared.options
    return guard.Guard(
        opts.fault_tolerance, folder.guard_file, images=build.p_x_batch_size(opts)
    )


def restore(
    saved: checkpoint_manager.Checkpoints, folder: RunFolder, model: Any
) -> TrainingState | None:
    """Restores a run's newest checkpoint or, without one, its initial weights, if any.

    Returns:
      The state of the checkpoint; None without one.

    Raises:
      InputError: as `Checkpoints.restore`.
    """
    state = saved.restore(model)
    if state is None:
        initial_weights.assign(folder, model.network)
    return state
