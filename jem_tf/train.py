"""Trains a JEM: `python -m jem_tf.train --dataset=cifar100`, say.

Read `run`: it is the whole story. `recipe.py` makes what it needs from the options.
"""

import contextlib
import functools
import itertools
import os
import sys

import jem_tf.system.quiet  # noqa: F401  before TensorFlow, whose chatter it mutes

# isort: split
from absl import app, flags

from jem_tf import datasets, figures
from jem_tf.errors import InputError
from jem_tf.evaluation import inference, monitoring
from jem_tf.runs import build, checkpoints, flagfiles, loading, run_folder
from jem_tf.serving import exporting
from jem_tf.system import files, log
from jem_tf.training import announcements, callbacks, cluster, guard, loop, signals


def run(opts):
    """Trains, measures and keeps a run, or goes on with one that was begun.

    Args:
      opts: Options.

    Returns:
      The results, as in RUN/results/train.json; None in a process that is not chief.

    Raises:
      InputError: if something the user gave is wrong, or training diverged for good.
      Stopped: on SIGTERM or Ctrl-C, once the run is saved.
    """
    team = cluster.join(opts.training)
    build.check_options(opts, team.replicas)
    place = opts.training.workdir or run_folder.default(opts)
    run_folder.check(place, opts)
    data = datasets.load(
        opts.data.dataset, data_dir=opts.data.data_dir, image_size=opts.data.image_size
    )
    plan = _plan(opts, data)
    build.make_batches(opts, data, plan.steps)  # feed and model complain now, if at all
    model = _model(opts, data, plan.steps, team)
    with _claimed(place, opts, data, team) as root:
        model, now, seconds = _train(root, opts, data, plan, team, model)
        results = None
        if team.chief:
            results = _measure(model, data) | {"seconds": seconds, "steps": plan.steps}
            _keep(root, model, results)
            if opts.training.export:
                _export(root, model, now, data, plan.steps)
        team.all(True)  # none leaves before the chief is done
    return results


def _plan(opts, data):
    steps_per_epoch = max(1, len(data.train.labels) // opts.training.batch_size)
    return loop.Plan(
        steps=opts.training.steps or opts.training.epochs * steps_per_epoch,
        steps_per_epoch=steps_per_epoch,
        steps_per_execution=opts.training.steps_per_execution,
        checkpoint_every=opts.survival.checkpoint_every,
    )


@contextlib.contextmanager
def _claimed(place, opts, data, team):
    """The chief makes the folder; the others find it made."""
    if not team.chief:
        yield run_folder.join(place, opts, team.of_chief(0))
        return
    with run_folder.claim(place, opts) as root:
        run_folder.describe(root, data)
        team.of_chief(run_folder.token(root))
        yield root


def _train(root, opts, data, plan, team, model):
    """Trains to the end, with another model if it diverges.

    Returns:
      (model, the Options it was trained with in the end, seconds).
    """
    watch = guard.Guard(opts.survival, root / "results" / "guard.json")
    keeper = checkpoints.Checkpoints(
        root / "checkpoints",
        team,
        keep=opts.survival.checkpoints_kept,
        about=checkpoints.about(
            opts, data.train.images.shape[1:], len(data.class_names)
        ),
    )
    begin = None
    for attempt in itertools.count():
        now = guard.changed(opts, watch.changes)
        if watch.retries:
            keeper.forget(after=watch.last_target, retries=watch.retries)
            model = training = None  # before another takes as much memory
            model = _model(now, data, plan.steps, team)
        standing = keeper.restore(model)
        shown = []
        if team.chief:
            shown = _callbacks(root, now, data, plan, standing)
            if attempt == 0:
                announcements.announce_start(
                    root, now, data, model, plan, standing, watch.retries
                )
        share = {"own": team.own, "replicas": team.replicas}
        feed = functools.partial(build.make_batches, now, data, plan.steps, **share)
        training = loop.Loop(
            model,
            feed,
            plan,
            cluster=team,
            guard=watch,
            keeper=keeper,
            callbacks=shown,
            begin=begin,
        )
        try:
            return model, now, training.train(standing)
        except guard.Alarm as alarm:
            begin = training.begin
            back_to = None if watch.spent else keeper.way_back(watch.last_target)
            event = watch.record(alarm, back_to, opts, chief=team.chief)
            if team.chief:
                callbacks.note_alarm(root / "tensorboard", event, watch.retries)
            log.say(watch.line())


def _model(opts, data, steps, team):
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


def _callbacks(root, opts, data, plan, standing):
    first = standing["step"] if standing else 0
    return [
        callbacks.Measure(data.validation, opts.training.batch_size),
        callbacks.Progress(plan.steps, first=first),
        callbacks.Summaries(root / "tensorboard", flagfiles.flat(opts)),
    ]


def _measure(model, data):
    images, labels = data.test
    logits = inference.logits(model, images)
    found = monitoring.classification_metrics(logits, labels)
    return found | monitoring.compare_with_noise(model, logits, images.shape[1:])


def _keep(root, model, results):
    try:
        if model.generative:
            figures.save(root / "figures" / "samples.png", monitoring.sample_grid(model))
        files.write_json(root / "results" / "train.json", results)
    except OSError as error:
        raise InputError(
            f"--workdir={root} cannot be written ({error.strerror}); make room and "
            "give the same command again."
        ) from error
    announcements.announce_results(root, results)


def _export(root, model, opts, data, step):
    run = loading.Trained(root, model, opts, data.class_names, step)
    if not exporting.is_newest(run, root / "export"):
        log.say(str(exporting.write(run, data)))


def main(argv):
    """The program: flags in, a run out."""
    if len(argv) > 1:
        sys.exit(f"jem_tf: {argv[1]!r} is not a flag; write --name=value.")
    opts = flagfiles.from_flags(flags.FLAGS)
    signals.exit_on_second()
    try:
        run(opts)
    except InputError as error:
        sys.exit(f"jem_tf: {error}")
    except signals.Stopped as stopped:
        print(f"jem_tf: {stopped}", file=sys.stderr)
        sys.exit(128 + stopped.number)
    except KeyboardInterrupt:
        sys.exit("jem_tf: interrupted.")
    except cluster.LOST as error:
        if opts.training.strategy != "multiworker":
            raise
        print(f"jem_tf: {cluster.explain(error)}", file=sys.stderr, flush=True)
        os._exit(1)  # TensorFlow's own ending would wait for who is gone


if __name__ == "__main__":
    flagfiles.define(flags.FLAGS)
    app.run(main, flags_parser=lambda argv: flagfiles.parse_or_exit(argv, flags.FLAGS))
