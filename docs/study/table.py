"""Prints the tables of docs/study.md from RUNS/NAME/results/study.json.

python docs/study/table.py RUNS
"""

import json
import pathlib
import sys

SETS = {
    "svhn_cropped": "SVHN",
    "cifar100": "CIFAR-100",
    "dtd32": "DTD",
    "tinyimagenet32": "TinyImageNet",
    "uniform": "uniform",
    "constant": "constant",
    "interpolation": "interpolation",
}
SCORES = ["log_px", "max_p", "vim", "knn", "combined"]


def main(runs: str) -> None:
    """Prints both tables in Markdown."""
    found = read(runs)
    print_quality(found)
    print()
    print_detection(found)


def read(runs):
    """The results of each run that has been measured: {name: content of study.json}."""
    here = pathlib.Path(__file__).parent
    order = ["classifier", "base"]
    order += sorted({x.stem for x in here.glob("*.flags")} - {*order})
    found = {}
    for name in order:
        path = pathlib.Path(runs) / name / "results" / "study.json"
        if path.exists():
            found[name] = json.loads(path.read_text())
    return found


def print_quality(found):
    """Accuracy, calibration, robustness, samples and the gap of each run."""
    head = ["run", "steps", "accuracy", "ECE", "NLL", "L2 .25", "FID", "KID x 1000"]
    print_row([*head, "gap by fifths of the run, nats"])
    print_row(["---"] * 9)
    for name, each in found.items():
        samples = each.get("samples")
        print_row(
            [
                f"[{name}](study/{name}.flags)",
                f"{each['step']:,}",
                *(f"{each[key]:.3f}" for key in ("accuracy", "ece", "nll")),
                f"{each['robust_accuracy/l2/0.25/jem0']:.2f}",
                f"{samples['fid']:.1f}" if samples else "-",
                f"{1000 * samples['kid']:.0f}" if samples else "-",
                " ".join(f"{x:.1f}" for x in each.get("gap_by_fifths", [])) or "-",
            ]
        )


def print_detection(found):
    """AUROC of each score on each set, and the smallest of them."""
    print_row(["run", "score", *SETS.values(), "smallest"])
    print_row(["---"] * (len(SETS) + 3))
    for name, each in found.items():
        for score in SCORES:
            values = [each[f"auroc/{key}/{score}"] for key in SETS]
            numbers = [f"{x:.2f}" for x in (*values, min(values))]
            print_row([name, score, *numbers])


def print_row(cells):
    """Prints a row of a Markdown table."""
    print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main(*sys.argv[1:])
