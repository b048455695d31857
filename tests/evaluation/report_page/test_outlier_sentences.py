from jem_tf.evaluation.report_page import outlier_sentences
from jem_tf.evaluation.report_page.run_results import Result
from jem_tf.evaluation.report_page.sentences import CAN, CANNOT

METRICS = {
    "auroc/svhn/log_px": 0.455,
    "auroc/svhn/log_px_ci": [0.447, 0.463],
    "auroc/uniform/log_px": 1.0,
    "auroc/uniform/log_px_ci": [1.0, 1.0],
    "auroc/dtd/log_px": 0.51,
    "auroc/dtd/log_px_ci": [0.49, 0.53],
    "auroc/svhn/knn": 0.99,
    "auroc/svhn/max_p": 0.876,
    "openood/max_p/near_auroc": 0.8,
    "openood/max_p/near_auroc_ci": [0.79, 0.81],
    "openood/max_p/far_auroc": 0.9,
}


def say(metrics, **protocol):
    results = {"ood": Result(metrics, protocol, {}, [])}
    return outlier_sentences.say_outliers(results, {}, 0.1)


def test_sets_are_told_by_their_intervals_and_the_hardest_is_named():
    first, second, groups = say(METRICS)
    assert first.verdict == CANNOT
    assert first.text == (
        "By log p(x) it can tell uniform noise from test images; it cannot tell SVHN "
        "from test images; it cannot be shown to tell dtd from test images. AUROC "
        "(chance: 0.5) is lowest for SVHN: 0.455 [0.447, 0.463]."
    )
    assert second.verdict == CAN
    assert second.text.startswith("By max p(y|x) it can tell SVHN from test images.")
    assert groups.text == (
        "OpenOOD's mean AUROC is 0.800 [0.790, 0.810] on the near sets and 0.900 on "
        "the far sets."
    )


def test_the_scores_are_not_chosen_by_their_numbers():
    assert "nearest neighbours" not in " ".join(s.text for s in say(METRICS))
    initial = METRICS | {"auroc/svhn/initial_log_px": 0.1}
    assert "of the classifier before it cannot tell SVHN" in say(initial)[1].text


def test_the_second_score_is_the_served_one_that_the_protocol_names():
    _, second = say(METRICS, served_score="knn")
    assert "nearest" in second.text
    assert second.verdict == CAN
    only = say(METRICS, served_score="log_px")
    assert [sentence.text.startswith("By log p(x)") for sentence in only] == [True]


def test_numbers_that_are_not_finite_or_not_there_make_no_sentence():
    assert say({"auroc/svhn/log_px": None, "log_px/svhn": 1.0}) == []
    assert outlier_sentences.say_outliers({}, {}, 0.1) == []
