"""The nearest pictures by the model."""

import numpy as np
import pytest

from jem_tf import ReplayBuffer, sampling, starts
from jem_tf.demonstration import galleries
from jem_tf.demonstration.galleries import Gallery
from tests.demonstration.digits_model import digits, pixels_of


def test_with_its_data_the_nearest_are_training_images_by_the_models_features():
    model = digits()
    image = np.asarray(model.data.test.images[0])
    (gallery,) = galleries.nearest(
        image, model.galleries, model.features, model.predictor.class_names
    )
    assert gallery["about"] == "the 1,295 training images"
    train, labels = (np.asarray(part) for part in model.data.train)
    features = model.features.extract(np.concatenate([image[None], train])).features
    distances = np.linalg.norm(features[1:] - features[0], axis=1)
    assert len(gallery["pictures"]) == galleries.SHOWN
    for row, shown in zip(np.argsort(distances), gallery["pictures"], strict=False):
        assert shown["distance"] == pytest.approx(distances[row], abs=1e-4)
        assert shown["class"] == model.predictor.class_names[labels[row]]
        np.testing.assert_array_equal(pixels_of(shown["picture"]), train[row, ..., 0])


def test_the_image_itself_is_not_among_the_nearest():
    model = digits()
    image = np.asarray(model.data.train.images[5])
    (gallery,) = galleries.nearest(
        image, model.galleries, model.features, model.predictor.class_names
    )
    assert all(
        (pixels_of(x["picture"]) != image[..., 0]).any() for x in gallery["pictures"]
    )


def test_without_its_data_they_are_what_the_model_drew_and_what_came_with_it():
    model = digits()
    drawn, tests = galleries.find_galleries(model.predictor, None, model.features)
    assert drawn.about == "the 300 pictures that the model drew in training"
    assert tests.about == "the 64 test images that came with the model"
    assert [len(drawn.images), len(tests.images)] == [300, 64]
    for gallery in (drawn, tests):
        predicted = model.predictor.predict(gallery.images).probabilities.argmax(axis=1)
        assert np.mean(predicted == gallery.labels) > 0.9
        own = model.features.extract(gallery.images).features
        np.testing.assert_allclose(gallery.features, own, atol=1e-5)


def test_a_gallery_of_few_shows_all_and_one_of_none_is_left_out():
    model = digits()
    images = np.asarray(model.data.test.images[:3])
    few = Gallery("few", images, np.arange(3), model.features.extract(images).features)
    names = model.predictor.class_names
    (gallery,) = galleries.nearest(images[0], [few], model.features, names)
    assert sorted(shown["class"] for shown in gallery["pictures"]) == ["1", "2"]
    itself = Gallery("itself", *(part[:1] for part in few[1:]))
    assert galleries.nearest(images[0], [itself], model.features, names) == []


def test_of_many_training_images_some_are_compared_and_it_says_so(monkeypatch):
    monkeypatch.setattr(galleries, "MOST_TRAINING_IMAGES", 20)
    model = digits()
    (some,) = galleries.find_galleries(model.predictor, model.data, model.features)
    assert some.about == "20 of the 1,295 training images"
    assert len(some.images) == len(some.labels) == len(some.features) == 20


def test_a_folder_without_test_images_has_none(tmp_path):
    assert galleries.stored_tests(tmp_path) is None


@pytest.mark.parametrize("devices", [[None], [None, None]])
def test_chains_that_began_at_altered_images_are_not_drawn_pictures(devices):
    start = starts.uniform((4, 4, 1))
    buffer = ReplayBuffer(12, start, num_classes=3, devices=devices)
    buffer.origins_0[1].assign(starts.ALTERED)
    images, labels = galleries.drawn_images(buffer)
    others = np.arange(12) != 1
    everything = sampling.to_uint8(buffer.all_images())
    np.testing.assert_array_equal(images, everything[others])
    classes = {1: [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2], 2: [0, 0, 1, 1, 2, 2] * 2}
    np.testing.assert_array_equal(labels, np.array(classes[len(devices)])[others])
