from jem_tf.keras_support import first_variables
from tests.tiny_models import compiled, data, jem


def test_an_optimiser_gets_its_variables_once():
    model = compiled()
    assert not model.optimizer.built
    first_variables.build_optimizer(model)
    made = model.optimizer.variables
    assert len(made) > len(model.trainable_weights)
    first_variables.build_optimizer(model)
    assert [id(x) for x in model.optimizer.variables] == [id(x) for x in made]


def test_a_model_that_is_not_compiled_is_left_as_it_is():
    model = jem()
    first_variables.build_optimizer(model)
    assert not model.compiled


def test_metrics_by_name_are_those_of_class_numbers():
    model = compiled()
    assert not model._compile_metrics.variables
    first_variables.build_metrics(model, model.num_classes)
    total, count = model._compile_metrics.variables
    assert (float(total), float(count)) == (0.0, 0.0)
    x, y = data()
    model.train_on_batch(x, y)
    assert float(count) == len(y)
