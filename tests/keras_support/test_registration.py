"""`import jem_tf` is all that Keras needs to read files with classes of ours."""

import re
import sys
import types

import keras
import pytest

from jem_tf import networks, optimizers
from jem_tf.keras_support import registration
from tests import fork_server, processes
from tests.tiny_models import SHAPE, compiled

LOAD = """
import sys, keras
assert not any(name.startswith("jem_tf") for name in sys.modules)
import jem_tf
assert "jem_tf.jem" not in sys.modules
model = keras.models.load_model({path!r})
assert type(model) is {kind}, model
"""


@pytest.fixture(scope="module")
def model():
    net = networks.build("convnet-8", SHAPE, 3, activation="swish")
    rate = optimizers.build("adam", learning_rate=1e-3, steps=10, warmup_steps=2)
    return compiled(net, optimizer=rate)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "kind"), [("jem", "jem_tf.JEM"), ("network", "keras.Model")]
)
def test_keras_finds_our_classes_where_it_was_imported_first(
    model, tmp_path, file, kind
):
    path = tmp_path / f"{file}.keras"
    (model if file == "jem" else model.network).save(path)
    kind = kind.replace("keras.Model", "keras.src.models.functional.Functional")
    program = LOAD.format(path=str(path), kind=kind)
    with processes.Process("-c", program, start=fork_server.start) as reading:
        ended = reading.end()
    assert ended.code == 0, ended.err


def test_every_class_that_is_registered_is_named():
    named = {}
    for path in sorted(processes.ROOT.glob("jem_tf/**/*.py")):
        module = ".".join(path.relative_to(processes.ROOT).with_suffix("").parts)
        module = module.removesuffix(".__init__")
        text = path.read_text()
        for name in re.findall(r'_serializable\("jem_tf"\)\nclass (\w+)', text):
            named[name] = module
    assert named == registration.HOMES
    for name in named:
        assert keras.saving.get_registered_object(f"jem_tf>{name}").__name__ == name


def test_a_class_that_is_known_keeps_its_place():
    registry = types.SimpleNamespace(GLOBAL_CUSTOM_OBJECTS={"jem_tf>JEM": 1})
    registration.enter_names(registry)
    assert registry.GLOBAL_CUSTOM_OBJECTS.pop("jem_tf>JEM") == 1
    later = registry.GLOBAL_CUSTOM_OBJECTS["jem_tf>Activation"]
    layer = later("swish", name="mine")
    assert later.from_config(layer.get_config()).name == "mine"


def test_keras_that_comes_later_is_found_once_with_its_own_code():
    finder = registration.WhenKerasIsImported()
    assert finder.find_spec("keras.src", None) is None
    sys.meta_path.insert(0, finder)
    spec = finder.find_spec(registration.REGISTRY, keras.src.saving.__path__)
    assert finder not in sys.meta_path
    again = types.ModuleType(registration.REGISTRY)
    spec.loader.exec_module(again)
    assert set(again.GLOBAL_CUSTOM_OBJECTS) == {
        f"jem_tf>{name}" for name in registration.HOMES
    }
    assert again.get_registered_name is not keras.saving.get_registered_name
