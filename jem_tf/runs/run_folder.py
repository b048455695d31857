"""The folder of a run: its paths, and a description of the data trained on."""

import hashlib
import json
import pathlib
from typing import Any, NamedTuple

import numpy as np

from jem_tf.errors import InputError, argument
from jem_tf.options import (
    OLD_NAMES,
    Data,
    Network,
    Objective,
    Options,
    Sampling,
    Training,
    defining_options,
)
from jem_tf.system import files, texts

FORMAT = 1  # of a run; a newer one is refused
LONGEST = 246  # bytes of a data set's name in a folder's; disks take 255 in all
# Options that came after format 1. At their defaults they do not count in the default
# folder's name, so that a command keeps the folder that it had before them.
NEWER = {
    name: getattr(group, name)
    for group, names in (
        (Sampling(), ("sampler", "temperature", "restart_stuck", "restart_age")),
        (Data(), ("flip", "cutout")),
        (Network(), ("init",)),
        (
            Objective(),
            ("label_smoothing", "objective", "altered_weight", "sam_rho", "sam_terms"),
        ),
        (Training(), ("kernel_l2", "ema", "decay_at", "decay_factor")),
    )
    for name in names
}
SPLITS = ("train", "validation", "test")


class DataDescription(NamedTuple):
    """What data.json says of the data that a run is trained on.

    image_shape: (H, W, C).
    class_names: K names.
    sizes: {split: number of images}.
    digests: {split: sha256 of its images and labels}; None in runs of before, and of
      imported weights.
    place: absolute path of the folder that the data were read from; "" for digits and
      TFDS's own place.
    flip: whether images are mirrored; None as for `digests`.
    """

    image_shape: tuple[int, ...]
    class_names: tuple[str, ...]
    sizes: dict[str, int]
    digests: dict[str, str] | None = None
    place: str = ""
    flip: bool | None = None

    def changed_splits(self, now: "DataDescription") -> list[str]:
        """Names the splits that have other images or labels now."""
        before, digests = self.digests or {}, now.digests or {}
        return [split for split in before if digests.get(split) != before[split]]


