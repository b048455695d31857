from jem_tf.evaluation.report_page import first_screen, run_results
from tests.evaluation.report_page.pages import CALIBRATION, Page, make_run, put

NAMES = [f"class {i}" for i in range(10)]


def render(run):
    runs = {"this run": run_results.read_results(run)}
    return first_screen.render_first_screen(run, runs, NAMES)


def test_the_first_screen_says_what_was_and_was_not_measured(tmp_path):
    run = make_run(tmp_path)
    put(run, "calibration", CALIBRATION)
    text = Page(render(run)).text
    assert "✓ It can classify: 91.7% [91.2%, 92.2%] of all 10,000 test images" in text
    assert "Not measured: Outliers (jem-tf evaluate ood); Samples (" in text
    assert "data cifar10" in text
    assert "different checkpoints" not in text


def test_results_of_two_trainings_of_as_many_steps_are_warned_of(tmp_path):
    run = make_run(tmp_path)
    one, two = ({"checkpoint_step": 7, "network_sha256": x * 64} for x in "ab")
    put(run, "calibration", CALIBRATION, one)
    put(run, "samples", {"fid": 1.0}, one)
    put(run, "chains", {"rhat": 1.0}, {"checkpoint_step": 7})
    assert "different checkpoints" not in Page(render(run)).text
    put(run, "samples", {"fid": 1.0}, two)
    text = Page(render(run)).text
    assert "calibration at step 7 (network aaaaaaaa)" in text
    assert "samples at step 7 (network bbbbbbbb)" in text


def test_results_of_several_checkpoints_are_warned_of(tmp_path):
    run = make_run(tmp_path)
    put(run, "calibration", CALIBRATION, {"checkpoint_step": 7})
    put(run, "samples", {"fid": 1.0}, {"checkpoint_step": 9})
    text = Page(render(run)).text
    assert "calibration at step 7; samples at step 9" in text
