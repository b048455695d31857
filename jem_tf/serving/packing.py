"""Packs a trained run into a small folder, to keep, to send, or to ship with a package.

The folder is a run: every command reads it, but no training goes on from it. It holds
weights and chains in few bits (`runs.packed_checkpoint`), the plain classifier that
training began with if there was one, the options, and a calibration of the packed
weights. The results of the whole run are not in it, since its weights are others.
"""

import pathlib
import shutil

import numpy as np

from jem_tf import ood_scores
from jem_tf.datasets import Dataset, set_names
from jem_tf.errors import InputError, argument
from jem_tf.options import flatten, replace
from jem_tf.runs import (
    checkpoint_files,
    checkpoint_manager,
    flagfiles,
    int8_weights,
    loading,
    packed_checkpoint,
)
from jem_tf.runs.loading import TrainedRun
from jem_tf.runs.run_folder import RunFolder, not_a_run
from jem_tf.runs.training_state import TrainingState
from jem_tf.serving import run_calibration
from jem_tf.system import files

CHAINS = 300


def pack_run(
    run: TrainedRun,
    data: Dataset,
    place: str | pathlib.Path,
    *,
    chains: int = CHAINS,
    weights: str = "float16",
    accept: float = 0.95,
    ood_score: str = "auto",
) -> pathlib.Path:
    """Writes a packed run, whole or not at all.

    Args:
      run: the run to pack.
      data: its data set; the packed weights are calibrated on the validation images.
      place: folder to write, which is empty or does not exist.
      chains: how many of the buffer's chains to keep, see
        `packed_checkpoint.choose_slots`.
      weights: type to round weights to, one of `packed_checkpoint.TYPES`. float16
        halves the file, and moves logits by about a thousandth; the classifier that
        training began with, which only scores outliers, then has `int8_weights`.
      accept: in (0, 1], the share of validation images that count as known.
      ood_score: the score that says so, as in `exporting.export_run`.

    Returns:
      The folder.

    Raises:
      InputError: if the folder holds something or cannot be written, `accept` or
        `chains` is out of range, or a weight is too large for its type.
    """
    root = files.expand(place)
    if not files.is_free(root):
        raise InputError(f"{argument('place', place)} holds something; name another.")
    try:
        with files.atomic_folder(root) as part:
            _write_run(run, RunFolder(part), chains, weights)
            packed = loading.read_run(part)
            _, _, facts = run_calibration.calibrate_run(
                packed, data, accept=accept, ood_score=ood_score
            )
            run_calibration.write_calibration(packed.folder, facts)
            if not ood_scores.SCORES[facts["ood_score"]].fit:  # of one that was tried
                shutil.rmtree(packed.folder.fitted, ignore_errors=True)
    except OSError as error:
        raise InputError(
            f"{argument('place', place)} cannot be written ({error.strerror}); make "
            "room or name another."
        ) from error
    return root


def _write_run(run: TrainedRun, folder: RunFolder, chains: int, weights: str) -> None:
    description = run.folder.read_description()
    if description is None:
        raise not_a_run(run.folder.root)
    begun = flatten(flagfiles.from_flagfile(run.folder.flags_file))
    now = flatten(run.options)
    own = {  # without the places of this machine
        "data_dir": "",
        "init": pathlib.PurePath(run.options.network.init).name,
        "dataset": set_names.without_place(run.options.data.dataset),
    }
    changed = [name for name in now if now[name] != begun[name] and name not in own]
    changes = {name: now[name] for name in changed}
    slots, changes["ema"] = np.arange(0), 0.0  # the model has the averages
    if run.model.buffer is not None:
        slots = packed_checkpoint.choose_slots(run.model.buffer, chains)
        changes["buffer_size"] = len(slots)
    options = replace(run.options, begun | own)
    files.write_text(folder.flags_file, flagfiles.to_flagfile(options))
    folder.describe_data(description._replace(place=""))
    if run.folder.is_imported:  # then its validation images were trained on
        folder.results.mkdir()
        shutil.copyfile(run.folder.import_file, folder.import_file)
    if run.folder.initial_classifier.is_file():
        _pack_classifier(run.folder.initial_classifier, folder, weights)
    checkpoint = checkpoint_files.path_of(folder.checkpoints, run.step)
    checkpoint.mkdir(parents=True)
    packed_checkpoint.write(checkpoint, run.model, slots, weights)
    facts = checkpoint_manager.model_facts(
        options, description.image_shape, len(description.class_names)
    )
    facts |= packed_checkpoint.NO_OPTIMIZER
    state = TrainingState(step=run.step, changes=changes, model_facts=facts)
    checkpoint_files.write_state(checkpoint, state)


def _pack_classifier(path: pathlib.Path, folder: RunFolder, weights: str) -> None:
    if weights == "float32":
        shutil.copyfile(path, folder.initial_classifier)
    else:
        int8_weights.write(folder.initial_classifier, int8_weights.read(path))
