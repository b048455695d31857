"""Draws docs/study/frontier.png: what a run's samples cost it in what it classifies.

python docs/study/frontier.py RUNS

Reads RUNS/NAME/results/study.json, as `table.py` does.
"""

import pathlib
import sys

import matplotlib as mpl

mpl.use("agg")

# isort: split
import matplotlib.pyplot as plt
import table

NATURAL = ("svhn_cropped", "cifar100", "dtd32", "tinyimagenet32")
PANELS = {
    "accuracy": lambda each: each["accuracy"],
    "accuracy under $L_2$ .25": lambda each: each["robust_accuracy/l2/0.25/jem0"],
    "smallest AUROC of max p(y|x), natural sets": lambda each: smallest_auroc(each),
}


def main(runs: str) -> None:
    """Draws a panel of each measure over the FID of the replay buffer."""
    found = table.read(runs)
    plain = found.pop("classifier")
    figure, all_axes = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
    for axes, (label, measure) in zip(all_axes, PANELS.items(), strict=True):
        axes.axhline(measure(plain), color="grey", linewidth=0.8)
        axes.annotate(
            "its classifier",
            (0, measure(plain)),
            xycoords=("axes fraction", "data"),
            xytext=(3, 3),
            textcoords="offset points",
            color="grey",
            fontsize=8,
        )
        for i, (name, each) in enumerate(found.items()):
            style = {"s": 40, "marker": f"${chr(ord('A') + i)}$", "label": name}
            axes.scatter(
                each["samples"]["fid"], measure(each), color=f"C{i % 10}", **style
            )
        axes.set(xlabel="FID of 5,000 buffer images", ylabel=label)
        axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    figure.savefig(pathlib.Path(__file__).with_name("frontier.png"), dpi=150)


def smallest_auroc(each):
    """The smallest AUROC of max p(y|x) over the sets of natural images."""
    return min(each[f"auroc/{key}/max_p"] for key in NATURAL)


if __name__ == "__main__":
    main(*sys.argv[1:])
