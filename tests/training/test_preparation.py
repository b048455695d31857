import pytest

from jem_tf.errors import InputError
from jem_tf.runs import flagfiles
from jem_tf.training import preparation
from tests.lowering import lowered


def test_preparing_writes_nothing_and_claiming_makes_the_folder(tmp_path):
    opts = lowered.opts(tmp_path / "run", steps=0, epochs=2)
    run = preparation.prepare(opts)
    assert not (tmp_path / "run").exists()
    assert run.plan.steps == 2 * (len(run.data.train.labels) // 6)
    with preparation.claimed_folder(run) as folder:
        assert folder.read_description() == run.description
        assert flagfiles.from_flagfile(folder.flags_file).training.epochs == 2
        with (
            pytest.raises(InputError, match="is in use by another process"),
            preparation.claimed_folder(run),
        ):
            pass


def test_data_of_another_run_in_the_folder_are_refused(tmp_path):
    run = preparation.prepare(lowered.opts(tmp_path / "run"))
    with preparation.claimed_folder(run):
        pass
    with pytest.raises(InputError, match="holds another run"):
        preparation.prepare(lowered.opts(tmp_path / "run", seed=3))


def test_a_trainable_model_is_before_its_first_step(tmp_path):
    opts = lowered.opts(tmp_path / "run")
    run = preparation.prepare(opts)
    model = preparation.make_trainable(opts, run.data, 8, run.team)
    assert int(model.optimizer.iterations) == 0
    assert not model.buffer.all_ages().any()
    assert model.optimizer.built
