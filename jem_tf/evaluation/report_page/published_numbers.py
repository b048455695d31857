"""Numbers of the literature, each with its protocol and source.

A number is compared with those of the same protocol alone, see `comparison`. What a
paper does not say of its protocol was read in its authors' code: `eval_wrn_ebm.py` of
wgrathwohl/JEM, `eval_jempp.py` of sndnyang/JEMPP and `eval_sadajem.py` of
sndnyang/SADAJEM.
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


def _noisy(dataset: str, bins: int | None = None) -> str:
    return of_test_images(dataset, TEST_IMAGES[dataset], NOISE, bins)


def _plain(dataset: str) -> str:
    return of_test_images(dataset, TEST_IMAGES[dataset])


JEM = "JEM: Grathwohl et al., ICLR 2020, arXiv 1912.03263"
JEM_PP = "JEM++: Yang & Ji, ICCV 2021, arXiv 2109.09032"
SADA = "SADA-JEM: Yang, Su & Ji, CVPR 2023, arXiv 2209.07959"
WRN = "WRN-28-10: Zagoruyko & Komodakis, BMVC 2016, arXiv 1605.07146"
CONFIDENT = "cifar10, buffer's images, the most confident {} of each predicted class"
JEM_SAMPLES = "cifar10, protocol of JEM's paper, which does not say the counts"
JEM_PP_SAMPLES = CONFIDENT.format("of a number not said") + ", against train and test"
AGAINST_ALL = ", against train and test images"
OUTLIERS = (
    "cifar10, all 10,000 test images against all of the outliers' test split, noise "
    f"N(0, {NOISE:g}²) on both"
)

NUMBERS = (
    Published(
        "JEM", "cifar10", ACCURACY, _noisy("cifar10"), "0.929", f"{JEM}, table 1"
    ),
    Published("JEM", "cifar100", ACCURACY, _noisy("cifar100"), "0.722", JEM),
    Published("JEM", "svhn_cropped", ACCURACY, _noisy("svhn_cropped"), "0.967", JEM),
    Published("JEM", "cifar100", ECE, _noisy("cifar100", 20), "0.049", JEM),
    Published(
        "JEM's classifier", "cifar100", ECE, _noisy("cifar100", 20), "0.223", JEM
    ),
    Published("JEM", "cifar10", FID, JEM_SAMPLES, "38.4", f"{JEM}, table 1"),
    Published(
        "JEM", "cifar10", INCEPTION_SCORE, JEM_SAMPLES, "8.76", f"{JEM}, table 1"
    ),
    *(
        Published(
            model,
            "cifar10",
            AUROC.format(score="max p(y|x)", outliers=name),
            OUTLIERS,
            value,
            source,
        )
        for model, source, values in (
            ("JEM", JEM, ("0.89", "0.87", "0.79")),
            ("JEM++", JEM_PP, ("0.94", "0.88", "0.90")),
        )
        for name, value in zip(("SVHN", "CIFAR-100", "CelebA"), values, strict=True)
    ),
    Published(
        "JEM++", "cifar10", ACCURACY, _noisy("cifar10"), "0.937 to 0.941", JEM_PP
    ),
    Published("JEM++", "cifar10", FID, JEM_PP_SAMPLES, "37 to 38", JEM_PP),
    Published("JEM++", "cifar10", INCEPTION_SCORE, JEM_PP_SAMPLES, "8.3", JEM_PP),
    Published("SADA-JEM", "cifar10", ACCURACY, _plain("cifar10"), "0.955", SADA),
    Published(
        "SADA-JEM", "cifar10", FID, CONFIDENT.format("90%") + AGAINST_ALL, "9.41", SADA
    ),
    Published(
        "SADA-JEM", "cifar10", INCEPTION_SCORE, CONFIDENT.format("10%"), "8.77", SADA
    ),
    Published("WRN-28-10", "cifar10", ACCURACY, _plain("cifar10"), "0.9600", WRN),
    Published("WRN-28-10", "cifar100", ACCURACY, _plain("cifar100"), "0.8075", WRN),
)
