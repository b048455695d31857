"""The card beside an exported model."""

import dataclasses
import json
import types

import pytest

from jem_tf.options import Network, Objective, Options
from jem_tf.runs.run_folder import RunFolder
from jem_tf.serving import model_card

FACTS = {
    "network": "convnet-8",
    "dataset": "digits",
    "precision": "float32",
    "images": 143,
    "calibrated_on": "digits, the validation images",
    "accuracy": 0.5,
    "temperature": 0.77,
    "temperature_at_bound": False,
    "threshold": 3.0,
    "accepted": 0.951,
    "accept": 0.95,
    "ood_score": "knn",
    "ood_score_about": "a distance",
    "ood_score_chosen": "the default",
    "versions": {"jem-tf": "0.1.0"},
    "network_sha256": "abc",
    "image_shape": [8, 8, 1],
    "class_names": ["nought", "one"],
    "seen_in_training": False,
    "test_images": 359,
    "sampler": {"name": "sgld", "steps": 20, "step_size": 1.0, "noise": 0.01},
}


BEFORE = ("validation_", "")  # names of results to choose by, and of those to report


def classify(images):
    """Says what an image is."""


def card(tmp_path, options=None, **facts):
    folder = RunFolder(tmp_path)
    run = types.SimpleNamespace(folder=folder, options=options or Options(), step=1200)
    return model_card.render_card(run, FACTS | facts, {"classify": classify})


def test_it_says_what_the_model_is_and_how_it_was_calibrated(tmp_path):
    text = card(tmp_path)
    for words in ("convnet-8 on digits", "nought, one", "Step 1200", "`abc`"):
        assert words in text
    assert "temperature 0.7700" in text
    assert "`ood_score` is `knn` (a distance),\n  the default." in text
    assert "Says what an image is." in text
    assert "--dataset=digits" in text
    assert "run `jem-tf evaluate calibration`" in text


@pytest.mark.parametrize(
    ("share", "says"),
    [
        (1.0, "(requested: 0.95); of uniform noise, 1.00 is below it."),
        (0.02, "**warning**: of uniform noise, 0.02 alone is below it."),
        (None, "(requested: 0.95)."),
    ],
)
def test_it_says_how_much_uniform_noise_is_unknown(tmp_path, share, says):
    assert says in card(tmp_path, noise_is_ood=share)


@pytest.mark.parametrize("seen", [True, False])
def test_it_warns_of_images_that_were_seen_in_training(tmp_path, seen):
    text = " ".join(card(tmp_path, seen_in_training=seen).split())
    assert ("most likely seen in training" in text) == seen


def test_it_says_of_a_plain_classifier_that_it_is_one(tmp_path):
    plain = dataclasses.replace(Options(), objective=Objective(p_x_weight=0.0))
    assert "a plain classifier" in card(tmp_path, plain)
    assert "a plain classifier" not in card(tmp_path)


def test_it_shows_no_results_to_choose_by(tmp_path):
    (tmp_path / "results").mkdir()
    protocol = {"network_sha256": FACTS["network_sha256"], "limit": 0}
    for name, key in (("calibration", "accuracy"), ("ood", "auroc/svhn/log_px")):
        found = json.dumps({"metrics": {key: 0.4321}, "protocol": protocol})
        chosen, test = (tmp_path / "results" / f"{n}{name}.json" for n in BEFORE)
        chosen.write_text(found)
        assert f"| {key} |" not in card(tmp_path)
        test.write_text(found)
        assert f"| {key} | 0.4321 |" in card(tmp_path)


def test_what_one_evaluation_lacks_does_not_hide_what_another_has(tmp_path):
    (tmp_path / "results").mkdir()
    protocol = {"network_sha256": FACTS["network_sha256"]}
    for name, metrics in (
        ("calibration", {"accuracy": 0.91, "ece": 0.02}),
        ("ood", {"auroc/svhn/log_px": 0.4321}),
    ):
        found = json.dumps({"metrics": metrics, "protocol": protocol})
        (tmp_path / "results" / f"{name}.json").write_text(found)
    for row in ("| accuracy | 0.9100 |", "| ece | 0.0200 |", "| auroc/svhn/log_px |"):
        assert row in card(tmp_path)


def test_it_claims_a_density_only_where_the_objective_has_one(tmp_path):
    ratio = dataclasses.replace(Options(), objective=Objective(objective="logistic"))
    words = "`log_density` is then the log-ratio of the\n  densities"
    assert words in card(tmp_path, ratio)
    assert words not in card(tmp_path)


def test_its_recipe_has_no_path_of_the_network_that_training_started_from(tmp_path):
    options = dataclasses.replace(Options(), network=Network(init="/home/me/runs/it"))
    text = card(tmp_path, options)
    assert "--init=it\n" in text
    assert "/home/me" not in text


def read_markdown(text):
    """What a reader sees of a paragraph."""
    from markdown_it import MarkdownIt

    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)
    inline = [child for token in tokens for child in token.children or []]
    assert {child.type for child in inline} <= {"text", "text_special", "softbreak"}
    return "".join(child.content for child in inline)


@pytest.mark.parametrize(
    "name",
    [
        "a_b", "_a_", "*a*", "<b>", "<script>x</script>", "`a`", "$x$", "a|b", "&lt;",
        "[a](b)", "~~a~~", "\\a", "\\*", "鳥", "a & b", "!x", "__init__", "a__b",
    ],
)  # fmt: skip
def test_names_of_classes_are_read_as_they_are(tmp_path, name):
    text = card(tmp_path, class_names=[name, "cat"], dataset=f"folder:{name}")
    (line,) = (x for x in text.splitlines() if x.startswith("**Classes**"))
    assert read_markdown(line.split(": ")[1]) == f"{name}, cat."
    assert read_markdown(text.splitlines()[0][2:]) == f"convnet-8 on folder:{name}"


def test_a_name_with_a_comma_is_told_from_two_names(tmp_path):
    text = card(tmp_path, class_names=["a", "a, b", 'say "c"'])
    assert ': a, "a, b", "say ""c""".' in text
