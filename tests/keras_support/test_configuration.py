"""A JEM saved whole is the same JEM when it is loaded, or is not saved at all."""

import functools
import inspect
import json
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.src.saving import saving_lib

from jem_tf import networks, optimizers, replay, samplers, starts
from jem_tf.errors import InputError
from jem_tf.jem import JEM
from jem_tf.keras_support import configuration
from tests import tiny_models
from tests.tiny_models import SHAPE, assert_same, compiled, fitted, floats, jem

pytestmark = pytest.mark.slow

ROOT = pathlib.Path(__file__).resolve().parents[2]
PARTS = {"network", "buffer", "sampler"}  # arguments of a JEM with a file form each
STARTS = {
    "uniform": lambda: starts.uniform(SHAPE),
    "gaussian": lambda: starts.gaussian(*floats(12), 3, rank=2),
    "mixed": lambda: starts.mixture(
        starts.uniform(SHAPE), starts.gaussian(*floats(12), 3, rank=2), 0.3
    ),
    "altered": lambda: starts.altered(tiny_models.data(12)[0]),
    "shares": lambda: starts.Shares(
        (starts.uniform(SHAPE), starts.altered(tiny_models.data(12)[0])), (0.6, 0.4)
    ),
}


def through_json(model):
    config = json.loads(json.dumps(model.get_config()))
    return type(model).from_config(config)


@pytest.mark.parametrize("name", STARTS)
def test_a_start_is_the_same_after_a_file(name):
    model = jem(start=STARTS[name]())
    again = through_json(model)
    for labels in (None, tf.constant([0, 1, 2])):
        np.testing.assert_array_equal(
            model.buffer.start(3, [0, 1], labels), again.buffer.start(3, [0, 1], labels)
        )


@pytest.mark.parametrize("name", samplers.SAMPLERS)
def test_a_sampler_is_the_same_after_a_file(name):
    numbers = {"steps": np.int64(2), "step_size": np.float32(0.5), "score_clamp": None}
    more = {"temperature": 0.1} if name == "mala" else {"noise": 0.0}
    model = jem()
    model.sampler = functools.partial(samplers.SAMPLERS[name], **numbers, **more)
    again = through_json(model).sampler
    assert again.func is samplers.SAMPLERS[name]
    assert again.keywords == numbers | more


def test_the_arguments_are_the_same_after_a_file():
    given = {
        "p_x_weight": 0.5,
        "p_y_given_x_weight": 0.7,
        "p_x_y_weight": 0.2,
        "label_smoothing": 0.1,
        "objective": "logistic",
        "altered_weight": 0.3,
        "conditional": True,
        "energy_l2": 0.1,
        "gradient_clip": 1.0,
        "input_noise": 0.03,
        "sam_rho": 0.5,
        "sam_terms": "p_x",
        "seed": 9,
    }
    assert set(given) == {*inspect.signature(JEM).parameters} - PARTS
    again = through_json(jem(num_classes=3, **given))
    assert {name: getattr(again, name) for name in given} == given
    assert (again.buffer.size, again.buffer.num_classes) == (12, 3)
    assert through_json(JEM(tiny_models.network(), p_x_weight=0.0)).buffer is None


@pytest.mark.parametrize("start", STARTS)
def test_a_loaded_model_goes_on_as_the_saved_one_does(tmp_path, start):
    model = compiled(start=STARTS[start](), input_noise=0.03)
    fitted(model)
    model.save(tmp_path / "jem.keras")
    loaded = keras.models.load_model(tmp_path / "jem.keras")
    assert_same(model, loaded)
    assert loaded.step == model.step > 0
    if start != "altered":  # whose chains are no samples
        np.testing.assert_array_equal(model.sample(4, seed=1), loaded.sample(4, seed=1))
    assert fitted(model) == fitted(loaded)
    assert_same(model, loaded)


def test_a_file_is_read_in_another_process(tmp_path):
    """Which imports jem_tf before Keras; our network and optimiser are found, too."""
    net = networks.build("convnet-8", SHAPE, 3, activation="swish")
    rate = optimizers.build("adam", learning_rate=1e-3, steps=10, warmup_steps=2)
    model = compiled(net, optimizer=rate)
    fitted(model)
    model.save(tmp_path / "jem.keras")
    np.save(tmp_path / "logits.npy", model.predict(floats()[0], verbose=0))
    program = (
        "import sys, jem_tf\n"
        "assert 'keras' not in sys.modules\n"
        "import keras, numpy as np\n"
        "model = keras.models.load_model('jem.keras')\n"
        "from tests.tiny_models import floats\n"
        "answer = model.predict(floats()[0], verbose=0)\n"
        "np.testing.assert_allclose(answer, np.load('logits.npy'), rtol=1e-5)\n"
        "assert model.step == 2 and model.optimizer.learning_rate > 0\n"
    )
    command = [sys.executable, "-c", program]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_a_scope_is_told_the_way_out_and_it_leads_there(tmp_path, two_replicas):
    model = compiled()
    model.save(tmp_path / "jem.keras")
    with two_replicas.scope(), pytest.raises(InputError) as refused:
        keras.models.load_model(tmp_path / "jem.keras")
    assert "devices=strategy.extended.worker_devices" in str(refused.value)
    assert "by its load_weights" in str(refused.value)
    devices = two_replicas.extended.worker_devices
    buffer = replay.ReplayBuffer(12, starts.uniform(SHAPE), devices=devices)
    with two_replicas.scope():
        again = JEM(tiny_models.network(), buffer=buffer, sampler=model.sampler)
        again.network.set_weights([w + 1 for w in again.network.get_weights()])
        again.compile("adam")
        again.load_weights(tmp_path / "jem.keras")
    np.testing.assert_array_equal(
        tiny_models.weights(again), tiny_models.weights(model)
    )
    images = [x.buffer.all_images().reshape(12, -1) for x in (model, again)]
    assert sorted(images[0].tolist()) == sorted(images[1].tolist())


