"""Trains a JEM: `python -m jem_tf.train --dataset=cifar100`, say.

Read `run`: it is the whole story. `recipe.py` makes what it needs from the options.
"""

import math
import pathlib
import sys
import time

import jem_tf.quiet  # noqa: F401  before TensorFlow, whose chatter it mutes

# isort: split
import tensorflow as tf
from absl import app, flags

from jem_tf import callbacks, datasets, figures, flagfiles, recipe, workdir
from jem_tf.errors import InputError
from jem_tf.evaluation import answers, classification, generation, noise


def run(opts):
    """Trains, measures and keeps a run.

    Args:
      opts: Options.

    Returns:
      The results, as in RUN/results/train.json.

    Raises:
      InputError: if something the user gave is wrong, or training diverged.
    """
    begin = time.time()
    strategy = recipe.strategy(opts.training)
    recipe.check(opts, strategy.num_replicas_in_sync)
    place = opts.training.workdir or _default_workdir(opts)
    workdir.check(place, opts)
    data = datasets.load(
        opts.data.dataset, data_dir=opts.data.data_dir, image_size=opts.data.image_size
    )
    steps_per_epoch = max(1, len(data.train.labels) // opts.training.batch_size)
    steps = opts.training.steps or opts.training.epochs * steps_per_epoch
    feed = recipe.feed(opts, data, steps)
    model = _model(opts, data, steps, strategy)
    place = workdir.claim(place, opts)
    workdir.describe(place, data)
    _introduce(place, opts, data, model, steps)
    model.fit(
        feed,
        epochs=math.ceil(steps / steps_per_epoch),
        steps_per_epoch=min(steps, steps_per_epoch),
        callbacks=_callbacks(place, opts, data, model, steps),
        verbose=0,
        shuffle=False,
    )
    results = _measure(model, data) | {"seconds": time.time() - begin, "steps": steps}
    if model.generative:
        figures.save(place / "figures" / "samples.png", generation.pictures(model))
    workdir.write_json(place / "results" / "train.json", results)
    _report(place, results)
    return results


def _model(opts, data, steps, strategy):
    shape, num_classes = tuple(data.train.images.shape[1:]), len(data.class_names)
    buffer = recipe.buffer(
        opts,
        shape,
        num_classes,
        start=recipe.start(opts, data) if opts.objective.generative else None,
        devices=recipe.devices(strategy),
    )
    with strategy.scope():
        model = recipe.build(opts, shape, num_classes, buffer)
        return recipe.compile_for(model, opts.training, steps)


def _callbacks(place, opts, data, model, steps):
    manager = tf.train.CheckpointManager(
        workdir.checkpoint(model), place / "checkpoints", max_to_keep=2
    )
    return [
        callbacks.StopAt(steps),
        callbacks.StopOnDivergence(),
        callbacks.Measure(data.validation, opts.training.batch_size),
        callbacks.Progress(steps),
        callbacks.Summaries(place / "tensorboard", flagfiles.flat(opts)),
        callbacks.Checkpoints(manager),
    ]


def _measure(model, data):
    images, labels = data.test
    logits = answers.logits(model, images)
    found = classification.classification(logits, labels)
    return found | noise.against_noise(model, logits, images.shape[1:])


def _default_workdir(opts):
    name = pathlib.PurePath(opts.data.dataset.removeprefix("folder:")).name
    return f"runs/{name}-{time.strftime('%Y%m%d-%H%M%S')}"


def _introduce(place, opts, data, model, steps):
    sizes = [len(split.labels) for split in (data.train, data.validation, data.test)]
    counts = "{} images to train on, {} to validate, {} to test".format(*sizes)
    print(
        f"{opts.data.dataset}: {counts}; {len(data.class_names)} classes\n"
        f"{opts.network.network}: {model.network.count_params():,} parameters, "
        f"{opts.training.precision}; {steps} steps\n"
        f"{place}: watch it with  tensorboard --logdir {place}",
        flush=True,
    )


def _report(place, results):
    rows = (
        ("test accuracy", "accuracy", ".4f"),
        ("ECE (20 bins)", "ece", ".4f"),
        ("mean log p(x) + const, test", "log_px_test", ".2f"),
        ("mean log p(x) + const, uniform noise", "log_px_noise", ".2f"),
        ("AUROC of log p(x), test against noise", "auroc_noise", ".4f"),
        ("seconds", "seconds", ".0f"),
    )
    print()
    for label, key, form in rows:
        print(f"  {label:<40}{results[key]:>10{form}}")
    print(f"\n{place / 'results' / 'train.json'}")
    if (picture := place / "figures" / "samples.png").exists():
        print(picture)


def main(argv):
    """The program: flags in, a run out."""
    if len(argv) > 1:
        sys.exit(f"jem_tf: {argv[1]!r} is not a flag; write --name=value.")
    try:
        run(flagfiles.from_flags(flags.FLAGS))
    except InputError as error:
        sys.exit(f"jem_tf: {error}")
    except KeyboardInterrupt:
        sys.exit("jem_tf: interrupted.")


if __name__ == "__main__":
    flagfiles.define(flags.FLAGS)
    app.run(main, flags_parser=lambda argv: flagfiles.parse_or_exit(argv, flags.FLAGS))
