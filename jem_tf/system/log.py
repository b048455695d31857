"""What a run says: lines on standard output, above the progress bar if there is one."""

import sys

from jem_tf.system import hardware


def say(line):
    """Prints a line at once."""
    from tqdm import tqdm

    tqdm.write(line, file=sys.stdout)
    sys.stdout.flush()


def introduce(root, opts, data, model, plan, standing, retries=0):
    """Says what is trained, on what, where, and from which step on."""
    sizes = [len(split.labels) for split in (data.train, data.validation, data.test)]
    counts = "{} images to train on, {} to validate, {} to test".format(*sizes)
    say(f"{opts.data.dataset}: {counts}; {len(data.class_names)} classes")
    policy, why = hardware.precision(opts.training.precision)
    say(
        f"{opts.network.network}: {model.network.count_params():,} parameters, "
        f"{policy}{f' ({why})' if why else ''}; {plan.steps} steps"
    )
    say(f"{root}: watch it with  tensorboard --logdir {root}")
    if standing:
        say(f"going on from step {standing['step']}")
    if retries:
        say(f"as retry {retries} after divergence, see results/guard.json")


def report(root, results):
    """Prints the results {name: number} of a run, and where they are."""
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
    print(f"\n{root / 'results' / 'train.json'}")
    if (picture := root / "figures" / "samples.png").exists():
        print(picture)
