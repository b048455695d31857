"""A trained run as a SavedModel that servers take, in TensorFlow Serving's layout.

BASE/1/saved_model.pb, variables/       the network alone: no buffer, no optimiser
BASE/1/assets.extra/calibration.json    temperature and threshold, and where from
BASE/1/README.md                        its model card

The graph has plain TensorFlow operations only: servers are built without XLA.
"""

import json
import pathlib

import keras
import tensorflow as tf

from jem_tf.energy_model import EnergyModel
from jem_tf.errors import InputError
from jem_tf.evaluation import findings
from jem_tf.runs import build, loading
from jem_tf.serving import model_card, operating_point, signatures
from jem_tf.system import files

CALIBRATION = "assets.extra/calibration.json"  # of which servers know nothing


def write(run, data, base=None, *, number=None, accept=0.95, precision="float32"):
    """Writes BASE/<number>, whole or not at all.

    Args:
      run: trained.Trained.
      data: its datasets.Dataset; on the validation images the model is calibrated.
      base: a folder, which is made; RUN/export if None.
      number: version of the model, which servers take the highest of; one above those
        there if None, the first being 1 (Triton knows no 0).
      accept: in (0, 1], the share of validation images that `is_ood` lets pass.
      precision: a Keras dtype policy to compute in.

    Returns:
      pathlib.Path, BASE/<number>.

    Raises:
      InputError: if it is there already or cannot be written, or `number` is none or
        `accept` no share.
    """
    base = pathlib.Path(base or run.root / "export")
    if number is None:
        number = 1 + max(versions(base), default=0)
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        raise InputError(f"--number={number}: servers know 0, 1, 2, ...; give one.")
    target = base / str(number)
    if target.exists():
        raise InputError(f"{target} exists already; name another place or number.")
    model = EnergyModel(_plain(run, precision))
    calibration = operating_point.calibrate(model, data.validation, accept)
    signatures = _signatures(run, model, calibration)
    about = _about(run, data, calibration, precision)
    try:
        base.mkdir(parents=True, exist_ok=True)
        with files.atomic_folder(target) as part:
            _archive(signatures, part)
            (part / CALIBRATION).parent.mkdir(exist_ok=True)
            files.write_json(part / CALIBRATION, about)
            functions = {name: function for name, (function, _) in signatures.items()}
            files.write_text(part / "README.md", model_card.text(run, about, functions))
    except (OSError, tf.errors.OpError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise InputError(
            f"{target} cannot be written ({why}); make room or name another place."
        ) from error
    return target


def versions(base):
    """The numbers of the models in a folder, ascending."""
    names = (path.name for path in pathlib.Path(base).glob("*"))
    return sorted(int(name) for name in names if name.isdecimal())


def is_newest(run, base):
    """Whether the newest model in a folder is of this network's weights."""
    found = versions(base)
    try:
        about = json.loads((base / str(found[-1]) / CALIBRATION).read_text())
        return about["network_sha256"] == findings.weights_sha256(run.model.network)
    except (IndexError, OSError, ValueError, KeyError, TypeError):
        return False


def _plain(run, precision):
    shape = tuple(run.model.network.input_shape[1:])
    network = build.make_network(
        run.options, shape, len(run.class_names), precision=precision, fused=False
    )
    network.set_weights(run.model.network.get_weights())
    return network


def _signatures(run, model, calibration):
    sampling = run.options.sampling
    return signatures.Served(
        model,
        run.class_names,
        calibration,
        gradient_clamp=sampling.score_clamp or None,
        range_clamp=sampling.range_clamp or None,
    ).signatures()


def _archive(signatures, place):
    archive = keras.export.ExportArchive()
    for name, (function, specs) in signatures.items():
        archive.add_endpoint(name, function, specs)
    archive.write_out(str(place), verbose=False)


def _about(run, data, calibration, precision):
    """What stands in calibration.json; the same whenever and wherever it is made."""
    sampling = run.options.sampling
    about = findings.provenance(run, data) | calibration._asdict() | {"precision": precision}
    del about["run"]
    return about | {
        "calibrated_on": f"{run.options.data.dataset}, the validation images",
        "seen_in_training": loading.imported(run.root),
        "class_names": list(run.class_names),
        "image_shape": list(run.model.network.input_shape[1:]),
        "sgld": {
            "steps": sampling.sampler_steps,
            "step_size": sampling.step_size,
            "noise": sampling.step_noise,
            "gradient_clamp": sampling.score_clamp,
            "range_clamp": sampling.range_clamp,
        },
    }
