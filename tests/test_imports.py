"""The layers' arrows point up, and BUILD draws the same ones."""

import ast
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "jem_tf"
# Each may import from those before it. A folder is one entry.
LAYERS = {
    "mathematics": "errors system pixels energies alterations samplers starts "
    "objectives metrics ood_scores",
    "variables": "networks replay optimizers",
    "model": "sampling keras_support energy_model jem",
    "data": "datasets corruptions",
    "runs": "options runs",
    "evaluation": "figures evaluation",
    "training": "training lowering",
    "serving": "generation serving demonstration pytorch benchmarks",
    "commands": "commands train",
}
ORDER = " ".join(LAYERS.values()).split()
ROOMS_LIKE_FILES: set[str] = set()
ROOT_FILES = 14  # at most, in the package itself
FACE = PACKAGE / "keras_support" / "registration.py"  # which imports no library
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

    def glob(patterns, exclude=()):
        files = [str(p.relative_to(ROOT)) for g in patterns for p in ROOT.glob(g)]
        return [file for file in files if file not in exclude]

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
        assert arrows(path) == {FACE}  # importing jem_tf loads no more
        return
    own = ORDER.index(entry(path))
    for other in arrows(path):
        assert ORDER.index(entry(other)) <= own, f"{path} imports {other}, below it"


def test_the_hall_is_small_and_no_name_stands_for_two_modules():
    files = [path for path in PACKAGE.iterdir() if path.is_file()]
    assert len(files) <= ROOT_FILES
    stems = [path.stem for path in SOURCES if path.stem != "__init__"]
    stems += [path.parent.name for path in SOURCES if path.stem == "__init__"]
    twice = {stem for stem in stems if stems.count(stem) > 1}
    # A room is named after what it is about, and so may be one of its files.
    assert twice <= {"train", "training"} | ROOMS_LIKE_FILES


def test_every_room_names_its_modules_and_says_what_it_imports():
    for path in SOURCES:
        if path.name == "__init__.py" and path.parent != PACKAGE:
            says = ast.get_docstring(ast.parse(path.read_text()))
            for module in path.parent.glob("*.py"):
                named = re.search(rf"^    .*\b{module.stem}\b", says, re.MULTILINE)
                assert named or module == path, module
            assert re.search(r"\bimports?\b", says), path


def test_every_module_has_tests_of_its_name():
    tests = ROOT / "tests"
    for path in SOURCES:
        folder = tests / path.relative_to(PACKAGE).parent
        if path.name != "__init__.py":
            assert (folder / f"test_{path.stem}.py").is_file(), path


def test_the_mathematics_knows_no_keras_models_variables_files_or_flags():
    for path in SOURCES:
        if entry(path) in LAYERS["mathematics"].split() and entry(path) != "system":
            source = path.read_text()
            for word in ("import keras", "tf.Variable", "open(", "absl", "set_exper"):
                assert word not in source, f"{path} has {word}"


def strings(path):
    """The strings of a source, but for docstrings and helps of options.

    "x" stands for what an f-string is to be filled with.
    """
    tree = ast.parse(path.read_text())
    left_out = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):  # a docstring is one
            left_out.add(node.value)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "option":
            left_out |= {*ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr) and node not in left_out:
            known = (isinstance(part, ast.Constant) for part in node.values)
            parts = zip(node.values, known, strict=True)
            yield "".join(part.value if fixed else "x" for part, fixed in parts)
        elif isinstance(node, ast.Constant) and node not in left_out:
            yield str(node.value)


def test_only_programs_know_flags():
    flag = re.compile(r"(?<![-\w])--[a-z]")
    spelling = {PACKAGE / "errors.py", PACKAGE / "runs" / "flagfiles.py"}
    spelling |= {PACKAGE / "lowering" / "runner.py"}  # a program of its own
    spelling |= {PACKAGE / "evaluation" / "report_page" / "style.py"}  # CSS's names
    whole = re.compile(r"(tensorboard|python -m jem_tf\.train) +--\w+")  # commands
    for path in SOURCES:
        if entry(path) in ("commands", "train") or path in spelling:
            continue
        for text in strings(path):
            assert not flag.search(whole.sub("", text)), (path, text)


def test_the_model_imports_no_network_sampler_or_data_set():
    allowed = {"sampling", "energies", "energy_model", "errors", "objectives"}
    allowed |= {"alterations"}
    allowed |= {"optimizers", "replay", "pixels", "keras_support"}
    for name in ("jem", "energy_model"):
        assert {entry(path) for path in arrows(PACKAGE / f"{name}.py")} <= allowed


def test_every_source_is_in_exactly_one_target():
    sources = [source for srcs, _ in libraries().values() for source in srcs]
    assert sorted(sources) == [*SOURCES, *TOOLS]


def test_a_targets_deps_are_the_arrows_between_targets():
    built = libraries()
    home = {source: name for name, (srcs, _) in built.items() for source in srcs}
    for name, (srcs, deps) in built.items():
        needed = {home[other] for source in srcs for other in arrows(source)} - {name}
        assert deps == needed, name


def test_the_map_of_contributors_is_the_order():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    for layer, names in LAYERS.items():
        assert re.search(rf"^    {layer} +{names}$", text, re.MULTILINE), layer
