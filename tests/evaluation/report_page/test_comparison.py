"""Numbers of different protocols are never in one column."""

import pytest

from jem_tf.evaluation.report_page import comparison, published_numbers
from jem_tf.evaluation.report_page.run_results import Result
from tests.evaluation.report_page.pages import CALIBRATION, CIFAR

SAMPLES = {
    "fid": 77.7,
    "fid_std": 0.6,
    "inception_score": 5.0,
    "samples": 5000,
}
SOURCE = {
    "source": "replay buffer, as it is",
    "confident": 1.0,
    "reference": {"images": "50000 of the data's train and validation images"},
    "features": {"precision": "float32"},
}
OOD = {"auroc/svhn/max_p": 0.9, "auroc/svhn/max_p_ci": [0.89, 0.91]}
SETS = {"sets": {"svhn": "26032 images: TFDS svhn, test split; as they are"}}


def results(**changed):
    protocol = CIFAR | changed
    return {
        "calibration": Result(CALIBRATION, protocol, {}, []),
        "samples": Result(SAMPLES, protocol | SOURCE, {}, []),
        "ood": Result(OOD, protocol | SETS, {}, []),
    }


def columns(entries):
    found = {}
    for entry in entries:
        found.setdefault(entry.column, []).append(entry.model)
    return found


def test_equal_protocols_share_a_column():
    found = columns(comparison.list_entries({"this run": results()}))
    clean = published_numbers.of_test_images("cifar10", 10_000)
    noisy = published_numbers.of_test_images("cifar10", 10_000, 0.03)
    assert found["Accuracy", clean] == ["this run", "SADA-JEM, K=5", "WRN-28-10"]
    assert found["Accuracy", noisy] == ["this run", "JEM", "JEM++"]


def test_a_data_set_is_the_same_in_every_spelling():
    own = {"this run": results()}
    for name in ("CIFAR10", "cifar10:3.0.2"):
        spelled = {"this run": results(dataset=name)}
        assert comparison.list_entries(spelled) == comparison.list_entries(own)
    assert comparison.dataset_of(results(dataset="svhn")["ood"]) == "svhn_cropped"


@pytest.mark.parametrize(
    "changed",
    [
        {"limit": 500},
        {"test_images": 9000},
        {"dataset": "cifar10_corrupted"},
        {"test_split": "held out of the train split"},
        {"accuracy_noisy": "noise N(0, 0.1^2) on pixels of [-1, 1]"},
        {"accuracy_noisy": "other words"},
        {"test_images": None},
    ],
)
def test_another_protocol_stands_in_a_column_of_its_own(changed):
    runs = {"this run": results(), "baseline": results(**changed)}
    found = columns(comparison.list_entries(runs))
    noise = "accuracy_noisy" in changed
    for (quantity, protocol), models in found.items():
        if quantity == "Accuracy" and ("no noise" not in protocol) == noise:
            assert models == ["baseline"] or "baseline" not in models


def test_fid_of_a_run_never_stands_beside_that_of_a_paper():
    found = columns(comparison.list_entries({"this run": results()}))
    for (quantity, _), models in found.items():
        if quantity in ("FID", "Inception Score") or quantity.startswith("AUROC"):
            assert models == ["this run"] or "this run" not in models


@pytest.mark.parametrize(
    "changed",
    [
        {"source": "fresh chains"},
        {"confident": 0.1},
        {"reference": {"images": "10000 of the data's test images"}},
        {"features": {"precision": "bfloat16"}},
    ],
)
def test_fid_of_samples_made_otherwise_is_in_another_column(changed):
    samples = Result(SAMPLES, CIFAR | SOURCE | changed, {}, [])
    runs = {"this run": results(), "baseline": {"samples": samples}}
    for (quantity, _), models in columns(comparison.list_entries(runs)).items():
        if quantity == "FID":
            assert len(set(models) & set(runs)) <= 1


def test_fid_of_other_counts_is_in_another_column():
    more = Result(SAMPLES | {"samples": 10_000}, CIFAR | SOURCE, {}, [])
    runs = {"this run": results(), "baseline": {"samples": more}}
    found = columns(comparison.list_entries(runs))
    fids = [models for (quantity, _), models in found.items() if quantity == "FID"]
    assert sorted(fids)[-1:] == [["this run"]]
    assert ["baseline"] in fids


def test_fid_of_fresh_chains_stands_in_a_column_of_its_number_of_steps():
    def fresh(steps):
        source = {"source": "fresh chains", "sampler_steps": steps}
        return {"fresh_samples": Result(SAMPLES, CIFAR | SOURCE | source, {}, [])}

    runs = {"short": fresh(50), "long": fresh(160), "too": fresh(160)}
    found = columns(comparison.list_entries(runs))
    fids = [models for (quantity, _), models in found.items() if quantity == "FID"]
    assert ["short"] in fids
    assert ["long", "too"] in fids


def test_nothing_was_published_on_data_of_ones_own():
    entries = comparison.list_entries({"this run": results(dataset="folder:/a")})
    assert not [entry for entry in entries if entry.source]


def test_numbers_are_those_of_the_results():
    (entry, *_) = comparison.own_entries("this run", results())
    assert (entry.shown, entry.uncertainty) == ("0.917", "[0.912, 0.922]")
    missing = {"calibration": Result({"accuracy": None}, CIFAR, {}, [])}
    assert comparison.own_entries("this run", missing) == []
