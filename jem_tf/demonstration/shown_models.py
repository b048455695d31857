"""The models that the page offers: those of the package, and a packed run.

A model is loaded when it is first asked, and so are its training images and galleries.
"""

import functools
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from jem_tf import ood_scores
from jem_tf.datasets import Dataset, set_names, tfds_sets
from jem_tf.demonstration import drawings, galleries
from jem_tf.demonstration.fresh_chains import ChainPlan, plan_chains
from jem_tf.demonstration.galleries import Gallery
from jem_tf.demonstration.inline_pictures import png_url
from jem_tf.errors import InputError
from jem_tf.evaluation.features import FeatureNetwork, Penultimate
from jem_tf.runs import loading, pretrained_models
from jem_tf.runs.run_folder import RunFolder
from jem_tf.serving import predictor, run_calibration
from jem_tf.system import console

EXAMPLES = 10  # pictures that the page offers to ask about


class ShownModel:
    """A packed run, loaded.

    Args:
      path: its folder, or the name of a pretrained model.
      data_dir: where its data may be, as in `loading.read_data`.

    Attributes:
      predictor: the `Predictor`, in the precision of the calibration.
      calibration: the `Calibration`.
      score_about: what the score is, in a phrase.

    Raises:
      InputError: if it is no run, or not calibrated.
    """

    def __init__(self, path: str, data_dir: str = ""):
        folder = RunFolder(pretrained_models.find(path) or path)
        precision = None
        if folder.calibration.is_file():
            precision = run_calibration.read_calibration(folder)[1]["precision"]
        self.predictor = predictor.load(path, precision=precision)
        self.calibration, _ = run_calibration.read_calibration(folder)
        self.score_about = ood_scores.SCORES[self.calibration.ood_score].about
        self._data_dir = data_dir

    @functools.cached_property
    def data(self) -> Dataset | None:
        """The data set of the run; None if it is not on this machine."""
        return read_present_data(self.predictor.run, self._data_dir)

    @functools.cached_property
    def galleries(self) -> list[Gallery]:
        """The sets of pictures in which the nearest ones are found."""
        return galleries.find_galleries(self.predictor, self.data, self.features)

    @functools.cached_property
    def features(self) -> FeatureNetwork:
        """Computes the model's own features, as `jem-tf evaluate samples` does.

        Raises InputError if the network has no Dense layer, which reads them.
        """
        return Penultimate(self.predictor.model.network)

    @functools.cached_property
    def chain_plan(self) -> ChainPlan:
        """How chains are drawn; to fit a Gaussian start takes half a minute."""
        return plan_chains(self.predictor.run, self.data)

    @functools.cached_property
    def ink_box(self) -> drawings.InkBox | None:
        """Where drawings are to have their ink; None where they stay as they are.

        They are moved for a model of grey pictures on black alone.
        """
        if self.predictor.image_shape[-1] != 1:
            return None
        pictures = galleries.find_pictures(self.predictor, self.data)
        if not pictures or pictures[0].images.mean() >= 128:
            return None
        return drawings.ink_box(pictures[0].images)

    def describe(self) -> dict[str, Any]:
        """JSON values that the page needs of the model."""
        own, (height, width, channels) = self.predictor, self.predictor.image_shape
        return {
            "size": [width, height],
            "grey": channels == 1,
            "class_names": list(own.class_names),
            "data": own.run.options.data.dataset,
            "examples": examples(own.run.folder.root, own.class_names),
        }


class ModelShelf:
    """The models by name, each loaded once.

    Args:
      first: the one that the page shows first: a pretrained model's name, which may be
        `name@version`, or the folder of a packed run.
      data_dir: as of `ShownModel`.

    Attributes:
      first: the name of the first one.
      names: of the models that there are.

    Raises:
      InputError: as `ShownModel` does of the first one, which is loaded at once.
    """

    def __init__(self, first: str, data_dir: str = ""):
        is_pretrained = pretrained_models.find(first) is not None
        self.first = first.partition("@")[0] if is_pretrained else first
        self._data_dir = data_dir
        self.names = list(dict.fromkeys([self.first, *pretrained_models.names()]))
        self._loaded = {self.first: ShownModel(first, data_dir)}

    def load(self, name: str) -> ShownModel:
        """Returns a model, one of `names`."""
        if name not in self._loaded:
            self._loaded[name] = ShownModel(name, self._data_dir)
        return self._loaded[name]


def read_present_data(run: loading.TrainedRun, data_dir: str) -> Dataset | None:
    """Loads the data set of a run if it is on this machine; downloads nothing.

    If it cannot be used, a line on the terminal says why.

    Args:
      run: the run.
      data_dir: as in `loading.read_data`.

    Returns:
      None if the data set is absent, or other than what the run was trained on.
    """
    name = run.options.data.dataset
    try:
        is_file = name == "digits" or set_names.folder_of(name) is not None
        if not is_file and not tfds_sets.is_prepared(name, data_dir):
            return None
        return loading.read_data(run, data_dir)
    except InputError as error:
        console.say(f"no training images are shown: {error}")
        return None


def examples(root: pathlib.Path, names: Sequence[str]) -> list[dict[str, str]]:
    """The first stored test image of each class, as [{"class", "picture"}, ...].

    Those of EXAMPLES classes at most; none if the model came without test images.
    """
    stored = galleries.stored_tests(root)
    if stored is None:
        return []
    images, labels = stored
    _, first = np.unique(labels, return_index=True)
    return [
        {"class": names[labels[row]], "picture": png_url(images[row])}
        for row in first[:EXAMPLES]
    ]
