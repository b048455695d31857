"""The parts of `jem-tf evaluate all`: which commands are run, with which flags.

A part is a command that there is, run in this process as if its flags were typed.
"""

import importlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from absl import flags

from jem_tf import corruptions
from jem_tf.commands import evaluation_command, main
from jem_tf.commands.evaluate_all_runs import ComparedRun
from jem_tf.datasets import openood, outliers
from jem_tf.errors import arguments_renamed
from jem_tf.evaluation import inception_network
from jem_tf.runs.run_folder import DataDescription, RunFolder

GUESSED_FOR = "32x32 images, 2 M parameters and two cores"
ATTACKED = ("--eps_linf=1,8", "--eps_l2=0.25,0.5")  # RobustBench's radii and small ones
AUTOATTACK = "--attack=autoattack"
# Most images stand small radii, and each takes all 1,900 gradients and 5,900 answers of
# AutoAttack there; JEM-10 takes as many under PGD. So these get the same few images,
# too few to tell two models apart. PGD of JEM-0 alone takes 40 gradients of an image.
FEW_ATTACKED = "--limit=20"
SMALL_RADII = ("--eps_linf=1", "--eps_l2=0.25")
MANY_ATTACKED = ("--result=small_radii_pgd", "--steps=40", "--refine_steps=0")
NOT_QUICK = "--quick attacks by PGD in place of AutoAttack"
# Inception would take longer, and more samples: its features are 2,048.
FEW_SAMPLES = ("--limit=700", "--features=network")
SHORT = "--steps=50"  # of quick chains; K / rho steps may be hundreds
RUN_FLAGS = ("limit", "seed", "best", "precision", "data_dir")
FEATURES = ("features", "inception")


class Kind(NamedTuple):
    """A part, for any run.

    command: its name in `main.COMMANDS`.
    full, quick: flags of the two lengths; None: it has no such length.
    seconds: {"full", "quick": a rough guess of how long it takes}, see GUESSED_FOR.
    shared: flags of `evaluate all` that the command has, too.
    """

    command: str
    full: tuple[str, ...]
    quick: tuple[str, ...] | None
    seconds: Mapping[str, float]
    shared: tuple[str, ...]


class Part(NamedTuple):
    """A part for one run.

    name: its key in KINDS.
    command: as in Kind.
    argv: flags, without the run's folder; None if it has no quick length.
    full: argv of the whole length, whose numbers do for the quick one, too.
    seconds: a rough guess of how long it takes.
    absent: what argv asks for and is not on the disk.
    """

    name: str
    command: str
    argv: tuple[str, ...] | None
    full: tuple[str, ...]
    seconds: float
    absent: tuple[str, ...] = ()


# By their names, which are those of their results, too.
KINDS = {
    "calibration": Kind(
        "evaluate calibration",
        (),
        ("--limit=500", "--severities=3"),
        {"full": 800, "quick": 30},
        RUN_FLAGS,
    ),
    "ood": Kind(
        "evaluate ood", (), ("--limit=300",), {"full": 220, "quick": 50}, RUN_FLAGS
    ),
    "samples": Kind(
        "evaluate samples",
        ("--source=buffer",),
        ("--source=buffer", *FEW_SAMPLES),
        {"full": 300, "quick": 30},
        (*RUN_FLAGS, *FEATURES),
    ),
    "fresh_samples": Kind(
        "evaluate samples",
        ("--source=fresh", "--result=fresh_samples", "--count=2500"),
        ("--source=fresh", "--result=fresh_samples", SHORT, *FEW_SAMPLES),
        {"full": 890, "quick": 110},
        (*RUN_FLAGS, *FEATURES),
    ),
    "autoattack": Kind(
        "evaluate robustness",
        (AUTOATTACK, "--eps_linf=8", "--eps_l2=0.5"),
        None,
        {"full": 560},
        RUN_FLAGS,
    ),
    "small_radii": Kind(
        "evaluate robustness",
        (AUTOATTACK, "--result=small_radii", FEW_ATTACKED, *SMALL_RADII),
        None,
        {"full": 380},
        RUN_FLAGS,
    ),
    "small_radii_pgd": Kind(
        "evaluate robustness",
        (*MANY_ATTACKED, *SMALL_RADII, "--limit=500"),
        (*MANY_ATTACKED, *SMALL_RADII, "--limit=100"),
        {"full": 90, "quick": 25},
        RUN_FLAGS,
    ),
    "robustness": Kind(
        "evaluate robustness",
        (*ATTACKED, FEW_ATTACKED),
        (
            *("--eps_linf=1,8", "--eps_l2=0.5", FEW_ATTACKED, "--steps=10"),
            *("--refine_steps=0,1", "--fresh_draws=2", "--targets=3"),
            "--distal_steps=50",
        ),
        {"full": 510, "quick": 85},
        (*RUN_FLAGS, "baseline"),
    ),
    "chains": Kind(
        "diagnose",
        (),
        ("--chains=16", "--steps=100"),
        {"full": 45, "quick": 6},
        ("seed",),
    ),
}


