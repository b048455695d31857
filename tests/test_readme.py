"""What the README says is run here, or by `.ci/run`."""

import pathlib
import re

import keras
import numpy as np
import pytest
from absl import flags
from PIL import Image

from jem_tf import datasets, pixels
from jem_tf.runs import flagfiles

ROOT = pathlib.Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
PICTURES = (ROOT / "docs" / "pictures.md").read_text()
EXAMPLES = re.findall(r"```python\n(.+?)```", README, re.S)
COMMANDS = re.findall(r"^(?:\$ )?(python -m jem_tf\.train[^\n#]*)", README, re.M)


def test_the_two_commands_are_those_that_ci_runs():
    assert "pip install -e . && python -m jem_tf.train\n" in README
    tested = "pip install -e '.[test]' && pytest"
    assert tested + "\n" in README
    ours = (ROOT / ".ci" / "run").read_text().replace(" --quiet", "")
    assert tested in ours


@pytest.mark.parametrize("command", COMMANDS)
def test_every_training_command_names_real_flags_and_presets(command, monkeypatch):
    monkeypatch.chdir(ROOT)
    values = flags.FlagValues()
    flagfiles.define(values)
    assert flagfiles.parse(command.split()[2:], values) == ["jem_tf.train"]


@pytest.mark.slow
def test_the_example_of_a_trained_run_runs_with_a_run_of_ours(
    trained, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    trained(tmp_path / "run")
    given = {"RUN": str(tmp_path / "run"), "cifar10": "digits"}
    example = EXAMPLES[0]
    assert len([line for line in example.splitlines() if line]) <= 11
    for old, new in given.items():
        example = example.replace(f'"{old}"', f'"{new}"')
    names = {}
    exec(example, names)
    assert len(names["names"]) == 8
    assert (tmp_path / "api.png").is_file()


@pytest.mark.slow
def test_the_python_example_runs_as_it_stands():
    example = EXAMPLES[1]
    assert len([line for line in example.splitlines() if line]) == 12
    names = {}
    exec(example, names)
    assert names["pictures"].shape == (16, 8, 8, 1)
    assert np.isfinite(names["pictures"]).all()
    assert names["model"].optimizer.iterations > 0


def test_the_commands_for_pictures_are_the_same_in_both_documents():
    given = [
        [line.split("#")[0].rstrip() for line in text.split("DATA --workdir=RUN\n")[1]
         .split("```")[0].splitlines()]
        for text in (README, PICTURES)
    ]  # fmt: skip
    assert given[0] == given[1]
    assert [line.split()[0] for line in given[0]] == ["jem-tf"] * 3


@pytest.mark.slow
def test_the_example_of_pictures_runs_with_a_run_of_ours(
    trained, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    trained(tmp_path / "RUN", "--export")
    Image.new("RGB", (40, 30), (9, 99, 200)).save("PICTURE.jpg")
    (example,) = re.findall(r"```python\n(.+?)```", PICTURES, re.S)
    names = {}
    exec(example, names)
    assert names["answer"]["is_ood"].shape == (1,)
    assert names["answer"]["class_names"].numpy()[0].decode() in "0123456789"
    assert names["drawn"].shape == (4, 8, 8, 1)


@pytest.mark.slow
def test_a_trained_keras_classifier_becomes_an_energy_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data, classifier = datasets.load("digits"), small_classifier()
    images, labels = data.train
    scaled, test = (pixels.from_uint8(x) for x in (images, data.test.images))
    classifier.fit(scaled, labels, batch_size=32, epochs=8, verbose=0)
    classifier.save("classifier.keras")
    example = EXAMPLES[2]
    assert len([line for line in example.splitlines() if line]) <= 14
    names = {}
    exec(example, names)
    model = names["model"]
    accuracy = classifier.evaluate(test, data.test.labels, verbose=0)[1]
    assert model.evaluate(test, data.test.labels, verbose=0)[1] > accuracy - 0.05 > 0.7
    real, noise = (
        model.energy()(x).numpy().mean()
        for x in (scaled, np.random.default_rng(0).uniform(-1, 1, [200, 8, 8, 1]))
    )
    assert real < noise
    assert np.isfinite(model.sample(8)).all()


def small_classifier():
    """As a user may have built and compiled it."""
    keras.utils.set_random_seed(0)
    layers = [keras.Input((8, 8, 1))]
    for filters in (16, 32):
        layers += [
            keras.layers.Conv2D(filters, 3, padding="same", use_bias=False),
            keras.layers.BatchNormalization(),
            keras.layers.Activation("swish"),
            keras.layers.AveragePooling2D(2),
        ]
    ends = [keras.layers.Flatten(), keras.layers.Dense(10)]
    classifier = keras.Sequential(layers + ends)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    classifier.compile(keras.optimizers.Adam(3e-3), loss, metrics=["accuracy"])
    return classifier


def test_every_picture_the_readme_shows_is_there():
    shown = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README)
    assert shown
    assert len({(ROOT / picture).read_bytes() for picture in shown}) == len(shown)
