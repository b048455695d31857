import io

import numpy as np
from PIL import Image

from jem_tf import figures
from jem_tf.evaluation.report_page import card_pictures
from jem_tf.evaluation.report_page.run_results import Result
from tests.evaluation.report_page.test_attack_sentences import metrics
from tests.evaluation.report_page.test_outlier_sentences import METRICS


def results(name, found):
    return {name: Result(found, {}, {}, [])}


def pixels(png):
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("RGB"))


def test_pictures_change_with_the_numbers_of_the_results():
    draw = card_pictures.draw_outliers
    before, again = (pixels(draw(results("ood", METRICS))) for _ in range(2))
    after = pixels(draw(results("ood", METRICS | {"auroc/dtd/log_px": 0.7})))
    np.testing.assert_array_equal(before, again)
    assert before.shape == after.shape
    assert (before != after).any()
    assert before.shape[1] == card_pictures.PIXELS


def test_attacks_and_corruptions_are_drawn_if_there_are_two_points():
    found = results("robustness", metrics(jem0=0.5, jem10=0.3))
    assert pixels(card_pictures.draw_attacks(found, 0.1)).std() > 0
    shift = {"accuracy": 0.9, "ece": None, "corrupted_accuracy/mean/severity_1": 0.8}
    assert card_pictures.draw_shift(results("calibration", shift), 0.1)
    assert (
        card_pictures.draw_shift(results("calibration", {"accuracy": 0.9}), 0.1) is None
    )


def test_what_was_not_measured_has_no_picture():
    assert card_pictures.draw_outliers({}) is None
    assert card_pictures.draw_outliers(results("ood", {"log_px/test": 1.0})) is None
    assert card_pictures.draw_attacks(results("robustness", {}), 0.1) is None
    assert card_pictures.draw_shift({}, 0.1) is None


def test_names_that_are_cut_to_the_same_letters_keep_their_rows():
    long = {f"auroc/{'a' * 30}{i}{'b' * 30}/log_px": 0.5 for i in range(2)}
    one = dict([*long.items()][:1])
    both, single = (card_pictures.draw_outliers(results("ood", m)) for m in (long, one))
    assert len(pixels(both)) > len(pixels(single))


def test_a_large_picture_is_made_smaller(tmp_path):
    path = tmp_path / "large.png"
    figures.save(path, np.zeros([4, 8, 8, 3], "float32"), least_size=1000)
    small = pixels(card_pictures.shrink(path))
    assert small.shape[1] == card_pictures.PIXELS
    figures.save(path, np.zeros([1, 8, 8, 3], "float32"), least_size=8)
    assert card_pictures.shrink(path) == path.read_bytes()
