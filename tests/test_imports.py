"""The layers' arrows point up, and BUILD draws the same ones."""

import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "jem_tf"
# Each may import from those before it. A folder is one entry.
ORDER = (
    "errors energies samplers starts objectives metrics "
    "networks replay optimizers "
    "classifier energy_model jem "
    "datasets files hardware log figures charts sheets evaluation callbacks options "
    "flagfiles cluster signals saved checkpoints guard loop recipe speed workdir "
    "trained predictor pytorch results sampling tables export report program quiet "
    "train"
).split()
LAYERS = {0: ORDER[:6], 1: ORDER[6:9], 2: ORDER[9:12], 3: ORDER[12:]}
SOURCES, TOOLS = sorted(PACKAGE.rglob("*.py")), sorted((ROOT / "tools").glob("*.py"))


def entry(path):
    """jem_tf/networks/layers.py -> networks, jem_tf/jem.py -> jem."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path):
    """The dotted jem_tf modules that a source imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name for name in names if name.startswith("jem_tf."))


def file_of(name):
    """jem_tf.networks.layers.Layers -> jem_tf/networks/layers.py."""
    parts = name.split(".")[1:]
    while parts:
        for place in (
            PACKAGE.joinpath(*parts).with_suffix(".py"),
            PACKAGE.joinpath(*parts) / "__init__.py",
        ):
            if place.is_file():
                return place
        parts.pop()
    raise AssertionError(f"{name} is no module of ours")


def arrows(path):
    return {file_of(name) for name in imported(path)} - {path}


def targets():
    """BUILD: {name: (its sources in jem_tf, its deps)}, by running it as Python."""
    found = {}

    def target(name, srcs, deps=(), **_):
        found[name] = {ROOT / src for src in srcs}, {dep.lstrip(":") for dep in deps}

    def glob(patterns):
        return [str(p.relative_to(ROOT)) for g in patterns for p in ROOT.glob(g)]

    rules = dict.fromkeys(("py_library", "py_binary", "py_test"), target)
    exec((ROOT / "BUILD").read_text(), rules | {"glob": glob, "package": lambda **_: 0})
    return found


def libraries():
    """The targets of the package, without those of its tests."""
    return {k: v for k, v in targets().items() if k != "testing" and "test_" not in k}


def test_every_source_has_its_place_in_the_order():
    assert {entry(path) for path in SOURCES} - {"__init__"} == set(ORDER)


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_up(path):
    if path == PACKAGE / "__init__.py":
        assert not arrows(path)  # importing jem_tf loads nothing
        return
    own = ORDER.index(entry(path))
    for other in arrows(path):
        assert ORDER.index(entry(other)) <= own, f"{path} imports {other}, below it"


def test_the_mathematics_knows_no_keras_models_variables_files_or_flags():
    for path in SOURCES:
        if entry(path) in LAYERS[0]:
            source = path.read_text()
            for word in ("import keras", "tf.Variable", "open(", "absl"):
                assert word not in source, f"{path} has {word}"


def test_only_programs_read_the_programs_flags():
    for path in SOURCES:
        if path.name != "train.py":
            assert "FLAGS" not in path.read_text().replace("FLAGS_FILE", ""), path


def test_the_model_imports_no_network_sampler_or_data_set():
    assert {entry(path) for path in arrows(PACKAGE / "jem.py")} == {
        "energy_model",
        "energies",
        "errors",
        "objectives",
        "optimizers",
    }
    assert {entry(path) for path in arrows(PACKAGE / "energy_model.py")} == {
        "classifier",
        "energies",
        "errors",
    }


def test_every_source_is_in_exactly_one_target():
    sources = [source for srcs, _ in libraries().values() for source in srcs]
    assert sorted(sources) == [*SOURCES, *TOOLS]


def test_a_targets_deps_are_the_arrows_between_targets():
    built = libraries()
    home = {source: name for name, (srcs, _) in built.items() for source in srcs}
    for name, (srcs, deps) in built.items():
        needed = {home[other] for source in srcs for other in arrows(source)} - {name}
        assert deps == needed, name
