"""The model card that stands beside an exported model."""

import inspect
import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from jem_tf.errors import InputError
from jem_tf.evaluation import findings
from jem_tf.options import defining_options
from jem_tf.runs import flagfiles
from jem_tf.runs.loading import TrainedRun

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
are classified correctly:

- temperature {temperature:.4f}: `probabilities` and `confidence` are those of
  logits / temperature, `logits` are raw{bound};
- threshold {threshold:.4f}: `is_ood` says that `log_density` is below it; of these
  images {accepted:.4f} pass (asked for: {accept}).
{caution}
## Signatures

{signatures}

Chains of `sample` start from uniform noise, not from training's replay buffer. Training
used {sampler}.
The clamps are in the graph; a request gives the other numbers.

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
- Trained with `p_x_weight=0`, a plain classifier: nothing taught it log p(x).
"""


def render_card(
    run: TrainedRun, facts: Mapping[str, Any], functions: Mapping[str, Callable]
) -> str:
    """Renders the card, in Markdown.

    Args:
      run: the run that is exported.
      facts: the content of calibration.json.
      functions: {signature: the function}, whose docstrings it quotes.
    """
    height, width, channels = facts["image_shape"]
    names = facts["class_names"]
    recipe = defining_options(run.options)  # without paths on somebody's machine
    return TEXT.format(
        **{
            name: facts[name]
            for name in (
                "network dataset precision images calibrated_on accuracy temperature "
                "threshold accepted accept"
            ).split()
        },
        version=facts["versions"]["jem-tf"],
        step=run.step,
        sha256=facts["network_sha256"],
        height=height,
        width=width,
        channels=channels,
        classes=", ".join(names),
        measured=_measured(run, facts),
        bound=BOUND if facts["temperature_at_bound"] else "",
        caution=SEEN if facts["seen_in_training"] else "",
        signatures="\n".join(_signature(*item) for item in functions.items()),
        sampler=_sampler(facts["sampler"]),
        plain="" if run.options.objective.generative else PLAIN.rstrip("\n"),
        recipe="".join(f"{flagfiles.spell(*item)}\n" for item in recipe.items()),
    )


def _sampler(numbers: Mapping[str, Any]) -> str:
    """ "sgld with steps 20, step_size 1.0, ...", of what is set."""
    rest = {key: numbers[key] for key in numbers if key != "name"}
    shown = [f"{key} {value}" for key, value in rest.items() if value is not None]
    return f"{numbers['name']} with {', '.join(shown)}"


def _signature(name: str, function: Callable) -> str:
    arguments = ", ".join(inspect.signature(function).parameters)
    also = ", also `serving_default`" if name == "classify" else ""
    doc = inspect.cleandoc(function.__doc__ or "")
    return f"**`{name}`**({arguments}){also}\n\n```\n{doc}\n```\n"


def _measured(run: TrainedRun, facts: Mapping[str, Any]) -> str:
    """A table of what RUN/results has of these weights."""
    rows: dict[str, Any] = {}
    try:
        trained = json.loads(run.folder.result("train").read_text())
        if trained["steps"] == run.step:
            rows = {name: trained.get(name) for name in ("accuracy", "ece")}
    except (OSError, ValueError, KeyError, TypeError):
        pass
    for name in ("calibration", "ood"):
        rows |= _of_these_weights(run, name, facts["network_sha256"])
    rows = {name: rows[name] for name in rows if _is_number(rows[name])}
    if not rows:
        return (
            "Nothing yet: run `jem-tf evaluate calibration` and `jem-tf evaluate ood` "
            "before an export."
        )
    lines = [f"| {name} | {value:.4f} |" for name, value in rows.items()]
    head = f"On {facts['test_images']:,} test images, which training never saw:"
    return "\n".join([head, "", "| | |", "|---|---|", *lines])


def _of_these_weights(run: TrainedRun, name: str, sha256: str) -> dict[str, Any]:
    try:
        evaluation = findings.read_findings(run.folder, name)
    except InputError:
        return {}
    if not evaluation or evaluation["protocol"].get("network_sha256") != sha256:
        return {}
    if evaluation["protocol"].get("limit"):  # a quick look at a few images
        return {}
    metrics = evaluation["metrics"]
    shown = ["accuracy", "ece", "ece_temperature_scaled"]
    shown += [key for key in metrics if key.startswith("auroc/")]
    shown = [key for key in shown if key.endswith("/log_px") or "/" not in key]
    return {key: metrics.get(key) for key in shown}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
