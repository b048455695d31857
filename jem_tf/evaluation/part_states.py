"""What is measured of a run, part by part, so that an evaluation can go on.

RUN/results/all.json   {"format", "parts": {part: PartState}}, written after each part
"""

import hashlib
import json
import platform
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from jem_tf.errors import InputError
from jem_tf.runs.run_folder import RunFolder
from jem_tf.system import files

NAME, FORMAT = "all", 2  # 1 did not note checkpoints
MEASURED, NOT_MEASURED = "measured", "not measured: "
MACHINE = platform.node()


class Conditions(NamedTuple):
    """What a part's numbers depend on; where it changes, they are measured again.

    argv: flags of the part's command, without the run's folder.
    step: of the run's checkpoint.
    baseline_step: of the checkpoint of the run that argv compares with; None without.
    absent: what argv asks for and is not on the disk, such as sets of outliers.
    checkpoint, baseline_checkpoint: sha256 of the state.json of these checkpoints, by
      which a training is known; "" in files of earlier versions.
    """

    argv: tuple[str, ...]
    step: int
    baseline_step: int | None = None
    absent: tuple[str, ...] = ()
    checkpoint: str = ""
    baseline_checkpoint: str = ""


class PartState(NamedTuple):
    """What became of a part.

    conditions: Conditions.
    outcome: MEASURED, or NOT_MEASURED and a sentence that says why.
    seconds: how long it took.
    sha256: of its results' file; "" if it was not measured.
    machine: the name of the machine that it took so long on.
    """

    conditions: Conditions
    outcome: str
    seconds: float
    sha256: str = ""
    machine: str = MACHINE

    @property
    def measured(self) -> bool:
        """Whether there are numbers."""
        return self.outcome == MEASURED

    @property
    def reason(self) -> str:
        """The sentence that says why there are no numbers; "" if there are."""
        return self.outcome.removeprefix(NOT_MEASURED) * (not self.measured)


def read_states(folder: RunFolder) -> dict[str, PartState]:
    """Reads {part: PartState}; {} if nothing is measured yet.

    Raises:
      InputError: if the file cannot be read, or is of a newer format.
    """
    path = folder.result(NAME)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] > FORMAT:
            raise InputError(
                f"{path} is of format {content['format']}, and this jem_tf reads "
                f"{FORMAT}; upgrade jem_tf."
            )
        return {name: _from_json(part) for name, part in content["parts"].items()}
    except FileNotFoundError:
        return {}
    except InputError:
        raise
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} cannot be read; remove it, and all parts are measured again."
        ) from error


def write_state(folder: RunFolder, name: str, state: PartState) -> None:
    """Writes what became of a part beside what is known of the others, atomically.

    Raises:
      InputError: as `read_states` does.
      OSError: if the run cannot be written.
    """
    states = read_states(folder) | {name: state}
    parts = {
        part: values._asdict() | {"conditions": values.conditions._asdict()}
        for part, values in states.items()
    }
    folder.results.mkdir(exist_ok=True)
    files.write_json(folder.result(NAME), {"format": FORMAT, "parts": parts})


def is_done(
    folder: RunFolder,
    result: str,
    state: PartState | None,
    accepted: Iterable[Conditions],
) -> bool:
    """Tells whether a part's results are there, of this checkpoint and command line.

    Results that another command has written since then are not the part's.

    Args:
      folder: of the run.
      result: name of the part's results.
      state: what became of the part; None if nothing yet.
      accepted: conditions that its numbers may have been measured under.
    """
    if state is None or not state.measured:
        return False
    if not state.conditions.checkpoint:  # an earlier version did not note it
        accepted = (
            one._replace(checkpoint="", baseline_checkpoint="") for one in accepted
        )
    if state.conditions not in accepted:
        return False
    return state.sha256 == digest_result(folder, result)


def digest_result(folder: RunFolder, result: str) -> str:
    """The sha256 of a results' file; "" if there is none."""
    try:
        return hashlib.sha256(folder.result(result).read_bytes()).hexdigest()
    except FileNotFoundError:
        return ""


def list_unmeasured(folder: RunFolder) -> dict[str, str]:
    """Lists what an evaluation of all could not measure: {what: sentence}.

    They are parts, and what parts were asked for and is not on the disk.

    Raises:
      InputError: as `read_states` does.
    """
    listed: dict[str, str] = {}
    for name, state in read_states(folder).items():
        if not state.measured:
            listed[name] = state.reason
        absent = state.conditions.absent
        listed |= {f"{name}: {what}": "it is not on the disk" for what in absent}
    return listed


def _from_json(part: Mapping[str, Any]) -> PartState:
    conditions = dict(part["conditions"])
    for name in ("argv", "absent"):
        conditions[name] = tuple(conditions[name])
    return PartState(**{**part, "conditions": Conditions(**conditions)})
