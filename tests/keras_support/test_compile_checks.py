"""Losses and metrics of logits are taken, and those of probabilities are refused."""

import keras
import pytest

from jem_tf.errors import InputError
from jem_tf.keras_support import compile_checks


@pytest.mark.parametrize(
    "loss",
    [
        "sparse_categorical_crossentropy",
        "categorical_crossentropy",
        keras.losses.sparse_categorical_crossentropy,
        keras.losses.SparseCategoricalCrossentropy(),
        keras.losses.CategoricalFocalCrossentropy(),
        "kl_divergence",
        keras.losses.kl_divergence,
        keras.losses.KLDivergence(),
        "crossentropy",  # of sparse probabilities, where labels are numbers
        "CE",
        ["sparse_categorical_crossentropy"],
        {"logits": keras.losses.SparseCategoricalCrossentropy()},
    ],
    ids=lambda given: given if isinstance(given, str) else None,
)
def test_a_loss_that_takes_probabilities_is_refused(loss):
    with pytest.raises(InputError, match=r"^loss=.* takes probabilities, and the"):
        compile_checks.only_loss(loss)


@pytest.mark.parametrize(
    "loss",
    [
        None,
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
        lambda y, f: f,
        "mse",
        "no such loss",  # Keras says so
    ],
    ids=lambda given: given if isinstance(given, str) else None,
)
def test_other_losses_are_left_to_keras(loss):
    assert compile_checks.only_loss(loss) is loss
    assert compile_checks.only_loss([loss]) is loss
    assert compile_checks.only_loss({"logits": loss}) is loss


def test_several_losses_are_refused():
    with pytest.raises(InputError, match=r"^loss=\['mse', 'mae'\] has 2 losses"):
        compile_checks.only_loss(["mse", "mae"])


@pytest.mark.parametrize(
    "metric",
    [
        "sparse_categorical_crossentropy",
        "crossentropy",
        "kl_divergence",
        keras.metrics.sparse_categorical_crossentropy,
        keras.metrics.SparseCategoricalCrossentropy(),
        keras.metrics.KLDivergence(),
        keras.metrics.Precision(class_id=1),  # thresholds of probabilities
        keras.metrics.F1Score(threshold=0.5),
        "AUC",
    ],
    ids=lambda given: given if isinstance(given, str) else None,
)
def test_a_metric_that_takes_probabilities_is_refused(metric):
    with pytest.raises(InputError, match=r"^metrics=.* takes probabilities, and the"):
        compile_checks.check_metrics(["accuracy", metric])
    for nested in ([["accuracy"], [metric]], {"logits": [metric]}, {"logits": metric}):
        with pytest.raises(InputError, match=r"^weighted_metrics=.* takes prob"):
            compile_checks.check_metrics(nested, "weighted_metrics")


@pytest.mark.parametrize(
    "metrics",
    [
        None,
        ["accuracy", "mse", lambda y, f: f, "no such metric"],
        [keras.metrics.SparseCategoricalCrossentropy(from_logits=True)],
        [keras.metrics.SparseTopKCategoricalAccuracy(2), keras.metrics.Mean()],
        {"logits": ["accuracy", keras.metrics.F1Score()]},
        [["accuracy"], None],
    ],
)
def test_other_metrics_are_left_to_keras(metrics):
    compile_checks.check_metrics(metrics)


def test_the_names_of_metrics_are_those_that_keras_logs():
    top = keras.metrics.SparseTopKCategoricalAccuracy(name="top")
    nested = {"logits": ["accuracy", top, lambda y, f: f], "more": None}
    assert compile_checks.names_of(nested) == {"accuracy", "top"}
    assert compile_checks.names_of(None) == set()