def list_parts(run: ComparedRun, given: Any, *, baseline: bool = True) -> list[Part]:
    """Lists the parts of a run, in the order in which they are measured.

    Args:
      run: the run.
      given: parsed flags of `evaluate all`.
      baseline: whether the run is compared with the run that --baseline names.

    Raises:
      InputError: if --sets names what is no set.
    """
    parts = []
    for name in dict.fromkeys(given.parts or KINDS):
        kind = KINDS[name]
        if name == "chains" and (given.best or given.precision):
            continue  # `diagnose` takes the newest checkpoint, in the run's precision
        absent: tuple[str, ...] = ()
        own = list(_shared(kind, run, given, baseline=baseline))
        if name == "calibration":
            own.append(choose_corruptions(run.data))
        elif name == "ood":
            sets, absent = choose_sets(run, given)
            own.append(sets)
        full = merge(kind.full, own)
        if "features" in kind.shared:
            full = merge((f"--features={choose_features(run.data)}",), full)
        quick = None if kind.quick is None else merge(kind.quick, own)
        argv = quick if given.quick else full
        seconds = kind.seconds.get("quick" if given.quick else "full", 0.0)
        parts.append(Part(name, kind.command, argv, full, seconds, absent))
    return parts


def merge(usual: Sequence[str], given: Sequence[str]) -> tuple[str, ...]:
    """Flags of a length, and those that are given: of two limits the smaller counts."""
    values = dict(word.split("=", 1) for word in usual)
    for word in given:
        name, _, value = word.partition("=")
        smaller = name == "--limit" and name in values
        values[name] = str(min(int(values[name]), int(value))) if smaller else value
    return tuple(f"{name}={value}" for name, value in values.items())


def _shared(
    kind: Kind, run: ComparedRun, given: Any, *, baseline: bool
) -> Iterator[str]:
    """The flags that `evaluate all` passes on as they are, but for the unset ones."""
    for name in kind.shared:
        value = given[name].value
        if value == given[name].default or (name == "baseline" and not baseline):
            continue
        yield f"--{name}={str(value).lower() if value is True else value}"


def choose_features(data: DataDescription) -> str:
    """The network of --features: Inception, unless the images are too small for it."""
    small = min(data.image_shape[:2]) < inception_network.LEAST_SIZE
    return "network" if small else "inception"


def choose_corruptions(data: DataDescription) -> str:
    """The flag for all corruptions, of images that can be corrupted."""
    fit = data.image_shape[-1] in corruptions.CHANNELS
    return f"--corruptions={'all' if fit else 'none'}"


def choose_sets(run: ComparedRun, given: Any) -> tuple[str, tuple[str, ...]]:
    """All sets of outliers on the disk, and those that --sets names.

    Returns:
      (the flag, the sets that are not on the disk).

    Raises:
      InputError: if --sets names what is no set.
    """
    data = run.options.data
    _, data_dir = evaluation_command.find_places(data, run.folder, given.data_dir)
    names, absent = ["auto", *given.sets], list[str]()
    with arguments_renamed(name="sets"):
        expanded = names
        if openood.has_groups(data.dataset):
            found = openood.find(names, data.dataset, data_dir)
            expanded, absent = found.names, found.absent
            if any(found.groups.values()):
                names = [openood.NAME, *names]
        _, more = outliers.expand_auto(expanded, data.dataset, data_dir)
    return f"--sets={quote(names)}", tuple(dict.fromkeys([*absent, *more]))


def quote(names: Sequence[str]) -> str:
    """Names with commas between them, as the list flags of absl read them."""
    quoted = (
        '"{}"'.format(name.replace('"', '""')) if {*',"'} & {*name} else name
        for name in names
    )
    return ",".join(quoted)


def measure(part: Part, folder: RunFolder) -> None:
    """Runs a part's command in this process.

    Raises:
      InputError: if it cannot be measured.
      OSError: if the run cannot be written.
    """
    command = importlib.import_module(main.COMMANDS[part.command][0]).COMMAND
    values = flags.FlagValues()
    command.define(values)
    values([f"jem-tf {command.name}", f"--workdir={folder}", *(part.argv or ())])
    command.run(values)
