import pytest

from jem_tf.evaluation import tables

METRICS = {
    "accuracy": 0.91234,
    "accuracy_ci": [0.9, 0.92],
    "fid": 38.4,
    "fid_std": 0.5,
    "auroc/svhn/log_px": 0.8,
    "auroc/svhn/log_px_ci": [0.7, 0.9],
    "auroc/svhn/max_p": 0.7,
    "auroc/noise/log_px": None,
    "robust_accuracy/linf/8/jem0": 0.1,
    "robust_accuracy/linf/8/jem1/full": 0.2,
    "images": 10_000,
}


def test_every_number_stands_somewhere_once_with_what_belongs_beside_it():
    single, grids = tables.lay_out(METRICS)
    assert list(single) == ["accuracy", "fid", "images"]
    assert single["accuracy"] == (0.91234, [0.9, 0.92], None)
    assert single["fid"] == (38.4, None, 0.5)
    assert list(grids["auroc"]) == ["svhn", "noise"]
    assert grids["auroc"]["svhn"]["log_px"] == (0.8, [0.7, 0.9], None)
    assert tables.column_names(grids["auroc"]) == ["log_px", "max_p"]
    assert list(grids["robust_accuracy"]["linf/8"]) == ["jem0", "jem1/full"]


def test_the_text_has_a_line_a_number_and_a_row_a_row():
    lines = tables.format_metrics(METRICS)
    assert lines[0].split() == ["accuracy", "0.9123", "[0.9,", "0.92]"]
    assert lines[1].split() == ["fid", "38.4", "+-", "0.5"]
    assert lines[2].split() == ["images", "10,000"]
    assert [line.split() for line in lines[4:7]] == [
        ["auroc", "log_px", "max_p"],
        ["svhn", "0.8", "0.7"],
        ["noise", "n/a"],
    ]


def test_a_deviation_of_no_metric_is_a_number_of_its_own():
    metrics = {"energy_mean": 2.0, "energy_std": 0.25}
    assert tables.lay_out(metrics).single == {
        "energy_mean": (2.0, None, None),
        "energy_std": (0.25, None, None),
    }
    lines = [line.split() for line in tables.format_metrics(metrics)]
    assert lines == [["energy_mean", "2"], ["energy_std", "0.25"]]


@pytest.mark.parametrize(
    ("value", "shown"), [(None, "n/a"), (3, "3"), (0.123456, "0.1235"), (1e-7, "1e-07")]
)
def test_numbers_have_four_digits(value, shown):
    assert tables.format_number(value) == shown


def test_a_grid_of_many_columns_is_in_parts_that_fit_a_terminal():
    names = [f"score_of_{i}" + "x" * i for i in range(9)]
    metrics = {f"auroc/{row}/{name}": 0.5 for row in ("svhn", "dtd") for name in names}
    lines = tables.format_metrics(metrics)
    assert max(map(len, lines)) <= tables.WIDTH
    heads = [line.split() for line in lines if line.startswith("  auroc")]
    assert len(heads) > 1
    assert [name for head in heads for name in head[1:]] == names
    assert sum(line.split().count("0.5") for line in lines) == len(metrics)


@pytest.mark.parametrize(
    ("most", "sizes"), [(10, [5]), (4, [3, 2]), (2, [2, 2, 1]), (0, [1] * 5)]
)
def test_parts_have_about_equally_many_columns(most, sizes):
    parts = tables.parts_of(list("abcde"), lambda name: 1, most)
    assert [len(part) for part in parts] == sizes
    assert [name for part in parts for name in part] == list("abcde")