class RunFolder:
    """The paths of RUN, as pathlib.Path.

    RUN/run.flags           replays the run exactly
    RUN/data.json           the data trained on: shape, classes, sizes, digests, place
    RUN/initial_weights.npz what --init gave the run to start from
    RUN/initial_classifier.npz  the plain classifier that training descends from
    RUN/checkpoints/        weights, optimiser and replay buffer
    RUN/tensorboard/        scalars, pictures, hyper-parameters
    RUN/results/*.json      numbers, flat keys
    RUN/figures/*.png       pictures
    RUN/fitted_scores/      what scores of outliers were fitted to
    RUN/samples/            images that `jem-tf sample` drew
    RUN/export/<number>/    the network for servers
    RUN/calibration.json    temperature and threshold of a packed run
    RUN/report.html         all results on one page
    """

    def __init__(self, root: str | pathlib.Path):
        self.root = files.expand(root)
        self.flags_file = self.root / "run.flags"
        self.data_file = self.root / "data.json"
        self.initial_weights = self.root / "initial_weights.npz"
        self.initial_classifier = self.root / "initial_classifier.npz"
        self.checkpoints = self.root / "checkpoints"
        self.tensorboard = self.root / "tensorboard"
        self.results = self.root / "results"
        self.figures = self.root / "figures"
        self.fitted = self.root / "fitted_scores"
        self.samples = self.root / "samples"
        self.exports = self.root / "export"
        self.calibration = self.root / "calibration.json"
        self.report = self.root / "report.html"
        self.lock = self.checkpoints / "lock"
        self.guard_file = self.result("guard")
        self.import_file = self.result("import")
        self.parts = (self.checkpoints, self.tensorboard, self.results, self.figures)

    def __str__(self) -> str:
        return str(self.root)

    def __fspath__(self) -> str:
        return str(self.root)

    def result(self, name: str) -> pathlib.Path:
        """The JSON file of the numbers called `name`, such as "train"."""
        return self.results / f"{name}.json"

    def figure(self, name: str) -> pathlib.Path:
        """The PNG file of the picture called `name`, such as "samples"."""
        return self.figures / f"{name}.png"

    def fitted_scores(self, precision: str) -> pathlib.Path:
        """The file of the scores fitted to the network in a precision of Keras."""
        return self.fitted / f"{precision}.npz"

    @property
    def is_imported(self) -> bool:
        """Whether the weights were trained elsewhere, see `pytorch.imported_run`."""
        return self.import_file.exists()

    def describe_data(self, description: DataDescription) -> None:
        """Writes data.json, which says what the run is trained on.

        Raises:
          InputError: if the run was begun on other data.
        """
        self.check_data(description)
        files.write_json(self.data_file, {"format": FORMAT} | description._asdict())

    def check_data(self, now: DataDescription) -> None:
        """Checks that the run, if there is one, is of these data.

        Raises:
          InputError: if it was of other data.
        """
        before = self.read_description() or now
        for name in ("image_shape", "class_names", "sizes"):
            if (other := getattr(before, name)) != (value := getattr(now, name)):
                raise InputError(
                    f"{self.root} holds a run on other data ({name} {other}, now "
                    f"{value}); name another folder."
                )
        if changed := before.changed_splits(now):
            raise InputError(
                f"{self.root} holds a run on other data (as many, but other images or "
                f"labels to {', '.join(changed)}); {remedy(before)} or name another "
                "folder."
            )

    def read_description(self) -> DataDescription | None:
        """Reads data.json; returns None if there is none yet.

        Raises:
          InputError: if it is unreadable, or of a newer format.
        """
        try:
            text = self.data_file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise InputError(f"{self.data_file} cannot be read: {error}") from error
        try:
            values = json.loads(text)
            version = values["format"]
            if version == FORMAT:
                known = [k for k in DataDescription._fields if k in values]
                description = DataDescription(**{k: values[k] for k in known})
                return description._replace(
                    image_shape=tuple(description.image_shape),
                    class_names=tuple(description.class_names),
                )
        except (ValueError, KeyError, TypeError) as error:
            raise not_a_run(self.root) from error
        raise InputError(
            f"{self.root} holds a run of format {version}, and this jem_tf reads "
            f"{FORMAT}; upgrade jem_tf, or name another folder."
        )


def not_a_run(path: str | pathlib.Path, others: str = "") -> InputError:
    """Makes the error for a folder that holds no run.

    Args:
      path: the folder.
      others: what else could be named, such as ", or a pretrained model: cifar10".
    """
    shown = path if str(path) else repr("")
    return InputError(
        f"{shown} holds no run of jem_tf; name the folder of one{others}."
    )


def remedy(before: DataDescription) -> str:
    """What to do where a run's data are not those that it was trained on."""
    was = f", which lay in {before.place}," if before.place else ""
    return f"give its own data{was} by {argument('data_dir', 'PLACE')}"


def describe(data: Any, place: str = "") -> DataDescription:
    """Describes a `datasets.Dataset` that was read from `place`."""
    splits = {name: getattr(data, name) for name in SPLITS}
    return DataDescription(
        image_shape=tuple(map(int, data.train.images.shape[1:])),
        class_names=tuple(data.class_names),
        sizes={name: len(split.labels) for name, split in splits.items()},
        digests={name: digest(*split) for name, split in splits.items()},
        place=place,
        flip=data.flip,
    )


def digest(images: Any, labels: Any) -> str:
    """Computes the sha256 of uint8 images and int32 labels, in their order."""
    sha256 = hashlib.sha256(repr(tuple(images.shape)).encode())
    sha256.update(np.ascontiguousarray(images, "uint8").data)
    sha256.update(np.ascontiguousarray(labels, "<i4").data)
    return sha256.hexdigest()


def default_path(options: Options) -> str:
    """The default folder of a run; its name ends in a hash of the defining options."""
    name = pathlib.PurePath(options.data.dataset.removeprefix("folder:")).name
    name = texts.cut(name, LONGEST)
    former = {new: old for old, new in OLD_NAMES.items()}
    values = {
        former.get(name, name): value
        for name, value in defining_options(options).items()
        if name not in NEWER or value != NEWER[name]
    }
    digest = hashlib.sha256(repr(values).encode()).hexdigest()
    return f"runs/{name}-{digest[:8]}"
