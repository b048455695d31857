"""The model card that stands beside an exported model."""

import inspect
import json
import math
import pathlib
import re
from collections.abc import Callable, Mapping
from typing import Any

from jem_tf.datasets import set_names
from jem_tf.errors import InputError
from jem_tf.evaluation import findings, served_score
from jem_tf.options import Objective, defining_options
from jem_tf.runs import flagfiles
from jem_tf.runs.loading import TrainedRun
from jem_tf.system import texts

TEXT = """\
# {network} on {dataset}

A joint energy-based model (Grathwohl et al., ICLR 2020, arXiv 1912.03263), exported by
jem_tf {version}: one network that classifies images, and detects images unlike those
that it was trained on. Step {step} of its training; sha256 of the weights
`{sha256}`;
computes in {precision}.

**Images**: uint8 [N, {height}, {width}, {channels}], 0 to 255; preprocessing is inside.
**Classes**, in the order of `probabilities`: {classes}.

## Measured

{measured}

## Calibrated

On {images:,} images ({calibrated_on}), of which {accuracy:.4f}
are classified correctly:

- temperature {temperature:.4f}: `probabilities` and `confidence` are computed from
  logits / temperature, `logits` are raw{bound};
- `ood_score` is `{ood_score}` ({ood_score_about}),
  {ood_score_chosen}. Higher means more like the training images. What is fitted of it
  was fitted on images of this data set alone, never on outliers;
- threshold {threshold:.4f}: `is_ood` is true if `ood_score` is below it; of these
  images {accepted:.4f} are not below it (requested: {accept}){noise}.
{caution}
## Signatures

{signatures}

Chains of `sample` start from uniform noise, not from training's replay buffer. Training
used {sampler}.
The clamps are in the graph; a request gives the other numbers.

## Limits

- `log_density` is log p(x) up to an unknown constant: compare it within this model
  only.
- `is_ood` detects images with a low `ood_score`. How well it does so was
  measured for the sets under `auroc` above, if any; other images may pass.{density}

## Recipe

`python -m jem_tf.train --flagfile=...` with

```
{recipe}```
"""

SEEN = """
**Warning**: the weights were imported, and the images for the calibration were most
likely seen in training. Temperature and threshold are then too optimistic; calibrate on
images of your own before you rely on them.
"""
BOUND = """
  (**warning**: it is at the bound of the search, as happens with a model that has
  hardly learnt; do not rely on it)"""
# What Markdown reads as more than text; an underscore within a word is none of it.
MARKDOWN = re.compile(r"[\\`*\[\]|~$]|(?<![^\W_])_|_(?![^\W_])")
PLAIN = """
- Trained with `p_x_weight=0`, a plain classifier: nothing taught it log p(x).
"""
LOGISTIC = """
- Trained with `objective=logistic`: `log_density` is then the log-ratio of the
  densities of real images and of drawn ones, plus a constant; it is not log p(x).
"""


def render_card(
    run: TrainedRun, facts: Mapping[str, Any], functions: Mapping[str, Callable]
) -> str:
    """Renders the card, in Markdown.

    Args:
      run: the run that is exported.
      facts: the content of calibration.json.
      functions: {signature: its function}; the card quotes their docstrings.
    """
    height, width, channels = facts["image_shape"]
    names = facts["class_names"]
    recipe = defining_options(run.options)
    if run.folder.calibration.is_file():  # a packed run has other ones than in training
        begun = defining_options(flagfiles.from_flagfile(run.folder.flags_file))
        recipe |= {name: begun[name] for name in ("buffer_size", "ema")}
    # without the user's paths:
    recipe["init"] = pathlib.PurePath(recipe["init"]).name
    recipe["dataset"] = set_names.without_place(recipe["dataset"])
    return TEXT.format(
        **{
            name: facts[name]
            for name in (
                "network precision images accuracy temperature threshold accepted "
                "accept ood_score ood_score_about ood_score_chosen"
            ).split()
        },
        dataset=_as_text(facts["dataset"]),
        calibrated_on=_as_text(facts["calibrated_on"]),
        version=facts["versions"]["jem-tf"],
        step=run.step,
        sha256=facts["network_sha256"],
        height=height,
        width=width,
        channels=channels,
        classes=", ".join(map(_as_text, map(texts.quote, names))),
        measured=_measured(run, facts),
        bound=BOUND if facts["temperature_at_bound"] else "",
        noise=_say_noise(facts.get("noise_is_ood")),
        caution=SEEN if facts["seen_in_training"] else "",
        signatures="\n".join(_signature(*item) for item in functions.items()),
        sampler=_sampler(facts["sampler"]),
        density=_about_density(run.options.objective),
        recipe="".join(f"{flagfiles.spell(*item)}\n" for item in recipe.items()),
    )


