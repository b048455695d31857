"""The divergence guard: sees training diverge, and has the run try again.

What a retry changes (`retry_options`) stands in guard.json before anything else
happens, so that a run that is killed after an alarm goes on as it would have. A drift
(`drift`) is no divergence yet: unless `guard_on_drift` says otherwise, it is a warning.
"""

import dataclasses
import json
import math
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

from jem_tf.errors import InputError, argument
from jem_tf.options import FaultTolerance, Options
from jem_tf.system import files
from jem_tf.training import retry_options
from jem_tf.training.drift import Drift

EVENT = ("step", "seen", "back_to", "gave_up", "changes")
WARNING = ("step", "seen", "retries")
MEANING = {
    "gradient_norm": "the weights' gradient",
    "saturation": "a drawn image",
    "energy_gap": "E(drawn) - E(real)",
    "energy_real": "mean E(real)",
    "energy_drawn": "mean E(drawn)",
}


class Alarm(Exception):
    """Training diverged at a step; `seen` says in words what was seen."""

    def __init__(self, step: int, seen: str):
        super().__init__(f"step {step}: {seen}")
        self.step, self.seen = step, seen


class Guard:
    """Watches the readings of every step, and keeps RUN/results/guard.json.

    Args:
      options: the `FaultTolerance` options.
      path: of guard.json, which tells it what happened before this process began.
      images: over how many real images a step's E(real) is a mean; 0: no drift is
        looked for.
      on_drift: called with the warning {"step", "seen", "retries"} of a drift.

    Raises:
      InputError: if guard.json cannot be read, or the run had given up.
    """

    def __init__(
        self,
        options: FaultTolerance,
        path: str | pathlib.Path,
        *,
        images: int = 0,
        on_drift: Callable[[dict[str, Any]], None] | None = None,
    ):
        self.options, self.path = options, pathlib.Path(path)
        self.images, self.on_drift = images, on_drift
        self.streak, self.drift, self.finite = 0, Drift(), True
        self.events: list[dict[str, Any]] = []
        self.warnings: list[dict[str, Any]] = []
        try:
            if self.path.exists():
                record = json.loads(self.path.read_text())
                self.events = _rows(record["events"], EVENT)
                self.warnings = _rows(record.get("warnings", []), WARNING)
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise InputError(
                f"{path} cannot be read ({error}); delete it to forget the run's "
                "retries."
            ) from error
        gave_up = bool(self.events) and self.events[-1]["gave_up"]
        if options.guard and gave_up and self.spent:
            raise InputError(self._describe_end())

    @property
    def retries(self) -> int:
        """How many times the run went back."""
        return sum(not event["gave_up"] for event in self.events)

    @property
    def changes(self) -> dict[str, Any]:
        """{option: value} of what the present retry does other than the user said."""
        tried = [event["changes"] for event in self.events if not event["gave_up"]]
        return tried[-1] if tried else {}

    @property
    def good(self) -> bool:
        """Whether the last step was within all bounds; without a guard, finite."""
        return self.finite and (self.streak == 0 or not self.options.guard)

    def watch(self, step: int, readings: Mapping[str, float]) -> None:
        """Looks at the readings {name: float} of training step `step`.

        Raises:
          Alarm: if one is not finite, or one is out of bounds for too many steps.
        """
        self.finite = all(map(math.isfinite, readings.values()))
        if not self.options.guard:
            return
        for name, value in readings.items():
            if not math.isfinite(value):
                raise Alarm(step, f"{MEANING.get(name, name)} is not finite")
        if readings.get("loss_scale", 1.0) < 1:
            raise Alarm(step, "the weights' gradient overflows float16 at any scale")
        energies = {"energy_real", "energy_drawn"} & set(readings)
        bounds = dict.fromkeys(sorted(energies), self.options.guard_energy)
        bounds |= {"energy_gap": self.options.guard_gap}
        outside = {
            name: f"{MEANING[name]} is {readings[name]:.4g}, beyond +-{bound:g}"
            for name, bound in bounds.items()
            if abs(readings.get(name, 0.0)) > bound
        }
        self.streak = self.streak + 1 if outside else 0
        if self.streak >= self.options.guard_patience and not self._begins(
            step, outside
        ):
            first = next(iter(outside.values()))
            raise Alarm(step, f"{first} for {self.streak} steps")
        if self.images and "energy_gap" in readings:
            self._watch_drift(step, readings)

    def _begins(self, step: int, outside: Mapping[str, str]) -> bool:
        """Whether only the gap is outside, since step 1 and not for too long.

        The chains that begin a run fall into energies that training has not raised
        yet, to a gap of -44 from a sharp classifier. That passes.
        """
        since_start = self.streak == step <= self.options.guard_start
        return since_start and set(outside) == {"energy_gap"}

    def _watch_drift(self, step: int, readings: Mapping[str, float]) -> None:
        options = self.options
        self.drift = self.drift.after(readings["energy_gap"], readings["energy_real"])
        bounds = {"spreads": options.guard_drift, "nats": options.guard_drift_gap}
        seen = self.drift.describe(self.images, **bounds)
        if seen is None:
            return
        if options.guard_on_drift == "retry":  # an earlier process may have warned
            raise Alarm(step, seen)
        if self.drift.seen:
            return
        self.drift = dataclasses.replace(self.drift, seen=True)
        warning = dict(zip(WARNING, (step, seen, self.retries), strict=True))
        if warning not in self.warnings:
            self.warnings.append(warning)
        if self.on_drift:
            self.on_drift(warning)

    def resume(self, streak: int, drift: Mapping[str, Any], *, retries: int) -> None:
        """Goes on from what a checkpoint says of the steps before it.

        Args:
          streak, drift: of its `TrainingState`.
          retries: before it; a retry forgets the averages of the one that drifted.
        """
        self.streak = streak
        self.drift = Drift.from_dict(drift if retries == self.retries else {})

    @property
    def memory(self) -> dict[str, Any]:
        """What a checkpoint keeps of the averages; {} if no drift is looked for."""
        return dataclasses.asdict(self.drift) if self.drift.steps else {}

    @property
    def spent(self) -> bool:
        """Whether no retry is left."""
        return self.retries >= self.options.guard_retries

    @property
    def last_target(self) -> int | None:
        """The step that the last retry went back to; None if there was none."""
        tried = [event["back_to"] for event in self.events if not event["gave_up"]]
        return tried[-1] if tried else None

    def record(
        self, alarm: Alarm, back_to: int | None, opts: Options, *, chief: bool = True
    ) -> dict[str, Any]:
        """Notes an alarm and the retry after it, and returns the event.

        Args:
          alarm: Alarm.
          back_to: the step that the run goes back to; 0 is the start.
          opts: the options the user gave.
          chief: whether this process writes.

        Returns:
          {"step", "seen", "back_to", "gave_up", "changes": {option: value}}.

        Raises:
          InputError: if guard.json cannot be written.
        """
        gives_up = self.spent
        changes = {} if gives_up else retry_options.changes(opts, self.changes)
        event = (alarm.step, alarm.seen, back_to, gives_up, changes)
        self.events.append(dict(zip(EVENT, event, strict=True)))
        self.streak, self.drift = 0, Drift()
        if chief:
            self.write()
        return self.events[-1]

    def describe(self, spell: Callable[[str, Any], str] = "{}={}".format) -> str:
        """Describes the last event in a line for the log.

        Args:
          spell: (option, value) -> how the line has a change; a program spells flags.

        Raises:
          InputError: if it was to give up.
        """
        last = self.events[-1]
        if last["gave_up"]:
            raise InputError(self._describe_end())
        spelt = " ".join(spell(*change) for change in last["changes"].items())
        return (
            f"diverged at step {last['step']}: {last['seen']}; retry {self.retries} of "
            f"{self.options.guard_retries} from step {last['back_to']} with {spelt}"
        )

    def write(self) -> None:
        """Writes guard.json.

        Raises:
          InputError: if it cannot be written.
        """
        record = {"retries": self.retries, "events": self.events}
        if self.warnings:
            record["warnings"] = self.warnings
        try:
            files.write_json(self.path, record)
        except OSError as error:
            raise InputError(
                f"{self.path} cannot be written ({error.strerror}); make room and give "
                "the same command again."
            ) from error

    def _describe_end(self) -> str:
        last = self.events[-1]
        clamps = f"{argument('score_clamp', 1)} {argument('range_clamp', 1)}"
        return (
            f"Training diverged at step {last['step']} ({last['seen']}), and "
            f"{argument('guard_retries', self.options.guard_retries)} are spent; lower "
            f"{argument('learning_rate')}, raise {argument('sampler_steps')} or "
            f"{argument('energy_l2')}, or clamp with {clamps} in another "
            f"{argument('workdir')}, or raise {argument('guard_retries')} to go on in "
            "this one."
        )


def _rows(events: Any, keys: tuple[str, ...]) -> list[dict[str, Any]]:
    return [{key: event[key] for key in keys} for event in events]


def describe_drift(warning: Mapping[str, Any]) -> str:
    """Describes the warning of a drift in a line for the log."""
    return (
        f"warning: at step {warning['step']} the sampler falls behind: "
        f"{warning['seen']}; samples may decay, and a lower learning rate or more "
        "sampler steps may help"
    )
