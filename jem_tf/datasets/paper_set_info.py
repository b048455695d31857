"""Class names and sizes of the paper's data sets, known without their images.

The names are in the order of the labels, which is the same in TFDS and in torchvision.
"""

from typing import NamedTuple

from jem_tf import datasets
from jem_tf.datasets import set_names
from jem_tf.datasets.splits import validation_size

DIGITS = "0 1 2 3 4 5 6 7 8 9"
CIFAR10 = "airplane automobile bird cat deer dog frog horse ship truck"
CIFAR100 = """
apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus
butterfly camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach
couch crab crocodile cup dinosaur dolphin elephant flatfish forest fox girl hamster
house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree
motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear
pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray road
rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel
streetcar sunflower sweet_pepper table tank telephone television tiger tractor train
trout tulip turtle wardrobe whale willow_tree wolf woman worm
"""
SETS = {  # class names, images to train and validate on, images to test on
    "cifar10": (CIFAR10, 50_000, 10_000),
    "cifar100": (CIFAR100, 50_000, 10_000),
    "svhn": (DIGITS, 73_257, 26_032),
}


class Description(NamedTuple):
    """A data set without its images."""

    image_shape: tuple[int, ...]  # (H, W, C)
    class_names: tuple[str, ...]  # in the order of the labels
    sizes: dict[str, int]  # {split: number of images}


def find_known(name: str) -> str | None:
    """Returns the key of SETS that a name stands for, whatever its spelling."""
    base = set_names.base_name(name)
    return next((key for key in SETS if set_names.base_name(key) == base), None)


def describe(name: str, *, data_dir: str = "", image_size: int = 0) -> Description:
    """Describes a data set; it is loaded only if it is not in SETS.

    Args:
      name: as in `datasets.load`.
      data_dir: as in `datasets.load`.
      image_size: as in `datasets.load`; a set in SETS is described in its own size.

    Raises:
      InputError: as `datasets.load` does.
    """
    if known := find_known(name):
        names, learning, test = SETS[known]
        held_out = validation_size(learning)
        sizes = {"train": learning - held_out, "validation": held_out, "test": test}
        return Description((32, 32, 3), tuple(names.split()), sizes)
    data = datasets.load(name, data_dir=data_dir, image_size=image_size)
    splits = {"train": data.train, "validation": data.validation, "test": data.test}
    sizes = {split: len(part.labels) for split, part in splits.items()}
    return Description(tuple(data.train.images.shape[1:]), data.class_names, sizes)
