"""The folder of a run: its paths, and a description of the data trained on."""

import hashlib
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from jem_tf.errors import InputError
from jem_tf.options import OLD_NAMES, Options, Sampling, defining_options
from jem_tf.system import files, texts

FORMAT = 1  # of a run; a newer one is refused
LONGEST = 246  # bytes of a data set's name in a folder's; disks take 255 in all
# Options that came after format 1. At their defaults they do not count in the default
# folder's name, so that a command keeps the folder that it had before them.
NEWER = {name: getattr(Sampling(), name) for name in ("sampler", "temperature")}


class DataDescription(NamedTuple):
    """The content of data.json: (H, W, C), K class names, the images of each split."""

    image_shape: tuple[int, ...]
    class_names: tuple[str, ...]
    sizes: dict[str, int]


class RunFolder:
    """The paths of RUN, as pathlib.Path.

    RUN/run.flags           replays the run exactly
    RUN/data.json           image shape, class names and sizes of the data trained on
    RUN/checkpoints/        weights, optimiser and replay buffer
    RUN/tensorboard/        scalars, pictures, hyper-parameters
    RUN/results/*.json      numbers, flat keys
    RUN/figures/*.png       pictures
    RUN/samples/            images that `jem-tf sample` drew
    RUN/export/<number>/    the network for servers
    RUN/report.html         all results on one page
    """

    def __init__(self, root: str | pathlib.Path):
        self.root = pathlib.Path(root)
        self.flags_file = self.root / "run.flags"
        self.data_file = self.root / "data.json"
        self.checkpoints = self.root / "checkpoints"
        self.tensorboard = self.root / "tensorboard"
        self.results = self.root / "results"
        self.figures = self.root / "figures"
        self.samples = self.root / "samples"
        self.exports = self.root / "export"
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

    @property
    def is_imported(self) -> bool:
        """Whether the weights were trained elsewhere, see `pytorch.imported_run`."""
        return self.import_file.exists()

    def describe_data(
        self,
        image_shape: Sequence[int],
        class_names: Sequence[str],
        sizes: Mapping[str, int],
    ) -> None:
        """Writes data.json, which says what the run is trained on.

        Raises:
          InputError: if the run was begun on other data.
        """
        description = DataDescription(
            tuple(image_shape), tuple(class_names), dict(sizes)
        )
        before = self.read_description() or description
        for name, value in description._asdict().items():
            if (other := getattr(before, name)) != value:
                raise InputError(
                    f"{self.root} holds a run on other data ({name} {other}, now "
                    f"{value}); name another folder."
                )
        files.write_json(self.data_file, {"format": FORMAT} | description._asdict())

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
                shape, names = values["image_shape"], values["class_names"]
                return DataDescription(tuple(shape), tuple(names), values["sizes"])
        except (ValueError, KeyError, TypeError) as error:
            raise not_a_run(self.root) from error
        raise InputError(
            f"{self.root} holds a run of format {version}, and this jem_tf reads "
            f"{FORMAT}; upgrade jem_tf, or name another folder."
        )


def not_a_run(path: str | pathlib.Path) -> InputError:
    """Makes the error for a folder that holds no run."""
    return InputError(f"{path} holds no run of jem_tf; name the folder of one.")


def sizes_of(data: Any) -> dict[str, int]:
    """Counts the images of each split of a `datasets.Dataset`."""
    splits = ("train", "validation", "test")
    return {name: len(getattr(data, name).labels) for name in splits}


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
