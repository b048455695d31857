"""Calibrates a trained run for use: the scores that it has, temperature and threshold.

An export and a packed run keep the outcome as calibration.json.
"""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

import keras

from jem_tf import ood_scores
from jem_tf.datasets import Dataset, set_names
from jem_tf.energy_model import EnergyModel
from jem_tf.errors import InputError, argument
from jem_tf.evaluation import findings, fitted_scores, served_score
from jem_tf.evaluation.scorer import Scorer
from jem_tf.options import PRECISIONS
from jem_tf.runs import build, initial_weights, loading
from jem_tf.runs.loading import TrainedRun
from jem_tf.runs.run_folder import RunFolder
from jem_tf.serving import served_calibration
from jem_tf.serving.served_calibration import Calibration
from jem_tf.system import console, files


def calibrate_run(
    run: TrainedRun,
    data: Dataset,
    *,
    accept: float = 0.95,
    precision: str = "float32",
    ood_score: str = "auto",
) -> tuple[Scorer, Calibration, dict[str, Any]]:
    """Calibrates a run on its validation images.

    Args:
      run: the run.
      data: its data set.
      accept, ood_score: as in `exporting.export_run`.
      precision: a Keras dtype policy to compute in.

    Returns:
      (scorer of the network in this precision, with the state of the score that is_ood
      goes by; Calibration; the content of calibration.json, without dates or paths).

    Raises:
      InputError: if `accept` or `precision` is out of range, or the network has no
        such score.
    """
    loading.check_precision(precision)
    scorer = _make_scorer(run, precision)

    def attach(names):
        fitted_scores.attach(scorer, names, run, data, precision=precision)

    if ood_score == "auto":
        served_calibration.check_accept(accept)
        images = data.validation.images
        score, chosen = served_score.choose(scorer, images, attach, accept)
    else:
        _check_score(scorer, ood_score)
        score, chosen = ood_score, "which was asked for"
        attach([score])
    calibration = served_calibration.calibrate(
        scorer, data.validation, accept, ood_score=score
    )
    facts = _describe(run, data, calibration, precision)
    if scorer.initial is not None:
        facts["initial_sha256"] = findings.weights_sha256(scorer.initial)
    facts |= {
        "ood_score_about": ood_scores.SCORES[score].about,
        "ood_score_chosen": chosen,
        "noise_is_ood": _check_noise(scorer, calibration, data.validation.images),
    }
    return scorer, calibration, facts


def write_calibration(folder: RunFolder, facts: Mapping[str, Any]) -> None:
    """Writes RUN/calibration.json.

    Raises:
      OSError: if it cannot be written.
    """
    files.write_json(folder.calibration, facts)


def read_calibrated(
    run: TrainedRun, data: Callable[[], Dataset]
) -> tuple[Scorer, Calibration, dict[str, Any]]:
    """Reads how a packed run was calibrated.

    Args:
      run: the packed run.
      data: loads its data set; called only if the score that is_ood goes by is fitted
        to training images, and the run does not hold what it was fitted to.

    Returns:
      As of `calibrate_run`.

    Raises:
      InputError: if it is not calibrated, or for other weights, or as `data` does.
    """
    calibration, facts = read_calibration(run.folder)
    if facts["network_sha256"] != findings.weights_sha256(run.model.network):
        raise InputError(
            f"{run.folder.calibration} is of other weights than the newest checkpoint "
            "beside it; take the whole folder from where it was packed."
        )
    precision = facts["precision"]
    scorer = _make_scorer(run, precision)
    _check_initial(scorer, run.folder, facts)
    names = [calibration.ood_score]
    fitted_scores.attach(scorer, names, run, data, precision=precision)
    return scorer, calibration, facts


