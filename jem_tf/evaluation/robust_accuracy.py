"""Accuracies under attack: from what each image came to, to metrics and curves.

Letters: N images, E radii of a norm, ascending. "Right" is, of an image, the share of
draws in which it is classified right at the best point an attack found: float [E, N].
"""

import numpy as np

from jem_tf.figures import plots
from jem_tf.metrics import intervals


def metrics(raw, moved, radii):
    """Every accuracy of JEM-k's under attack, and under what was made elsewhere.

    Args:
      raw: {k: {kind: {norm: right}}}.
      moved: {k: {norm: right}} at points found on a baseline.
      radii: {norm: eps [E]}.

    Returns:
      {metric: number or interval}.
    """
    found = {}
    for k, kinds in raw.items():
        of = named("robust_accuracy", worst(kinds), radii, f"jem{k}")
        found |= of
        for kind, right in kinds.items() if len(kinds) > 1 else ():
            last = f"jem{k}/{kind}"
            found |= named("robust_accuracy", right, radii, last)
    for k, right in moved.items():
        found |= named("transfer_accuracy", right, radii, f"jem{k}")
    return found


def curves(found, steps, radii, moved):
    """Lines of accuracy over eps, one per JEM-k, dashed what was transferred.

    Args:
      found: what `metrics` returned.
      steps: [k].
      radii: {norm: eps to show}.
      moved: whether a baseline's adversarials were tried.

    Returns:
      {norm: [charts.Curve]}.
    """
    names = ["robust_accuracy"] + ["transfer_accuracy"] * moved
    lines = {}
    for norm, eps in radii.items():
        lines[norm] = []
        for name in names:
            for k in steps:
                keys = [f"{name}/{norm}/{one:g}/jem{k}" for one in eps]
                dashed = name == "transfer_accuracy"
                label = f"JEM-{k}" + (", from baseline" if dashed else "")
                values = [found[key] for key in keys]
                ends = [found[f"{key}_ci"] for key in keys]
                lines[norm].append(plots.Curve(eps, values, ends, label, k, dashed))
    return lines


def carried(right):
    """Right [E, N] -> the same, what breaks an image at one radius doing so at larger.

    A smaller ball lies within a larger one.
    """
    return np.minimum.accumulate(right, axis=0)


def worst(right):
    """{kind: {norm: right}} -> {norm: right}, of an image the lesser of the kinds."""
    norms = next(iter(right.values()))
    return {norm: np.min([of[norm] for of in right.values()], axis=0) for norm in norms}


def named(name, right, radii, last):
    """Metrics `<name>/<norm>/<eps>/<last>` of {norm: right}, with 95% intervals."""
    found = {}
    for norm, of in right.items():
        for eps, shares in zip(radii[norm], carried(of), strict=True):
            key = f"{name}/{norm}/{eps:g}/{last}"
            found[key] = float(shares.mean())
            found[f"{key}_ci"] = intervals.proportion(shares.sum(), len(shares))
    return found
