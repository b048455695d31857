"""Export of a trained run as a SavedModel, in TensorFlow Serving's layout.

BASE/1/saved_model.pb, variables/       the network, and what the score of `is_ood` was
                                        fitted to: no buffer, no optimiser
BASE/1/assets.extra/calibration.json    temperature, threshold and how they were fitted
BASE/1/README.md                        the model card

The graph has plain TensorFlow operations only: servers are built without XLA.
"""

import json
import pathlib
from collections.abc import Callable

import keras
import tensorflow as tf

from jem_tf.datasets import Dataset
from jem_tf.errors import InputError, argument, whole_number
from jem_tf.evaluation import findings
from jem_tf.runs import build, loading, pretrained_models
from jem_tf.runs.loading import TrainedRun
from jem_tf.serving import model_card, run_calibration
from jem_tf.serving.signatures import Served
from jem_tf.system import files

MOST_VERSIONS = 2**63  # TensorFlow Serving counts them in int64
CALIBRATION = "assets.extra/calibration.json"  # servers do not read it
Signatures = dict[str, tuple[Callable, list[tf.TensorSpec]]]


def export_run(
    run: TrainedRun,
    data: Dataset | None = None,
    base: str | pathlib.Path | None = None,
    *,
    number: int | None = None,
    accept: float = 0.95,
    precision: str = "float32",
    ood_score: str = "auto",
) -> pathlib.Path:
    """Writes the folder BASE/<number>, whole or not at all.

    Args:
      run: the run to export.
      data: its data set; the model is calibrated on the validation images. None: the
        calibration of a packed run is taken, and `accept`, `precision` and `ood_score`
        are its own.
      base: folder of the versions, which is made if need be; None: RUN/export, or
        InputError of a pretrained model.
      number: version of the model, at least 0; servers take the highest. None: one
        above the highest there, or 1 for the first (Triton has no version 0).
      accept: in (0, 1], the share of validation images that `is_ood` lets pass.
      precision: a Keras dtype policy to compute in.
      ood_score: the score that `is_ood` goes by, one of `ood_scores.SCORES`; "auto":
        see `served_score.choose`. A score that takes a gradient makes `classify`
        about three times as slow.

    Returns:
      BASE/<number>.

    Raises:
      InputError: if BASE/<number> exists already or cannot be written, if `number` or
        `accept` is out of range, if there is no such score of this network, or without
        data of a run that is not calibrated.
    """
    if base is None and pretrained_models.is_shipped(run.folder.root):
        raise InputError(
            f"{run.folder.root.name} is a pretrained model, which is not written to; "
            f"give {argument('base', 'FOLDER')}."
        )
    base = files.expand(base or run.folder.exports)
    _new_place(base, number)  # raises if it cannot be
    if data is None:
        scorer, calibration, facts = run_calibration.read_calibrated(
            run, lambda: loading.read_data(run)
        )
    else:
        scorer, calibration, facts = run_calibration.calibrate_run(
            run, data, accept=accept, precision=precision, ood_score=ood_score
        )
    sampler = build.make_sampler(run.options.sampling)
    signatures = Served(scorer, run.class_names, calibration, sampler).signatures()
    functions = {name: function for name, (function, _) in signatures.items()}
    card = model_card.render_card(run, facts, functions)
    while True:
        target = _new_place(base, number)
        try:
            base.mkdir(parents=True, exist_ok=True)
            with files.atomic_folder(target) as part:
                _archive(signatures, part)
                (part / CALIBRATION).parent.mkdir(exist_ok=True)
                files.write_json(part / CALIBRATION, facts)
                files.write_text(part / "README.md", card)
        except (OSError, tf.errors.OpError) as error:
            taken = getattr(error, "errno", None) in files.TAKEN and target.exists()
            if taken and number is None:
                continue
            why = getattr(error, "strerror", None) or type(error).__name__
            raise InputError(
                f"{target} cannot be written ({why}); make room or name another place."
            ) from error
        return target


def list_versions(base: str | pathlib.Path) -> list[int]:
    """Lists the numbers of the models in a folder, ascending."""
    names = (path.name for path in files.expand(base).glob("*"))
    return sorted(int(name) for name in names if name.isdecimal())


def is_already_exported(run: TrainedRun, base: str | pathlib.Path) -> bool:
    """Tells whether the newest model in a folder has this network's weights."""
    versions = list_versions(base)
    try:
        newest = files.expand(base) / str(versions[-1])
        facts = json.loads((newest / CALIBRATION).read_text(encoding="utf-8"))
        return facts["network_sha256"] == findings.weights_sha256(run.model.network)
    except (IndexError, OSError, ValueError, KeyError, TypeError):
        return False


def _new_place(base: pathlib.Path, number: int | None) -> pathlib.Path:
    """Returns the path BASE/<number>, at which nothing exists yet."""
    if number is None:
        number = 1 + max(list_versions(base), default=0)
    try:
        number = whole_number("number", number, 0, MOST_VERSIONS)
    except InputError as error:
        raise InputError(
            f"{argument('number', number)} is no version; give one of 0, 1, 2, ..."
        ) from error
    target = base / str(number)
    if target.exists():
        raise InputError(f"{target} exists already; name another place or number.")
    return target


def _archive(signatures: Signatures, place: pathlib.Path) -> None:
    archive = keras.export.ExportArchive()
    for name, (function, specs) in signatures.items():
        archive.add_endpoint(name, function, specs)
    archive.write_out(str(place), verbose=False)
