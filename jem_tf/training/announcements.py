"""What a training run prints when it starts and when it has its results."""

from collections.abc import Mapping

from jem_tf.datasets import Dataset
from jem_tf.datasets.splits import VALIDATION_STANDS_IN
from jem_tf.jem import JEM
from jem_tf.options import Data, Options
from jem_tf.runs import build
from jem_tf.runs.run_folder import RunFolder
from jem_tf.runs.training_state import TrainingState
from jem_tf.system import console
from jem_tf.training.loop import Plan


def announce_start(
    folder: RunFolder,
    opts: Options,
    data: Dataset,
    model: JEM,
    plan: Plan,
    state: TrainingState | None,
    retries: int = 0,
) -> None:
    """Prints what is trained, on which data, where, and from which step.

    Args:
      folder: the run's folder.
      opts: the run's options.
      data: the run's data set.
      model: the model to train.
      plan: has the number of steps.
      state: of the checkpoint that the run continues from; None for a new run.
      retries: how often the run has gone back to a checkpoint after divergence.
    """
    sizes = [len(split.labels) for split in (data.train, data.validation, data.test)]
    counts = "{} images to train on, {} to validate, {} to test".format(*sizes)
    console.say(f"{opts.data.dataset}: {counts}; {len(data.class_names)} classes")
    if data.test_source == VALIDATION_STANDS_IN:
        console.say(f"to test: {data.test_source}")
    console.say(describe_augmentation(opts.data, data.flip))
    policy, why = build.choose_precision(opts)
    console.say(
        f"{opts.network.network}: {model.network.count_params():,} parameters, "
        f"{policy}{f' ({why})' if why else ''}; {plan.steps} steps"
    )
    console.say(f"{folder}: watch it with  tensorboard --logdir {folder}")
    if state:
        console.say(f"going on from step {state.step}")
    if retries:
        console.say(f"as retry {retries} after divergence, see results/guard.json")


def describe_augmentation(options: Data, flip: bool) -> str:
    """Says in a line what is done to training images, and whether they are mirrored."""
    if not options.augment:
        return "training images are neither cropped nor mirrored (augment=false)"
    why = f"flip={options.flip}"
    if flip and options.flip == "auto":
        why += "; give flip=false if left and right differ"
    mirrored = "half of them mirrored" if flip else "none mirrored"
    return f"training images are padded and cropped, {mirrored} ({why})"


def announce_results(folder: RunFolder, results: Mapping[str, float]) -> None:
    """Prints the results of a run and the files that hold them.

    Args:
      folder: the run's folder.
      results: {name: number}, as in the run's results/train.json.
    """
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
    print(f"\n{folder.result('train')}")
    if (picture := folder.figure("samples")).exists():
        print(picture)