def read_calibration(folder: RunFolder) -> tuple[Calibration, dict[str, Any]]:
    """Reads RUN/calibration.json: (Calibration, all that it holds).

    Raises:
      InputError: if there is none, or it is no calibration.
    """
    path = folder.calibration
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        known = Calibration(**{name: facts[name] for name in Calibration._fields})
        _check_content(known, facts)
        return known, facts
    except FileNotFoundError as error:
        raise InputError(
            f"{folder} is not calibrated; pack it by jem-tf pack, and name that folder."
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} cannot be read as a calibration: {error}") from error


def _check_content(calibration: Calibration, facts: Mapping[str, Any]) -> None:
    """Raises ValueError, KeyError or TypeError unless it can be served."""
    if not (math.isfinite(calibration.temperature) and calibration.temperature > 0):
        raise ValueError(f"its temperature is {calibration.temperature}")
    if not math.isfinite(calibration.threshold):
        raise ValueError(f"its threshold is {calibration.threshold}")
    for value, known in (
        (calibration.ood_score, ood_scores.SCORES),
        (facts["precision"], PRECISIONS),
    ):
        if value not in known:
            raise ValueError(
                f"it has {value}, which this version does not know; go on with the one "
                "that wrote it"
            )
    for name in ("network_sha256", "class_names", "image_shape"):
        facts[name]


def _check_initial(scorer: Scorer, folder: RunFolder, facts: Mapping[str, Any]) -> None:
    """Raises InputError unless the classifier it began with is that of the threshold.

    A calibration of an earlier version does not say which it was.
    """
    if not facts["ood_score"].startswith("initial_"):
        return
    found = scorer.initial and findings.weights_sha256(scorer.initial)
    if not found or found != facts.get("initial_sha256", found):
        raise InputError(
            f"{folder.initial_classifier} is missing or of other weights than "
            f"{folder.calibration.name} beside it; take the whole folder from where it "
            "was packed."
        )


def _make_scorer(run: TrainedRun, precision: str) -> Scorer:
    return Scorer(
        EnergyModel(_plain_network(run, precision)),
        initial=initial_weights.classifier_of(run, precision=precision, fused=False),
    )


def _check_score(scorer: Scorer, name: str) -> None:
    """Raises InputError if there is no such score, or the network cannot have it."""
    if name not in ood_scores.SCORES:
        raise InputError(
            f"{argument('ood_score', name)} is no score; choose auto or one of "
            f"{', '.join(ood_scores.SCORES)}."
        )
    scorer.check([name])


def _check_noise(scorer: Scorer, calibration: Calibration, images: Any) -> float:
    """Returns the share of uniform noise that is_ood is true of; tells if it is small.

    Args:
      scorer: with the state of the score.
      calibration: has the score and its threshold.
      images: of the shape that the noise is to have.
    """
    name = calibration.ood_score
    share = served_score.share_of_noise(scorer, name, calibration.threshold, images)
    if share < served_score.LEAST:
        console.say(
            f"mind: is_ood goes by {name}, which takes {1 - share:.0%} of uniform "
            "noise for images like those of training; choose another "
            f"{argument('ood_score')}, or a smaller {argument('accept')}"
        )
    return share


def _plain_network(run: TrainedRun, precision: str) -> keras.Model:
    shape = tuple(run.model.network.input_shape[1:])
    network = build.make_network(
        run.options, shape, len(run.class_names), precision=precision, fused=False
    )
    network.set_weights(run.model.network.get_weights())
    return network


def _describe(
    run: TrainedRun, data: Dataset, calibration: Calibration, precision: str
) -> dict[str, Any]:
    """The content of calibration.json, which has no dates or paths."""
    sampling = run.options.sampling
    facts = findings.provenance(run, data) | calibration._asdict()
    del facts["run"]
    name = set_names.without_place(run.options.data.dataset)
    return facts | {
        "precision": precision,
        "dataset": name,
        "calibrated_on": f"{name}, the validation images",
        "seen_in_training": run.folder.is_imported,
        "class_names": list(run.class_names),
        "image_shape": list(run.model.network.input_shape[1:]),
        "sampler": {"name": sampling.sampler, **build.make_sampler(sampling).keywords},
    }