def test_keras_opens_a_file_before_it_asks_a_model_for_its_configuration(
    tmp_path, monkeypatch
):
    """Of a model it reads `built` alone before: nothing could stop it, but `save`."""
    asked = []

    class Asked:
        def __getattribute__(self, name):
            asked.append(name)
            return True

    def opened(path, mode):
        asked.append(f"open {mode}")
        raise InterruptedError

    monkeypatch.setattr(saving_lib, "open", opened, raising=False)
    with pytest.raises(InterruptedError):
        keras.saving.save_model(Asked(), tmp_path / "jem.keras")
    assert asked == ["built", "open wb"]


@pytest.mark.filterwarnings("error:Skipping variable")
def test_a_model_of_half_precision_is_loaded_with_the_scale_of_its_loss(tmp_path):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = compiled()
    finally:
        keras.config.set_dtype_policy("float32")
    fitted(model)
    model.save(tmp_path / "jem.keras")
    loaded = keras.models.load_model(tmp_path / "jem.keras")
    assert isinstance(loaded.optimizer, keras.optimizers.LossScaleOptimizer)
    assert fitted(model) == fitted(loaded)
    assert_same(model, loaded)
    older = model.get_config()
    del older["dtype"]
    assert JEM.from_config(older).dtype_policy.name == "float32"


def test_a_clone_is_an_equal_model():
    model = jem(seed=4)
    clone = keras.models.clone_model(model)
    assert (clone.seed, clone.num_classes) == (4, 3)
    assert clone.buffer is not model.buffer


class Own(keras.Model):
    """A network that has no configuration."""

    def __init__(self, classes):
        super().__init__()
        self.flat, self.dense = keras.layers.Flatten(), keras.layers.Dense(classes)

    def call(self, x):
        return self.dense(self.flat(x))


def by_hand(energy, x, *, seed):
    return x, samplers.Info(tf.zeros(tf.shape(x)[:1]))


def with_sampler(sampler):
    model = compiled()
    model.sampler = sampler
    return model


REFUSED = {
    "sampler": (lambda: with_sampler(by_hand), "sampler is <function by_hand"),
    "bound": (
        lambda: with_sampler(functools.partial(samplers.sgld, noise=tf.constant([1]))),
        "sampler has noise",
    ),
    "start": (
        lambda: compiled(start=lambda n, seed, y=None: tf.zeros([n, *SHAPE])),
        "start is <function",
    ),
    "network": (lambda: compiled(Own(3)), "network has no configuration"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_file_can_hold_is_refused_before_anything_is_written(tmp_path, name):
    make, says = REFUSED[name]
    place = tmp_path / "jem.keras"
    place.write_text("an older model")
    with pytest.raises(InputError, match=f"{says}.*use save_weights"):
        make().save(place)
    assert place.read_text() == "an older model"
    make().save_weights(tmp_path / "jem.weights.h5")


def test_the_old_format_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(InputError, match=r"in a \.keras file; end it so"):
        compiled().save(tmp_path / "jem.h5")
    assert not list(tmp_path.iterdir())


def test_a_configuration_holds_no_more_than_json():
    config = configuration.config_of(jem(start=STARTS["mixed"]()))
    del config["network"]  # Keras's own
    assert json.loads(json.dumps(config)) == config


class Passing(JEM):
    def __init__(self, network, *, bonus=1.0, keep=True, **kwargs):
        super().__init__(network, **kwargs)
        if keep:
            self.bonus, self.keep = bonus, keep


def test_a_subclass_that_passes_its_arguments_on_has_them_all():
    made = tiny_models.jem()
    mine = Passing(made.network, bonus=3.0, buffer=made.buffer, sampler=made.sampler)
    config = mine.get_config()
    assert (config["bonus"], config["p_x_weight"]) == (3.0, 1.0)
    assert "kwargs" not in config
    again = Passing.from_config(json.loads(json.dumps(config)))
    assert (again.bonus, again.buffer.size) == (3.0, mine.buffer.size)


def test_a_subclass_that_does_not_keep_an_argument_is_told_which():
    made = tiny_models.jem(p_x_weight=0.0)
    mine = Passing(made.network, keep=False, p_x_weight=0.0)
    with pytest.raises(InputError, match="Passing does not keep its argument bonus"):
        mine.get_config()
