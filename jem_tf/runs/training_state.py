"""The state of training, which a checkpoint keeps beside the model."""

import dataclasses
import json
import zlib
from typing import Any

FORMAT = 1  # of a checkpoint; a newer one is refused


class NewerFormat(ValueError):
    """The checkpoint was written by a newer jem_tf."""

    def __init__(self, version: int):
        super().__init__(f"it has format {version}, newer than this jem_tf's {FORMAT}")


@dataclasses.dataclass(frozen=True)
class TrainingState:
    """The state of a run after a training step.

    step: how many training steps were taken.
    seed: the seed of the present retry.
    retries: how often the run went back to a checkpoint because it had diverged.
    changes: {option: value}, the options that this retry changed.
    good: whether all readings were within the guard's bounds; without one, finite.
    val_accuracy: accuracy on the validation split, if this step measured it, else None.
    streak: for how many steps in a row a reading was outside the guard's bounds.
    drift: {name: value} of what the guard's drift detector remembers; {} if nothing.
    seconds: training time so far, over all processes that continued the run.
    sums: {reading: its sum over the steps of the unfinished epoch}.
    count: how many steps of the unfinished epoch were taken.
    model_facts: {name: value}, facts in which a model must agree to be restored.
    replicas: how many replicas have a shard of the buffer.
    processes: how many files the buffer's shards are in.
    """

    step: int
    seed: int = 0
    retries: int = 0
    changes: dict[str, Any] = dataclasses.field(default_factory=dict)
    good: bool = True
    val_accuracy: float | None = None
    streak: int = 0
    drift: dict[str, Any] = dataclasses.field(default_factory=dict)
    seconds: float = 0.0
    sums: dict[str, float] = dataclasses.field(default_factory=dict)
    count: int = 0
    model_facts: dict[str, Any] = dataclasses.field(default_factory=dict)
    replicas: int = 1
    processes: int = 0

    def to_json(self) -> str:
        """Writes the state with format and checksum."""
        values = dataclasses.asdict(self) | {"format": FORMAT}
        if not self.drift:
            del values["drift"]  # as before there was a detector
        values["about"] = values.pop("model_facts")  # its name in format 1
        return json.dumps(values | {"crc32": _crc32(values)})

    @classmethod
    def from_json(cls, text: str) -> "TrainingState":
        """Reads what `to_json` wrote.

        Raises:
          NewerFormat: if a newer jem_tf wrote it.
          ValueError, LookupError, TypeError: if it does not match its checksum, or is
            no such state.
        """
        values = json.loads(text)
        if not isinstance(values, dict):
            raise ValueError("state.json holds no JSON object")
        crc32, version = values.pop("crc32", None), values["format"]
        if version > FORMAT:
            raise NewerFormat(version)
        if crc32 != _crc32(values):
            raise ValueError("state.json does not match its checksum")
        values["model_facts"] = values.pop("about")
        names = {field.name for field in dataclasses.fields(cls)}
        return cls(**{name: values[name] for name in values if name in names})


def _crc32(values: dict[str, Any]) -> int:
    return zlib.crc32(json.dumps(values, sort_keys=True).encode())
