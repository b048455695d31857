"""The model card that stands beside an exported model."""

import inspect
import json
import math

from jem_tf.errors import InputError
from jem_tf.evaluation import findings
from jem_tf.runs import flagfiles

TEXT = """\
# {network} on {dataset}

A joint energy-based model (Grathwohl et al., ICLR 2020, arXiv 1912.03263), exported by
jem_tf {version}: one network that classifies images, and says which of them are unlike
those it was trained on. Step {step} of its training; sha256 of the weights
`{sha256}`;
computes in {precision}.

**Images**: uint8 [N, {height}, {width}, {channels}], 0 to 255; preprocessing is inside.
**Classes**, in the order of `probabilities`: {classes}.

## Measured

{measured}

## Calibrated

On {images:,} images ({calibrated_on}), of which {accuracy:.4f}
are classified rightly:

- temperature {temperature:.4f}: `probabilities` and `confidence` are those of
  logits / temperature, `logits` are raw{bound};
- threshold {threshold:.4f}: `is_ood` says that `log_density` is below it; of these
  images {accepted:.4f} pass (asked for: {accept}).
{caution}
## Signatures

{signatures}

Chains of `sample` start from uniform noise, not from training's replay buffer. The walk
of training: {sgld}.
Clamps are in the graph; a request says the rest.

## Limits

- `log_density` is log p(x) up to a constant that nobody knows: compare it within this
  model only.
- `is_ood` finds what this model finds unlikely. How well that tells other images was
  measured, if at all, above (`auroc`); others may pass.{plain}

## Recipe

`python -m jem_tf.train --flagfile=...` with

```
{recipe}```
"""

SEEN = """
**Mind**: the weights were imported, and the images that this was calibrated on were
most likely seen in training. Temperature and threshold are then too sure; calibrate on
images of your own before you rely on them.
"""
BOUND = """
  (**mind**: no better one was found up to the bound of the search, as happens with a
  model that has hardly learnt; do not rely on it)"""
PLAIN = """
- Trained with `--p_x_weight=0`, a plain classifier: nothing taught it log p(x).
"""


def text(run, about, functions):
    """The card, in Markdown.

    Args:
      run: trained.Trained.
      about: what stands in calibration.json.
      functions: {signature: the function}, whose docstrings it quotes.
    """
    height, width, channels = about["image_shape"]
    names = about["class_names"]
    recipe = flagfiles.identity(run.options)  # without places on somebody's machine
    return TEXT.format(
        **{
            name: about[name]
            for name in (
                "network dataset precision images calibrated_on accuracy temperature "
                "threshold accepted accept"
            ).split()
        },
        version=about["versions"]["jem-tf"],
        step=run.step,
        sha256=about["network_sha256"],
        height=height,
        width=width,
        channels=channels,
        classes=", ".join(names),
        measured=_measured(run, about),
        bound=BOUND if about["temperature_at_bound"] else "",
        caution=SEEN if about["seen_in_training"] else "",
        signatures="\n".join(_signature(*one) for one in functions.items()),
        sgld=", ".join(f"{name} {value}" for name, value in about["sgld"].items()),
        plain="" if run.options.objective.generative else PLAIN.rstrip("\n"),
        recipe="".join(f"--{name}={value}\n" for name, value in recipe.items()),
    )


def _signature(name, function):
    arguments = ", ".join(inspect.signature(function).parameters)
    also = ", also `serving_default`" if name == "classify" else ""
    doc = inspect.cleandoc(function.__doc__)
    return f"**`{name}`**({arguments}){also}\n\n```\n{doc}\n```\n"


def _measured(run, about):
    """What RUN/results say of these weights, as a table."""
    rows = {}
    try:
        trained = json.loads((run.root / "results" / "train.json").read_text())
        if trained["steps"] == run.step:
            rows = {name: trained.get(name) for name in ("accuracy", "ece")}
    except (OSError, ValueError, KeyError, TypeError):
        pass
    for name in ("calibration", "ood"):
        rows |= _of_these_weights(run, name, about["network_sha256"])
    rows = {name: rows[name] for name in rows if _is_number(rows[name])}
    if not rows:
        return "Nothing yet; `tools/evaluate_calibration.py` does, before an export."
    lines = [f"| {name} | {value:.4f} |" for name, value in rows.items()]
    head = f"On {about['test_images']:,} test images, which training never saw:"
    return "\n".join([head, "", "| | |", "|---|---|", *lines])


def _of_these_weights(run, name, sha256):
    try:
        found = findings.read_findings(run.root, name)
    except InputError:
        return {}
    if not found or found["protocol"].get("network_sha256") != sha256:
        return {}
    if found["protocol"].get("limit"):  # a quick look at a few images
        return {}
    metrics = found["metrics"]
    shown = ["accuracy", "ece", "ece_temperature_scaled"]
    shown += [key for key in metrics if key.startswith("auroc/")]
    shown = [key for key in shown if key.endswith("/log_px") or "/" not in key]
    return {key: metrics.get(key) for key in shown}


def _is_number(value):
    return isinstance(value, int | float) and math.isfinite(value)
