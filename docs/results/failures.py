"""Draws the worst failures of a pretrained model into its folder and its card.

    python docs/results/failures.py NAME DATA_DIR SETS

They are the test images that it got wrong with the greatest confidence, the outliers
of odd index that scored highest, and the test images that scored lowest. SETS are sets
of outliers, as `jem-tf evaluate ood --sets` takes them.
"""

import pathlib
import sys

import numpy as np

import jem_tf.system.tensorflow_setup  # noqa: F401
from jem_tf import figures, pixels
from jem_tf.datasets import outliers
from jem_tf.figures import captioned_grids
from jem_tf.runs import loading, pretrained_models
from jem_tf.serving import predictor
from jem_tf.system import console

SHOWN, BATCH = 8, 1000
FIGURE, TITLE = "failures.png", "## Worst failures"
LABELS = ("sure and wrong", "taken as known", "not known")


def main(name: str, data_dir: str, sets: str) -> None:
    """Adds the figure and its words, and writes the manifest anew."""
    model = pretrained_models.pretrained()[name]
    text = (model.folder / "README.md").read_text().partition(TITLE)[0].rstrip()
    words = draw(model.folder, data_dir, sets.split(","))
    (model.folder / "README.md").write_text("\n".join([text, "", *words]) + "\n")
    pretrained_models.write_manifest(
        model.folder, version=model.version, about=model.about, made_by=model.made_by
    )


def draw(place: pathlib.Path, data_dir: str, sets: list[str]) -> list[str]:
    """Draws the figure, and says what it shows: lines of Markdown."""
    model = predictor.load(place, precision="float32")
    images, labels = map(np.asarray, loading.read_data(model.run, data_dir).test)
    own = classify(model, images)
    names = np.array(model.class_names)
    wrong = np.flatnonzero(own.class_names != names[labels])
    shown = min(SHOWN, len(wrong))
    sure = wrong[np.argsort(-own.confidence[wrong], kind="stable")][:shown]
    refused = np.argsort(own.ood_score, kind="stable")[:shown]
    far, from_sets, answers = worst_outliers(model, images, data_dir, sets, shown)
    keys = outliers.metric_keys(sets, "test").values()
    captions = [
        [
            f"{names[labels[i]]}:\n{own.class_names[i]} {own.confidence[i]:.0%}"
            for i in sure
        ],
        [f"{s}:\n{c} {p:.0%}" for s, (c, p) in zip(from_sets, answers, strict=True)],
        [f"{names[labels[i]]},\nscore {own.ood_score[i]:.1f}" for i in refused],
    ]
    rows = (images[sure], far, images[refused])
    figure = captioned_grids.captioned_rows(
        {k: pixels.from_uint8(x).numpy() for k, x in zip(LABELS, rows, strict=True)},
        dict(zip(LABELS, captions, strict=True)),
        [""] * shown,
    )
    figures.save_plot(place / FIGURE, figure)
    return [
        TITLE,
        "",
        f"![Pictures in three rows]({FIGURE})",
        "",
        f"Of {len(labels):,} test images {len(wrong):,} are classified wrongly; the "
        "first row has those with the greatest confidence: the class, and below it the "
        f"answer. The second row has the outliers (of {', '.join(keys)}) that look "
        "most like its data to the model, with its answers; the third the test images "
        "that look least like its data.",
    ]


def worst_outliers(model, images, data_dir: str, sets: list[str], count: int):
    """The outliers of the highest scores: (uint8 images, their sets, its answers)."""
    worst = []
    for name, key in outliers.metric_keys(sets, "test").items():
        far, _ = outliers.load_outliers(name, images, data_dir=data_dir, half="odd")
        answers = classify(model, far)
        for i in np.argsort(-answers.ood_score, kind="stable")[:count]:
            answer = answers.class_names[i], answers.confidence[i]
            worst.append((float(answers.ood_score[i]), key, answer, as_uint8(far[i])))
        console.say(f"{key}: {np.mean(~answers.is_ood):.1%} are taken as known")
    worst = sorted(worst, key=lambda each: -each[0])[:count]
    _, keys, answers, pictures = zip(*worst, strict=True)
    return np.stack(pictures), keys, answers


def as_uint8(images):
    """Images as uint8, which synthetic sets are not."""
    images = np.asarray(images)
    return images if images.dtype == np.uint8 else pixels.to_uint8(images).numpy()


def classify(model, images):
    """Classifies images in batches, as the arrays of a `Classification`."""
    parts = [
        model.classify(images[i : i + BATCH]) for i in range(0, len(images), BATCH)
    ]
    columns = (map(np.asarray, each) for each in zip(*parts, strict=True))
    return type(parts[0])(*(np.concatenate([*each]) for each in columns))


if __name__ == "__main__":
    main(*sys.argv[1:])
