"""Pictures of samples, of the buffer and of fresh chains."""

import io

import numpy as np
import pytest
from PIL import Image

from jem_tf import datasets, sampling, starts
from jem_tf.evaluation import sample_figures, sample_sources
from tests.evaluation.buffered import SHAPE, WALK, made


@pytest.fixture(scope="module")
def model():
    return made()


def fresh(model):
    return sample_sources.FreshChains(model, starts.uniform(SHAPE), WALK)


@pytest.mark.parametrize("source", ["buffer", "fresh"])
def test_there_is_a_picture_of_each_kind(model, source):
    data = datasets.load("digits")
    some = fresh(model) if source == "fresh" else None
    drawn = sample_sources.draw_samples(model, 30, some)
    pictures = sample_figures.make_figures(model, drawn, data, fresh=some)
    assert set(pictures) == set(sample_figures.figures_protocol(some))
    np.testing.assert_array_equal(sampling.to_uint8(pictures.pop("grid")), drawn)
    for figure in pictures.values():
        content = io.BytesIO()
        figure.savefig(content, format="png", dpi=40)
        with Image.open(content) as picture:
            assert np.asarray(picture.convert("L")).std() > 10


def test_a_row_of_the_classes_is_named_after_its_class(model):
    data = datasets.load("digits")
    drawn = sample_sources.draw_samples(model, 30)
    axes = sample_figures.make_figures(model, drawn, data)["classes"].axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == list("0123456789")
