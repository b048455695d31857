"""What a data set is trained, validated and tested on.

The test split is the set's own where it has one with labels; else its validation split
stands in. Validation images (a tenth of the training images, 5,000 at most) and missing
test splits are held out by a rule that depends on the data alone, so every seed and
every recipe is evaluated on the same images.
"""

import numpy as np

from jem_tf.datasets.missing_labels import Arrays

MOST_VALIDATION = 5000
VALIDATION_STANDS_IN = "the validation split, as there is no test split with labels"
HELD_OUT = "held out of the train split, as there is no test split with labels"


def deal(
    splits: dict[str, Arrays],
) -> tuple[Arrays, Arrays, Arrays, str]:
    """Makes (train, validation, test, what test is) of the splits that a set has."""
    train = splits["train"]
    if "test" in splits:
        test, source = splits["test"], "the test split"
    elif "validation" in splits:
        test, source = splits["validation"], VALIDATION_STANDS_IN
    else:
        train, test = _hold_out(train, len(train[1]) // 5, "test")
        source = HELD_OUT
    own = "test" in splits and "validation" in splits
    held_out = 0 if own else validation_size(len(train[1]))
    train, validation = _hold_out(train, held_out, "validation")
    return train, splits["validation"] if own else validation, test, source


def validation_size(count: int) -> int:
    """Returns how many of `count` training images are held out for validation."""
    return min(MOST_VALIDATION, count // 10)


def _hold_out(
    split: tuple[np.ndarray, np.ndarray], count: int, purpose: str
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Divides (images, labels) into a part to keep and `count` that are held out.

    Each class has its share in both. Both are in a random order, which depends on
    `purpose` and the labels alone.
    """
    images, labels = split
    order = np.random.default_rng(list(purpose.encode())).permutation(len(labels))
    depth = np.empty(len(labels))  # of an image in its class: 0 comes out first, 1 last
    for y in np.unique(labels):
        of_class = order[labels[order] == y]
        depth[of_class] = (np.arange(len(of_class)) + 0.5) / len(of_class)
    order = order[np.argsort(depth[order], kind="stable")]
    out, kept = order[:count], np.random.default_rng(0).permutation(order[count:])
    return (images[kept], labels[kept]), (images[out], labels[out])
