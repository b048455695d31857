"""The models that the page offers."""

import shutil

import numpy as np
import pytest

from jem_tf.demonstration import shown_models
from jem_tf.errors import InputError
from jem_tf.options import replace
from jem_tf.runs import pretrained_models
from tests.demonstration.digits_model import digits, offered_models, pixels_of


def test_the_models_of_the_package_are_offered_beside_the_first(tmp_path):
    others = [name for name in pretrained_models.pretrained() if name != "digits"]
    assert offered_models().names == ["digits", *others]
    folder = str(tmp_path / "mine")
    shutil.copytree(pretrained_models.pretrained()["digits"].folder, folder)
    shelf = shown_models.ModelShelf(folder)
    assert shelf.names == [folder, *pretrained_models.pretrained()]
    assert shelf.load(folder) is shelf.load(folder)


def test_a_version_that_is_asked_for_is_offered_once():
    shelf = shown_models.ModelShelf("digits@1")
    assert (shelf.first, shelf.names) == ("digits", offered_models().names)
    assert shelf.load("digits").predictor.class_names == digits().predictor.class_names


def test_no_run_and_no_calibrated_run_are_refused(tmp_path):
    with pytest.raises(InputError, match="nonesuch holds no run"):
        shown_models.ModelShelf("nonesuch")
    place = tmp_path / "mine"
    shutil.copytree(pretrained_models.pretrained()["digits"].folder, place)
    (place / "calibration.json").unlink()
    with pytest.raises(InputError, match="is not calibrated; pack it"):
        shown_models.ShownModel(str(place))


def test_it_says_what_the_page_needs():
    described = digits().describe()
    assert described["size"] == [8, 8]
    assert described["grey"]
    assert described["class_names"] == list("0123456789")
    assert [one["class"] for one in described["examples"]] == list("0123456789")
    shown = np.stack([pixels_of(one["picture"]) for one in described["examples"]])
    predicted = digits().predictor.predict(shown[..., None]).class_names
    assert np.mean(np.array(predicted) == np.array(list("0123456789"))) >= 0.8


def test_a_model_without_test_images_offers_none(tmp_path):
    assert shown_models.examples(tmp_path, ["a"]) == []


def test_data_that_are_absent_or_others_are_none(tmp_path, capsys):
    run = digits().predictor.run
    assert shown_models.read_present_data(run, "").class_names == run.class_names
    for name in ("cifar10", f"folder:{tmp_path / 'absent'}", "no_such_set"):
        other = run._replace(options=replace(run.options, {"dataset": name}))
        assert shown_models.read_present_data(other, str(tmp_path)) is None
    first, second = capsys.readouterr().out.splitlines()  # none on cifar10
    assert "no training images are shown: " in first
    assert "no_such_set is no data set that TFDS knows" in second


def test_drawings_are_framed_for_grey_pictures_on_black():
    model = shown_models.ShownModel("digits")
    assert model.ink_box == (0, 1, 0.125, 0.875)
    assert not {"features", "galleries"} & set(vars(model))  # they take their time
