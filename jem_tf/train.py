"""Trains a JEM: `python -m jem_tf.train --dataset=cifar100`, or `jem-tf train`.

`run` is the whole program. `runs/build.py` makes what it needs from the options.
"""

import contextlib
import functools
import itertools
import sys
from collections.abc import Iterator
from typing import Any

import jem_tf.system.quiet  # noqa: F401  before TensorFlow, whose chatter it mutes

# isort: split
from absl import flags

from jem_tf import datasets, figures, jem
from jem_tf.commands import command, cpu_advice
from jem_tf.errors import InputError, argument
from jem_tf.evaluation import inference, monitoring
from jem_tf.options import Options, flatten, replace
from jem_tf.runs import (
    build,
    checkpoint_manager,
    claiming,
    flagfiles,
    loading,
    run_folder,
)
from jem_tf.runs.run_folder import RunFolder
from jem_tf.runs.training_state import TrainingState
from jem_tf.serving import exporting
from jem_tf.system import console, files
from jem_tf.training import (
    announcements,
    callbacks,
    cluster,
    guard,
    loop,
    pace,
    signals,
)


def run(opts: Options) -> dict[str, Any] | None:
    """Trains, measures and saves a run, or continues one that was begun.

    Args:
      opts: Options.

    Returns:
      The results, as in RUN/results/train.json; None in a process that is not chief.

    Raises:
      InputError: if something the user gave is wrong, or training diverged for good.
      Stopped: on SIGTERM or Ctrl-C, once the run is saved.
    """
    team = cluster.join_cluster(opts.training)
    build.check_options(opts, team.replicas)
    path = opts.training.workdir or run_folder.default_path(opts)
    claiming.check(path, opts)
    before = RunFolder(path).read_description()
    data_dir = loading.find_data_dir(opts.data, before, opts.data.data_dir)
    data = loading.load_data(opts.data, before, data_dir)
    place = datasets.place_of(opts.data.dataset, data_dir)
    description = run_folder.describe(data, place)
    RunFolder(path).check_data(description)
    plan = _plan(opts, data)
    build.make_batches(opts, data, plan.steps)  # raises if options are wrong
    model = _model(opts, data, plan.steps, team)
    with _claimed(path, opts, description, team) as folder:
        model, now, seconds = _train(folder, opts, data, plan, team, model)
        results = None
        if team.chief:
            results = _measure(model, data) | {"seconds": seconds, "steps": plan.steps}
            _write_results(folder, model, results)
            if opts.training.export:
                _export(folder, model, now, data, plan.steps)
        team.all_true(True)  # all processes wait for the chief
    return results


