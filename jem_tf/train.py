"""Trains a JEM: `python -m jem_tf.train --dataset=cifar100`, or `jem-tf train`.

`run` is the whole program. `runs/build.py` makes what it needs from the options.
"""

import functools
import itertools
import sys
from typing import Any

import jem_tf.system.tensorflow_setup  # noqa: F401  before TensorFlow, whose chatter it mutes

# isort: split
import numpy as np
from absl import flags

from jem_tf import datasets, figures, jem
from jem_tf.commands import command, cpu_advice
from jem_tf.errors import InputError, argument
from jem_tf.evaluation import inference, monitoring
from jem_tf.optimizers import averaging
from jem_tf.options import Options, flatten, replace
from jem_tf.runs import (
    build,
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
    preparation,
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
    prepared = preparation.prepare(opts)
    team, data, plan = prepared.team, prepared.data, prepared.plan
    model = preparation.make_trainable(opts, data, plan.steps, team)
    with preparation.claimed_folder(prepared) as folder:
        with signals.StopRequest() as request:  # one for all attempts
            model, now, seconds = _train(folder, prepared, model, request)
        averaging.adopt(model.optimizer)
        results = None
        if team.chief:
            results = _measure(model, data) | {"seconds": seconds, "steps": plan.steps}
            _write_results(folder, model, results)
            if opts.training.export:
                _export(folder, model, now, data, plan.steps)
        team.all_true(True)  # all processes wait for the chief
    return results


def _train(
    folder: RunFolder,
    prepared: preparation.Prepared,
    model: Any,
    request: signals.StopRequest,
) -> tuple[jem.JEM, Options, float]:
    """Trains to the end; after a divergence, again with a new model.

    Returns:
      (the model, the Options of its last retry, seconds).
    """
    opts, team = prepared.options, prepared.team
    data, plan = prepared.data, prepared.plan
    watch = preparation.make_guard(prepared, folder)
    if team.chief:
        watch.on_drift = functools.partial(_warn, folder, watch)
    saved = preparation.make_checkpoints(prepared, folder)
    begin = None
    for attempt in itertools.count():
        now = replace(opts, watch.changes)
        if watch.retries:
            saved.forget(after=watch.last_target, retries=watch.retries)
            model = training = None  # free their memory first
            model = preparation.make_trainable(now, data, plan.steps, team)
        state = preparation.restore(saved, folder, model)
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
            return model, now, training.train(state, request)
        except guard.Alarm as alarm:
            begin = training.begin
            back_to = None if watch.spent else saved.find_way_back(watch.last_target)
            event = watch.record(alarm, back_to, opts, chief=team.chief)
            if team.chief:
                callbacks.note_alarm(folder.tensorboard, event, watch.retries)
            console.say(watch.describe(flagfiles.spell))
    raise AssertionError("The loop ends by itself.")


def _warn(folder: RunFolder, watch: guard.Guard, warning: dict[str, Any]) -> None:
    console.say(guard.describe_drift(warning))
    callbacks.note_drift(folder.tensorboard, warning)
    try:
        watch.write()
    except InputError as error:  # a warning ends no run
        console.say(f"the warning is in no file: {error}")


def _callbacks(
    folder: RunFolder,
    opts: Options,
    data: datasets.Dataset,
    plan: loop.Plan,
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
    if not np.isfinite(logits).all():
        raise InputError(
            "The trained network's logits are not finite: training diverged. Lower "
            f"{argument('learning_rate')}, and leave {argument('guard')} on."
        )
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
        console.end_interrupted("jem_tf: interrupted.")
    except BrokenPipeError:
        raise
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
