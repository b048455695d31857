import os

import pytest

from jem_tf.evaluation import findings, part_states
from jem_tf.evaluation.report_page import run_results
from tests.evaluation.report_page.pages import CALIBRATION, make_run, put, put_figure
from tests.evaluation.test_findings import example


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path)


def test_figures_that_the_results_name_belong_to_them(run):
    findings.write_findings(run, "ood", example(), 7)
    figures, stale = run_results.find_figures(run, "ood")
    assert figures == {name: run.figure(f"ood_{name}") for name in ("chart", "grid")}
    assert stale == []


def test_a_figure_that_the_next_evaluation_does_not_make_is_stale(run):
    findings.write_findings(run, "ood", example(), 7)
    less = example()._replace(figures={"grid": example().figures["grid"]})
    findings.write_findings(run, "ood", less, 8)
    assert run_results.find_figures(run, "ood") == (
        {"grid": run.figure("ood_grid")},
        ["chart"],
    )


def test_a_figure_of_an_evaluation_that_was_killed_is_stale(run):
    findings.write_findings(run, "ood", example(), 7)
    put_figure(run, "ood_grid", shade=0.5)  # and its JSON was never written
    assert run_results.find_figures(run, "ood")[1] == ["grid"]


@pytest.mark.parametrize(("apart", "stale"), [(60, []), (3600, ["grid"])])
def test_figures_of_results_that_name_none_were_written_with_them(run, apart, stale):
    path = put_figure(run, "ood_grid")
    put(run, "ood", {"x": 1})
    os.utime(path, (1e9, 1e9))
    os.utime(run.result("ood"), (1e9 + apart, 1e9 + apart))
    assert run_results.find_figures(run, "ood")[1] == stale


def test_what_was_not_measured_is_listed_with_its_command(run):
    put(run, "calibration", CALIBRATION)
    lines = run_results.list_not_measured(run, run_results.read_results(run))
    assert "Samples (jem-tf evaluate samples)" in lines
    assert "AutoAttack (jem-tf evaluate robustness, with autoattack)" in lines
    assert (
        "AutoAttack within small radii (jem-tf evaluate robustness, with autoattack, "
        "kept as small_radii)" in lines
    )
    assert "Chains (jem-tf diagnose)" in lines
    assert not [line for line in lines if line.startswith("Calibration")]


def test_a_plain_classifier_does_not_lack_chains(run):
    put(run, "calibration", CALIBRATION, {"p_x_weight": 0.0})
    lines = run_results.list_not_measured(run, run_results.read_results(run))
    assert not [line for line in lines if line.startswith("Chains")]


def test_reasons_of_evaluate_all_and_absent_sets_are_told(run):
    put(run, "ood", {}, {"openood": {"not_measured": ["mnist"]}})
    conditions = part_states.Conditions((), 7, absent=("mnist", "other"))
    for name, outcome in (
        ("samples", "not measured: no Inception graph."),
        ("ood", ""),
    ):
        state = part_states.PartState(conditions, outcome or "measured", 1.0)
        part_states.write_state(run, name, state)
    lines = run_results.list_not_measured(run, run_results.read_results(run))
    assert "Samples (no Inception graph)" in lines
    assert [line for line in lines if line.startswith("ood")] == [
        "ood: other (it is not on the disk)"
    ]
    assert lines.count("Outliers of mnist (not on the disk)") == 1


@pytest.mark.parametrize(
    "text", ["{", "[]", "null", '{"parts": 3}', '{"parts": {"a": 1}}']
)
def test_what_evaluate_all_left_in_another_form_gives_no_reasons(run, text):
    run.results.mkdir()
    run.result("all").write_text(text)
    assert run_results.read_reasons(run) == {}


def test_results_of_several_checkpoints_are_told_apart(run):
    put(run, "calibration", {}, {"checkpoint_step": 7})
    put(run, "ood", {}, {"checkpoint_step": 8})
    networks = run_results.list_networks(run_results.read_results(run))
    assert networks == {(7, ""): ["calibration"], (8, ""): ["ood"]}
