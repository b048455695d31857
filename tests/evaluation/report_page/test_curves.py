import pytest
import tensorflow as tf

from jem_tf.evaluation.report_page import curves
from tests.evaluation.report_page.pages import make_run


def log(folder, values, tag="training/accuracy"):
    writer = tf.summary.create_file_writer(str(folder.tensorboard))
    with writer.as_default():
        for step, value in values.items():
            tf.summary.scalar(tag, value, step=step)
            tf.summary.scalar("chains/saturation", 1.0, step=step)
    writer.close()


def test_scalars_are_read_and_a_step_trained_twice_counts_once(tmp_path):
    run = make_run(tmp_path)
    log(run, {1: 0.25, 2: 0.5})
    (first,) = run.tensorboard.iterdir()
    first.rename(run.tensorboard / "events.out.tfevents.1000000000.a.1.0.v2")
    log(run, {2: 0.75, 3: 1.0})
    expected = {"training/accuracy": {1: 0.25, 2: 0.75, 3: 1.0}}
    assert curves.read_scalars(run) == expected


def test_a_log_that_was_cut_off_gives_what_comes_before(tmp_path, capsys):
    run = make_run(tmp_path)
    log(run, {1: 0.25, 2: 0.5})
    (path,) = run.tensorboard.iterdir()
    path.write_bytes(path.read_bytes()[:-3])
    assert curves.read_scalars(run)["training/accuracy"] == {1: 0.25, 2: 0.5}
    assert "ends in the middle of a record" in "".join(capsys.readouterr())


def test_a_run_without_logs_has_no_curves(tmp_path):
    assert curves.read_scalars(make_run(tmp_path)) == {}
    assert curves.draw_curves({}) is None


@pytest.mark.parametrize("steps", [1, 3])
def test_curves_are_drawn_of_what_is_there(steps):
    series = {"energies/energy_gap": {i: float(i) for i in range(steps)}}
    assert curves.draw_curves(series).startswith(b"\x89PNG")
