"""Makes a pretrained model of a run: jem_tf/pretrained_runs/NAME.

    python docs/results/ship.py RUN NAME VERSION DATA_DIR SETS [OOD_SCORE]

packs RUN, measures calibration and detection of outliers of the packed weights on test
images, keeps 64 of these with the model's answers, and writes the model card.
docs/results/NAME.txt says what the model is in a sentence, and below an empty line
which commands trained it. SETS are sets of outliers, as `jem-tf evaluate ood --sets`
takes them.
"""

import json
import pathlib
import re
import shutil
import sys
import tempfile

import numpy as np

import jem_tf.system.tensorflow_setup  # noqa: F401
from jem_tf.commands import main
from jem_tf.evaluation import fitted_scores
from jem_tf.runs import loading, pretrained_models
from jem_tf.runs.run_folder import RunFolder
from jem_tf.serving import packing, predictor, run_calibration
from jem_tf.system import files

HERE = pathlib.Path(__file__).parent
EXAMPLES = 64
SHOWN = ("accuracy", "ece", "nll")


def ship(
    run: str,
    name: str,
    version: str,
    data_dir: str,
    sets: str,
    ood_score: str = "auto",
) -> None:
    """Makes the folder of the model, which must not be there."""
    number, _ = int(version), read_about(name)  # before anything is measured
    trained = loading.read_run(run)
    data = loading.read_data(trained, data_dir)
    place = pretrained_models.ROOT / name
    if place.exists():
        sys.exit(f"{place} is there; move it away.")
    # What a score was fitted to is kept with a run outside the package alone.
    with tempfile.TemporaryDirectory() as outside:
        packed = pathlib.Path(outside, name)
        packing.pack_run(trained, data, packed, ood_score=ood_score)
        shutil.copytree(packed, place)
    common = [f"--workdir={place}", f"--data_dir={data_dir}", "--precision=float32"]
    call("evaluate calibration", *common)
    call("evaluate ood", *common, "--half=odd", f"--sets={sets}")
    write_examples(place, data)
    finish(place, number)


def finish(place: pathlib.Path, version: int) -> None:
    """Leaves out what is not shipped, and writes the model card and the manifest."""
    folder, name = RunFolder(place), place.name
    for extra in (folder.figures, folder.tensorboard):
        shutil.rmtree(extra, ignore_errors=True)
    for path in folder.results.glob("*.json"):
        text = re.sub(r'(?<=[": ])/[\w/.-]*/', "", path.read_text())  # paths of folders
        results = json.loads(text)
        results.pop("figures", None)
        files.write_json(path, results)
    sentence, *commands = read_about(name)
    (place / "README.md").write_text(card(name, folder, sentence, commands))
    pretrained_models.write_manifest(
        place, version=version, about=sentence, made_by=tuple(commands)
    )


def read_about(name: str) -> list[str]:
    """[what the model is, in a sentence; the commands that made it]."""
    return list(filter(None, (HERE / f"{name}.txt").read_text().splitlines()))


def call(command: str, *words: str) -> None:
    """`jem-tf COMMAND WORDS` in this process."""
    try:
        main.main([*command.split(), *words])
    except SystemExit as end:
        if end.code:
            raise


def write_examples(place: pathlib.Path, data) -> None:
    """Writes examples.npz: test images of all classes, and what the model answers."""
    chosen = fitted_scores.choose_images(data.test, EXAMPLES)
    model = predictor.load(place, precision="float32")
    answers = model.classify(chosen.images)
    logits = model.model.logits(chosen.images).numpy()
    np.savez_compressed(
        place / "examples.npz",
        images=chosen.images,
        labels=chosen.labels,
        logits=logits,
        log_density=answers.log_density,
        ood_score=answers.ood_score,
    )


def card(name: str, folder: RunFolder, sentence: str, commands: list[str]) -> str:
    """The model card, in Markdown."""
    _, facts = run_calibration.read_calibration(folder)
    split = facts["test_split"]
    where = "" if split == "the test split" else f" ({split})"
    lines = [f"# {name}", "", sentence, "", "    " + "\n    ".join(commands), ""]
    lines += [
        f"Of these weights, rounded to float16 and computed in {facts['precision']},",
        f"on {facts['test_images']:,} test images{where}, on which",
        "nothing was chosen:",
        "",
        "| quantity | value | 95% interval |",
        "|---|---|---|",
        *rows(folder.result("calibration"), SHOWN),
    ]
    served = facts["ood_score"]
    too = "" if served == "log_px" else " and by the model's own log p(x)"
    lines += [
        "",
        f"`is_ood` goes by `{served}` ({facts['ood_score_about']}),",
        f"{facts['ood_score_chosen']}."
        + (" That classifier is kept in 8 bits." if in_8_bits(folder) else ""),
        f"AUROC with the odd half of each set of outliers, by this score{too}:",
    ]
    for score in dict.fromkeys([served, "log_px"]):
        lines += [
            "",
            f"| outliers: `{score}` | AUROC | 95% interval |",
            "|---|---|---|",
        ]
        lines += rows(folder.result("ood"), [], score)
    lines += [
        "",
        f"`is_ood` is true below {facts['threshold']:.4f}, so that "
        f"{facts['accepted']:.1%} of the validation images are known; `confidence` is "
        f"computed at temperature {facts['temperature']:.3f}.",
    ]
    return "\n".join(lines) + "\n"


def in_8_bits(folder: RunFolder) -> bool:
    """Whether the classifier that scores outliers is kept as int8."""
    if not folder.initial_classifier.exists():
        return False
    with np.load(folder.initial_classifier) as arrays:
        return any(arrays[name].dtype == np.int8 for name in arrays.files)


def rows(path: pathlib.Path, names, score: str = ""):
    """Rows of a table: the metrics of these names, or the AUROCs of a score."""
    metrics = json.loads(path.read_text())
    metrics = metrics.get("metrics", metrics)
    if score:
        names = [
            key
            for key in metrics
            if key.startswith("auroc/") and key.endswith(f"/{score}")
        ]
    for name in names:
        shown = name.split("/")[1] if score else name
        low, high = metrics.get(f"{name}_ci") or (float("nan"),) * 2
        yield f"| {shown} | {metrics[name]:.4f} | {low:.4f} to {high:.4f} |"


if __name__ == "__main__":
    ship(*sys.argv[1:])