def _plan(opts: Options, data: datasets.Dataset) -> loop.Schedule:
    steps_per_epoch = max(1, len(data.train.labels) // opts.training.batch_size)
    return loop.Schedule(
        steps=opts.training.steps or opts.training.epochs * steps_per_epoch,
        steps_per_epoch=steps_per_epoch,
        steps_per_execution=opts.training.steps_per_execution,
        checkpoint_every=opts.fault_tolerance.checkpoint_every,
    )


@contextlib.contextmanager
def _claimed(
    path: str,
    opts: Options,
    description: run_folder.DataDescription,
    team: cluster.Cluster,
) -> Iterator[RunFolder]:
    """A context with the folder of the run: the chief makes it, the others open it."""
    if not team.chief:
        folder = claiming.join_run(path, opts, team.from_chief(0))
        folder.check_data(description)  # a copy on another machine may differ
        yield folder
        return
    with claiming.claim(path, opts) as folder:
        folder.describe_data(description)
        team.from_chief(claiming.read_token(path))
        yield folder


def _train(
    folder: RunFolder,
    opts: Options,
    data: datasets.Dataset,
    plan: loop.Schedule,
    team: cluster.Cluster,
    model: Any,
) -> tuple[jem.JEM, Options, float]:
    """Trains to the end; after a divergence, again with a new model.

    Returns:
      (the model, the Options of its last retry, seconds).
    """
    watch = guard.Guard(opts.fault_tolerance, folder.guard_file)
    shape, num_classes = data.train.images.shape[1:], len(data.class_names)
    saved = checkpoint_manager.Checkpoints(
        folder.checkpoints,
        team,
        keep=opts.fault_tolerance.checkpoints_kept,
        facts=checkpoint_manager.model_facts(opts, shape, num_classes),
    )
    begin = None
    for attempt in itertools.count():
        now = replace(opts, watch.changes)
        if watch.retries:
            saved.forget(after=watch.last_target, retries=watch.retries)
            model = training = None  # free their memory first
            model = _model(now, data, plan.steps, team)
        state = saved.restore(model)
        shown = _callbacks(folder, now, data, plan, state) if team.chief else []
        if team.chief and attempt == 0:
            announcements.announce_start(
                folder, now, data, model, plan, state, watch.retries
            )
        share: dict[str, Any] = {"own": team.own, "replicas": team.replicas}
        training = loop.Loop(
            model,
            functools.partial(build.make_batches, now, data, plan.steps, **share),
            plan,
            cluster=team,
            guard=watch,
            checkpoints=saved,
            callbacks=shown,
            begin=begin,
        )
        try:
            return model, now, training.train(state)
        except guard.Alarm as alarm:
            begin = training.begin
            back_to = None if watch.spent else saved.find_way_back(watch.last_target)
            event = watch.record(alarm, back_to, opts, chief=team.chief)
            if team.chief:
                callbacks.note_alarm(folder.tensorboard, event, watch.retries)
            console.say(watch.describe(flagfiles.spell))
    raise AssertionError("The loop ends by itself.")


def _model(
    opts: Options, data: datasets.Dataset, steps: int, team: cluster.Cluster
) -> jem.JEM:
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


def _callbacks(
    folder: RunFolder,
    opts: Options,
    data: datasets.Dataset,
    plan: loop.Schedule,
    state: TrainingState | None,
) -> list[Any]:
    first, size = state.step if state else 0, opts.training.batch_size
    return [
        callbacks.Measure(data.validation, size),
        callbacks.Progress(plan.steps, first=first),
        pace.Pace(plan, size, first=first, advice=cpu_advice.advise(opts)),
        callbacks.Summaries(folder.tensorboard, flatten(opts)),
    ]


def _measure(model: jem.JEM, data: datasets.Dataset) -> dict[str, Any]:
    images, labels = data.test
    logits = inference.logits(model, images)
    metrics = monitoring.classification_metrics(logits, labels)
    return metrics | monitoring.compare_with_noise(model, logits, images.shape[1:])


def _write_results(folder: RunFolder, model: jem.JEM, results: dict[str, Any]) -> None:
    try:
        if model.generative and model.buffer.has_samples:
            figures.save(folder.figure("samples"), monitoring.draw_preview(model))
        files.write_json(folder.result("train"), results)
    except OSError as error:
        raise InputError(
            f"{argument('workdir', folder)} cannot be written ({error.strerror}); make "
            "room and give the same command again."
        ) from error
    announcements.announce_results(folder, results)


def _export(
    folder: RunFolder, model: jem.JEM, opts: Options, data: datasets.Dataset, step: int
) -> None:
    trained = loading.TrainedRun(folder, model, opts, data.class_names, step)
    if not exporting.is_already_exported(trained, folder.exports):
        console.say(str(exporting.export_run(trained, data)))


def run_program(values: flags.FlagValues) -> None:
    """The program: flags in, a run out."""
    opts = flagfiles.from_flags(values)
    signals.exit_on_second()
    try:
        run(opts)
    except signals.Stopped as stopped:
        print(f"jem_tf: {stopped}", file=sys.stderr)
        sys.exit(128 + stopped.number)
    except KeyboardInterrupt:
        sys.exit("jem_tf: interrupted.")
    except OSError as error:
        path = opts.training.workdir or run_folder.default_path(opts)
        raise InputError(
            f"{argument('workdir', path)} cannot be written: {error}"
        ) from error
    except cluster.LOST as error:
        if opts.training.strategy != "multiworker":
            raise
        # TensorFlow's own exit would wait for the lost process.
        command.end_at_once(cluster.explain(error), code=1)


COMMAND = command.Command(
    "train",
    """
Trains a joint energy-based model. If the run was begun before, the same command
continues it.

    jem-tf train                                   # digits, two minutes on two cores
    jem-tf train --dataset=cifar100                # the paper's recipe; a GPU's work
    jem-tf train --dataset=folder:/data/birds      # a folder of pictures a class

Without --flagfile, --dataset=NAME takes its defaults from the preset flags/NAME.flags,
if there is one, else from the paper's recipe for CIFAR-10. Flags on the command line
override both.
""",
    flagfiles.define,
    run_program,
    parse=flagfiles.parse,
)


if __name__ == "__main__":
    command.execute(COMMAND, sys.argv[1:])
