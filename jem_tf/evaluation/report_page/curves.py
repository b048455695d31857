"""The curves of a training run, read from its TensorBoard logs."""

import io
from collections.abc import Iterator, Mapping
from typing import Any

import tensorflow as tf

from jem_tf.figures import training_curves
from jem_tf.runs.run_folder import RunFolder
from jem_tf.system import console

EVENTS = "events.out.tfevents.*"
# {title of a panel: {tag in TensorBoard: what its line is called}}
PANELS = {
    "accuracy": {
        "training/accuracy": "training",
        "validation/val_accuracy": "validation",
    },
    "cross-entropy, nats": {
        "training/cross_entropy": "training",
        "validation/val_nll": "validation",
    },
    "energy E(x), nats": {
        "energies/energy_real": "real",
        "energies/energy_drawn": "drawn",
        "energies/energy_altered": "altered",
    },
    "E(drawn) - E(real), nats": {"energies/energy_gap": "gap"},
}

Series = Mapping[str, Mapping[int, float]]  # {tag: {training step: value}}


def read_scalars(folder: RunFolder) -> dict[str, dict[int, float]]:
    """Reads the scalars of a run's training that PANELS name.

    Of a step that was trained twice, the later value counts. A log that cannot be read
    to its end, as of a run that was killed, gives what comes before.

    Returns:
      {tag: {step: value}}; empty if there are no logs.
    """
    wanted = {tag for lines in PANELS.values() for tag in lines}
    series: dict[str, dict[int, float]] = {}
    for path in sorted(folder.tensorboard.glob(EVENTS)):
        try:
            for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
                event = tf.compat.v1.Event.FromString(record)
                for tag, value in _scalars(event, wanted):
                    series.setdefault(tag, {})[event.step] = value
        except tf.errors.DataLossError:
            console.say(f"{path} ends in the middle of a record; the rest is left out")
    return series


def _scalars(event: Any, wanted: set[str]) -> Iterator[tuple[str, float]]:
    for value in event.summary.value:
        if value.tag in wanted:
            yield value.tag, float(tf.make_ndarray(value.tensor))


def draw_curves(series: Series) -> bytes | None:
    """Draws the curves as a PNG; returns None if there are none."""
    panels = {
        title: {
            name: sorted(series[tag].items())
            for tag, name in lines.items()
            if series.get(tag)
        }
        for title, lines in PANELS.items()
    }
    panels = {title: lines for title, lines in panels.items() if lines}
    if not panels:
        return None
    png = io.BytesIO()
    training_curves.panels(panels, "training step").savefig(png, format="png", dpi=160)
    return png.getvalue()
