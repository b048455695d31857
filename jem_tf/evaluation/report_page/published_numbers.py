"""Numbers of the literature, each with its protocol and source.

A number is compared with those of the same protocol alone, see `comparison`. What a
paper does not say of its protocol was read in its authors' code: `eval_wrn_ebm.py` of
wgrathwohl/JEM, `eval_jempp.py` of sndnyang/JEMPP and `eval_sadajem.py` of
sndnyang/SADAJEM. The values of JEM, JEM++ and SADA-JEM agree with what later papers
quote of them: tables 1 and 11 of arXiv 2208.07791, by the first author of JEM++, and
arXiv 2505.19459 and 2510.13872; the ECE is printed in `figs/calib.png` of
wgrathwohl/JEM. JEM's accuracies on CIFAR-100 and SVHN were found quoted nowhere.
"""

from typing import NamedTuple

from jem_tf.evaluation.report_page.metric_names import HIGHER, LOWER

ACCURACY, ECE = "Accuracy", "ECE"
FID, INCEPTION_SCORE = "FID", "Inception Score"
# {quantity: which is better}
BETTER = {ACCURACY: HIGHER, ECE: LOWER, FID: LOWER, INCEPTION_SCORE: HIGHER}
AUROC = "AUROC of {score}, {outliers}"

TEST_IMAGES = {"cifar10": 10_000, "cifar100": 10_000, "svhn_cropped": 26_032}
NOISE = 0.03  # standard deviation, in pixels of [-1, 1]


class Published(NamedTuple):
    """A number of the literature.

    model: its name.
    dataset: as TFDS names it.
    quantity: what was measured.
    protocol: how; the same text for the same protocol, as `of_test_images` makes it.
    value: as printed, since some are ranges over settings.
    source: where it stands.
    """

    model: str
    dataset: str
    quantity: str
    protocol: str
    value: str
    source: str


def of_test_images(
    dataset: str, count: int, noise: float = 0.0, bins: int | None = None
) -> str:
    """Says of accuracy or ECE how it was measured, such that equal means the same.

    Args:
      dataset: as TFDS names it.
      count: test images.
      noise: standard deviation of the noise added to them, in pixels of [-1, 1].
      bins: of equal width, of the ECE.
    """
    whole = count == TEST_IMAGES.get(dataset)
    said = f"{dataset}, {'all ' * whole}{count:,} test images, "
    said += f"noise N(0, {noise:g}²)" if noise else "no noise"
    return said + (f", {bins} bins" if bins else "")


def _noisy(dataset: str) -> str:
    return of_test_images(dataset, TEST_IMAGES[dataset], NOISE)


def _plain(dataset: str) -> str:
    return of_test_images(dataset, TEST_IMAGES[dataset])


JEM = "JEM: Grathwohl et al., ICLR 2020, arXiv 1912.03263"
JEM_PP = "JEM++: Yang & Ji, ICCV 2021, arXiv 2109.09032"
SADA = "SADA-JEM: Yang, Su & Ji, CVPR 2023, arXiv 2209.07959"
WRN = "WRN-28-10: Zagoruyko & Komodakis, BMVC 2016, arXiv 1605.07146"
CONFIDENT = "cifar10, buffer's images, the most confident {} of each predicted class"
JEM_SAMPLES = "cifar10, protocol of JEM's paper, which does not say the counts"
AGAINST_ALL = ", against train and test images"
JEM_PP_IMAGES = CONFIDENT.format("of a number not said")
JEM_PP_RELEASED = f"cifar10, all 10,000 of the buffer's images{AGAINST_ALL}"
OUTLIERS = (
    "cifar10, all 10,000 test images against all of the outliers' {}, noise "
    f"N(0, {NOISE:g}²) on both"
)
# {set of outliers: its images}; of CelebA the authors' code reads a folder of its own
OUTLIER_IMAGES = {
    "SVHN": "test split",
    "CIFAR-100": "test split",
    "CelebA": "images of a split not said",
}
JEM_ECE = "cifar100, all 10,000 test images, noise not said, 20 bins"

NUMBERS = (
    Published(
        "JEM", "cifar10", ACCURACY, _noisy("cifar10"), "0.929", f"{JEM}, table 1"
    ),
    Published("JEM", "cifar100", ACCURACY, _noisy("cifar100"), "0.722", JEM),
    Published("JEM", "svhn_cropped", ACCURACY, _noisy("svhn_cropped"), "0.967", JEM),
    Published("JEM", "cifar100", ECE, JEM_ECE, "0.0487", JEM),
    Published("JEM's classifier", "cifar100", ECE, JEM_ECE, "0.2232", JEM),
    Published("JEM", "cifar10", FID, JEM_SAMPLES, "38.4", f"{JEM}, table 1"),
    Published(
        "JEM", "cifar10", INCEPTION_SCORE, JEM_SAMPLES, "8.76", f"{JEM}, table 1"
    ),
    *(
        Published(
            model,
            "cifar10",
            AUROC.format(score=score, outliers=name),
            OUTLIERS.format(images),
            value,
            source,
        )
        for model, source, score, values in (
            ("JEM", JEM, "log p(x)", ("0.67", "0.67", "0.75")),
            ("JEM", JEM, "max p(y|x)", ("0.89", "0.87", "0.79")),
            ("JEM++", JEM_PP, "log p(x)", ("0.85", "0.68", "0.80")),
            ("JEM++", JEM_PP, "max p(y|x)", ("0.94", "0.88", "0.90")),
        )
        for (name, images), value in zip(OUTLIER_IMAGES.items(), values, strict=True)
    ),
    Published(
        "JEM++", "cifar10", ACCURACY, _noisy("cifar10"), "0.937 to 0.941", JEM_PP
    ),
    Published("JEM++", "cifar10", FID, JEM_PP_IMAGES + AGAINST_ALL, "37 to 38", JEM_PP),
    Published(
        "JEM++, the released M=10",
        "cifar10",
        FID,
        JEM_PP_RELEASED,
        "36.5",
        f"{JEM_PP}, README of sndnyang/JEMPP",
    ),
    Published(
        "JEM++", "cifar10", INCEPTION_SCORE, JEM_PP_IMAGES, "8.11 to 8.29", JEM_PP
    ),
    Published("SADA-JEM, K=5", "cifar10", ACCURACY, _plain("cifar10"), "0.955", SADA),
    Published(
        "SADA-JEM, K=5",
        "cifar10",
        FID,
        CONFIDENT.format("90%") + AGAINST_ALL,
        "9.41",
        SADA,
    ),
    Published(
        "SADA-JEM, K=5",
        "cifar10",
        INCEPTION_SCORE,
        CONFIDENT.format("10%"),
        "8.77",
        SADA,
    ),
    Published("WRN-28-10", "cifar10", ACCURACY, _plain("cifar10"), "0.9600", WRN),
    Published("WRN-28-10", "cifar100", ACCURACY, _plain("cifar100"), "0.8075", WRN),
)
