"""The sets of the paper without their images: class names and sizes, for who has none.

In the order of the labels, which is the same in TFDS and in torchvision.
"""

import collections

from jem_tf import datasets

Outline = collections.namedtuple("Outline", "image_shape class_names sizes")

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


def outline(name, *, data_dir="", image_size=0):
    """What a data set is like; only one that is not in SETS is loaded for it.

    Args:
      name, data_dir, image_size: as in `datasets.load`.

    Returns:
      Outline(image_shape: (H, W, C), class_names: a tuple, sizes: {split: images}).

    Raises:
      InputError: as `datasets.load`.
    """
    if name in SETS:
        names, learning, test = SETS[name]
        held_out = datasets.validation_size(learning)
        sizes = {"train": learning - held_out, "validation": held_out, "test": test}
        return Outline((32, 32, 3), tuple(names.split()), sizes)
    data = datasets.load(name, data_dir=data_dir, image_size=image_size)
    splits = {s: getattr(data, s) for s in ("train", "validation", "test")}
    sizes = {name: len(split.labels) for name, split in splits.items()}
    return Outline(tuple(data.train.images.shape[1:]), data.class_names, sizes)
