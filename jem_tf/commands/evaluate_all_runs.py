"""The runs that `jem-tf evaluate all` measures: one, its baseline, and other seeds."""

from collections.abc import Sequence
from typing import NamedTuple

from jem_tf.errors import InputError, argument
from jem_tf.options import Options, defining_options
from jem_tf.runs import checkpoint_files, flagfiles, loading, pretrained_models
from jem_tf.runs.run_folder import DataDescription, RunFolder, not_a_run


class ComparedRun(NamedTuple):
    """A run before its network is read.

    options: as it was begun; a retry may have changed some since.
    step, checkpoint: of the checkpoint to evaluate; the sha256 of its state.json.
    """

    folder: RunFolder
    options: Options
    data: DataDescription
    step: int
    checkpoint: str

    @property
    def seed(self) -> int:
        """The seed of its training."""
        return self.options.training.seed


class ComparedRuns(NamedTuple):
    """A run, the one to compare it with if any, and others of its recipe."""

    run: ComparedRun
    baseline: ComparedRun | None
    seeds: tuple[ComparedRun, ...]

    def in_order(self) -> list[ComparedRun]:
        """Lists them in the order in which they are measured."""
        return [self.run, *filter(None, [self.baseline]), *self.seeds]


def read_runs(
    workdir: str, baseline: str, seeds: Sequence[str], *, best: bool = False
) -> ComparedRuns:
    """Reads what runs are, and checks that they can be compared.

    Args:
      workdir, baseline, seeds: folders of runs; "" for no baseline.
      best: whether to evaluate the checkpoint that is best on validation.

    Raises:
      InputError: if one is no run or has no checkpoint, a run is named twice, the
        baseline is of other images or classes, or a run in `seeds` is of another recipe
        or other data, or of a seed that is there already.
    """
    run = read_run(workdir, best=best)
    other = read_run(baseline, best=best) if baseline else None
    more = tuple(read_run(path, best=best) for path in seeds)
    runs = ComparedRuns(run, other, more)
    places = [one.folder.root.resolve() for one in runs.in_order()]
    if twice := next((place for place in places if places.count(place) > 1), None):
        raise InputError(f"{twice} is named twice; name each run once.")
    if other is not None:
        check_baseline(run, other)
    for index, one in enumerate(more):
        check_recipe(run, one)
        check_seed(one, [run, *more[:index]])
    return runs


def read_run(path: str, *, best: bool = False) -> ComparedRun:
    """Reads what a run is.

    Raises:
      InputError: if it is none, or has no checkpoint.
    """
    folder = RunFolder(path)
    description = folder.read_description()
    if description is None:
        raise not_a_run(path)
    place = loading.find_checkpoint(folder, best=best)
    return ComparedRun(
        folder,
        flagfiles.from_flagfile(folder.flags_file),
        description,
        checkpoint_files.read_state(place).step,
        checkpoint_files.digest_state(place),
    )


def check_writable(paths: Sequence[str]) -> None:
    """Checks that no path of these names a pretrained model.

    Raises:
      InputError: if one does.
    """
    for path in filter(pretrained_models.find, paths):
        raise InputError(
            f"{path} is a pretrained model, and results are written to each run; copy "
            f"it by jem-tf diagnose {argument('workdir', path)} "
            f"{argument('out', 'FOLDER')}, and name that folder."
        )


def check_baseline(run: ComparedRun, baseline: ComparedRun) -> None:
    """Checks that two runs have images of one shape and the same classes.

    Raises:
      InputError: if they have not.
    """
    if (run.data.image_shape, run.data.class_names) != (
        baseline.data.image_shape,
        baseline.data.class_names,
    ):
        raise InputError(
            f"{argument('baseline', baseline.folder)} has other images or classes than "
            f"{argument('workdir', run.folder)}; name a run of the same data."
        )


def check_recipe(run: ComparedRun, other: ComparedRun) -> None:
    """Checks that two runs are equal but for their seeds.

    Raises:
      InputError: if an option that identifies a run, or the data, is another.
    """
    named = argument("seeds", other.folder)
    own, its = (defining_options(one.options) for one in (run, other))
    changed = [name for name in own if name != "seed" and own[name] != its[name]]
    if changed:
        name = changed[0]
        raise InputError(
            f"{named} is of another recipe than {run.folder} ({name} {its[name]}, and "
            f"not {own[name]}); name runs that differ in their seed alone."
        )
    if splits := run.data.changed_splits(other.data):
        raise InputError(
            f"{named} was trained on other data than {run.folder} (other images or "
            f"labels to {', '.join(splits)}); name runs on the same data."
        )


def check_seed(run: ComparedRun, others: Sequence[ComparedRun]) -> None:
    """Checks that a run has a seed of its own.

    Raises:
      InputError: if one of the others has it.
    """
    for other in others:
        if other.seed == run.seed:
            raise InputError(
                f"{argument('seeds', run.folder)} has the seed {run.seed}, as "
                f"{other.folder} has; name runs of different seeds."
            )