def _as_text(text: str) -> str:
    """Markdown that shows a text as it is, whatever signs it has."""
    escaped = MARKDOWN.sub(r"\\\g<0>", text)
    return escaped.replace("&", "&amp;").replace("<", "&lt;")


def _say_noise(share: float | None) -> str:
    """Says how much of uniform noise is_ood is true of, which old runs do not say."""
    if share is None:
        return ""
    if share < served_score.LEAST:
        return f"; **warning**: of uniform noise, {share:.2f} alone is below it"
    return f"; of uniform noise, {share:.2f} is below it"


def _about_density(objective: Objective) -> str:
    """What `log_density` is, where it is not log p(x)."""
    if not objective.generative:
        return PLAIN.rstrip("\n")
    return LOGISTIC.rstrip("\n") if objective.objective == "logistic" else ""


def _sampler(numbers: Mapping[str, Any]) -> str:
    """Describes a sampler by its numbers: "sgld with steps 20, step_size 1.0, ..."."""
    rest = {key: numbers[key] for key in numbers if key != "name"}
    shown = [f"{key} {value}" for key, value in rest.items() if value is not None]
    return f"{numbers['name']} with {', '.join(shown)}"


def _signature(name: str, function: Callable) -> str:
    arguments = ", ".join(inspect.signature(function).parameters)
    also = ", also `serving_default`" if name == "classify" else ""
    doc = inspect.cleandoc(function.__doc__ or "")
    return f"**`{name}`**({arguments}){also}\n\n```\n{doc}\n```\n"


def _measured(run: TrainedRun, facts: Mapping[str, Any]) -> str:
    """A table of the numbers in RUN/results that were measured on these weights."""
    rows: dict[str, Any] = {}
    try:
        trained = json.loads(run.folder.result("train").read_text())
        if trained["steps"] == run.step:
            rows = {name: trained.get(name) for name in ("accuracy", "ece")}
    except (OSError, ValueError, KeyError, TypeError):
        pass
    for name in ("calibration", "ood"):
        rows |= _of_these_weights(
            run, name, facts["network_sha256"], facts["ood_score"]
        )
    rows = {name: rows[name] for name in rows if _is_number(rows[name])}
    if not rows:
        return (
            "Nothing yet: run `jem-tf evaluate calibration` and `jem-tf evaluate ood` "
            "before an export."
        )
    lines = [f"| {name} | {value:.4f} |" for name, value in rows.items()]
    source = facts.get("test_split", "the test split")
    head = f"On {facts['test_images']:,} test images ({source}), "
    head += "which training never saw:"
    return "\n".join([head, "", "| | |", "|---|---|", *lines])


def _of_these_weights(
    run: TrainedRun, name: str, sha256: str, score: str
) -> dict[str, Any]:
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
    served, half = ("log_px", score), evaluation["protocol"].get("half", "all")
    shown = [key for key in shown if key.split("/")[-1] in served or "/" not in key]
    note = "" if half == "all" else f" ({half} half of the set)"
    return {key + note * ("/" in key): metrics[key] for key in shown if key in metrics}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
