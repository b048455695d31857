"""The state of fitted scores: fitted on a run's images, and kept with the run.

RUN/fitted_scores/<precision>.npz has the arrays and, as `key`, the weights and images
that they belong to. A file of other weights or images is fitted again.
"""

import hashlib
import json
import pathlib
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jem_tf import ood_scores
from jem_tf.datasets import Dataset, Split, few_labels
from jem_tf.evaluation import findings
from jem_tf.evaluation.reference import take_evenly
from jem_tf.evaluation.scorer import Scorer
from jem_tf.ood_scores.interface import HIDDEN, Known, Labelled
from jem_tf.runs import pretrained_models
from jem_tf.runs.loading import TrainedRun
from jem_tf.system import console, files

FORMAT = 3  # of a file; one of another format is fitted again
MOST_IMAGES = 10_000  # training images that scores are fitted on
State = dict[str, np.ndarray]


def attach(
    scorer: Scorer,
    names: Sequence[str],
    run: TrainedRun,
    data: Dataset | Callable[[], Dataset],
    *,
    precision: str,
) -> Scorer:
    """Gives a scorer the state of the scores called `names`, and returns it.

    The state is read from the run, or fitted and kept there, unless the run came with
    the package, or is packed and goes by what it holds. Training labels that the run
    did not know (`labels_per_class`) are hidden from the scores too.

    Args:
      scorer: of the run's network.
      names: of the scores.
      run: the run.
      data: its data set, or a function that loads it if it is needed.
      precision: the Keras dtype policy that the network computes in.

    Raises:
      InputError: if the network cannot have these scores, or as `data` does.
    """
    scorer.check(names)
    wanted = [n for n in ood_scores.with_parts(names) if ood_scores.SCORES[n].fit]
    if not wanted:
        scorer.state = {}
        return scorer
    folder, labels_per_class = run.folder, run.options.data.labels_per_class
    path = folder.fitted_scores(precision)
    key = {
        "format": FORMAT,
        "network_sha256": findings.weights_sha256(scorer.model.network),
    }
    if scorer.initial is not None:
        key["initial_sha256"] = findings.weights_sha256(scorer.initial)
    if not callable(data):
        data = hide_labels(data, labels_per_class)
        key["images_sha256"] = images_sha256(data)
    before, state = read_state(path, key)
    if not set(wanted) <= set(before):
        if callable(data):
            data = hide_labels(data(), labels_per_class)
        key["images_sha256"] = images_sha256(data)
        fitted = ood_scores.with_parts([*wanted, *before])
        state = fit_scores(scorer, fitted, data)
        own = folder.calibration.is_file() and path.is_file()
        if not (own or pretrained_models.is_shipped(folder.root)):
            _keep(path, key | {"scores": fitted}, state)
    scorer.state = {n: x for n, x in state.items() if n.split("/")[0] in wanted}
    return scorer


def fit_scores(scorer: Scorer, names: Sequence[str], data: Dataset) -> State:
    """Fits scores on training and validation images of a data set.

    Args:
      scorer: computes what the scores are fitted on; its state is not used.
      names: of the scores.
      data: MOST_IMAGES of the training images, evenly over the classes, and all
        validation images are used.

    Returns:
      The state, as of `ood_scores.fit`.
    """
    names = ood_scores.with_parts(names)
    splits = {"train": choose_images(data.train), "validation": data.validation}
    known: dict[str, Any] = {}
    for name, (images, labels) in splits.items():
        own = [n for n in names if ood_scores.SCORES[n].on == name]
        if own:
            outputs = scorer.outputs(images, own, progress=f"{name} images, for scores")
            known[name] = Labelled(outputs, np.asarray(labels))
    if scorer.head is not None:
        known["kernel"], known["bias"] = scorer.head.kernel_and_bias()
    if scorer.initial_head is not None:
        head = scorer.initial_head.kernel_and_bias()
        known["initial_kernel"], known["initial_bias"] = head
    return ood_scores.fit(Known(**known), names)


def hide_labels(data: Dataset, labels_per_class: int) -> Dataset:
    """Makes -1 of the training labels that a run did not know; see `few_labels`."""
    if not labels_per_class:
        return data
    known = few_labels.find_labelled(data, labels_per_class).numpy()
    labels = np.full_like(data.train.labels, HIDDEN)
    labels[known] = np.asarray(data.train.labels)[known]
    return data._replace(train=Split(data.train.images, labels))


def choose_images(split: Split, count: int = MOST_IMAGES) -> Split:
    """Takes `count` images at most, of each class its share, in the split's order.

    Images whose labels are hidden come after the others.
    """
    labels = np.asarray(split.labels)
    by_class = np.argsort(labels, kind="stable")
    hidden = labels[by_class] == HIDDEN
    known = take_evenly(by_class[~hidden], count)
    others = take_evenly(by_class[hidden], count - len(known))
    chosen = np.sort(np.concatenate([known, others]))
    return Split(np.asarray(split.images)[chosen], labels[chosen])


def images_sha256(data: Dataset) -> str:
    """Computes the sha256 of all that `fit_scores` uses of a data set."""
    digest = hashlib.sha256()
    for split in (choose_images(data.train), data.validation):
        for array in split:
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def read_state(path: pathlib.Path, key: dict[str, Any]) -> tuple[list[str], State]:
    """Reads a file of fitted scores.

    Args:
      path: RUN/fitted_scores/<precision>.npz.
      key: what the file's key must have.

    Returns:
      (names of its scores, their state), both empty if there is no such file, it is
      damaged, or its key has other values.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            state = {name: arrays[name] for name in arrays.files}
        found = json.loads(str(state.pop("key")))
        if {name: found.get(name) for name in key} == key:
            return list(found["scores"]), state
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        pass
    return [], {}


def _keep(path: pathlib.Path, key: dict[str, Any], state: State) -> None:
    """Writes the file, whole or not at all; where it cannot, the state is fitted again.

    A run may lie on a disk that is full or read-only, and its scores are needed still.
    """
    try:
        path.parent.mkdir(exist_ok=True)
        with files.atomic_file(path) as part, part.open("wb") as file:
            arrays: dict[str, Any] = state | {"key": np.array(json.dumps(key))}
            np.savez(file, **arrays)
    except OSError as error:
        console.say(f"{path} cannot be written ({error.strerror}); it is left out")
