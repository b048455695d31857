"""Real images' features: what those of samples are measured against."""

import collections
import hashlib
import zipfile

import numpy as np

from jem_tf.errors import InputError
from jem_tf.evaluation import fidelity
from jem_tf.metrics import inception
from jem_tf.system import cache, files, log

# mu [D], sigma [D, D], count of images or None, features [n, D] for KID or None.
Reference = collections.namedtuple("Reference", "mu sigma count features")
MOST_FEATURES = 10_000  # images kept for KID
UNREADABLE = (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile)


def choose(data, network, *, which="train", stats="", limit=0):
    """The reference that flags name.

    Args:
      data, which, limit: as in `images_of`.
      network: to look through, see `features`.
      stats: path of a file, as in `read`, to take instead; "" for none.

    Returns:
      (Reference, what the protocol says of it).
    """
    if stats:
        log.say("--reference_stats has no images' features: KID is left out")
        about = {"file": str(stats), "kid": "left out: the file has no features"}
        return read(stats, network.width), about
    images = images_of(data, which, limit)
    fidelity.check_count(len(images), network, "--reference=train or --limit")
    made = of_images(images, network, cache.folder() if network.kept else None)
    split = {"train": "train and validation", "test": "test"}[which]
    return made, {
        "images": f"{len(images)} of the data's {split} images",
        "kid_images": len(made.features),
    }


def images_of(data, which, limit=0):
    """The real images of a data set -> uint8 [N, H, W, C].

    Args:
      data: datasets.Dataset.
      which: "train", all but the test images, or "test".
      limit: at most so many, evenly spaced; 0 for all.
    """
    parts = [data.test] if which == "test" else [data.train, data.validation]
    images = np.concatenate([np.asarray(part.images) for part in parts])
    return spaced(images, limit or len(images))


def spaced(rows, most):
    """At most so many rows, evenly spaced."""
    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).round().astype(int)]


def of_images(images, network, folder=None):
    """The reference that images make -> Reference.

    Args:
      images: uint8 [N, H, W, C].
      network: to look through, see `features`.
      folder: pathlib.Path to keep it in, and to take it from next time; None for
        nowhere. A kept one that cannot be read is made anew.

    Raises:
      InputError: if there are too few for a covariance.
    """
    place = folder and folder / f"reference-{_key(images, network)}.npz"
    if place and (kept := _kept(place, network.width)):
        log.say(f"reference: {place}")
        return kept
    seen = network.read(images, what="reference").features
    made = Reference(
        *inception.statistics(seen), len(seen), spaced(seen, MOST_FEATURES)
    )
    if place:
        _keep(place, made)
    return made


def read(path, width):
    """The reference in a file: `mu` [D] and `sigma` [D, D], as other tools write it.

    Args:
      path: of an .npz.
      width: D of the network that samples are looked at through.

    Raises:
      InputError: if it cannot be read, lacks one of them, or is of another width.
    """
    flag = f"--reference_stats={path}"
    try:
        with np.load(path) as found:
            mu, sigma = (np.asarray(found[key], "float64") for key in ("mu", "sigma"))
    except UNREADABLE as error:
        raise InputError(
            f"{flag} is no readable .npz with mu and sigma; give one, or leave it out."
        ) from error
    if (mu.shape, sigma.shape) != ((width,), (width, width)):
        raise InputError(
            f"{flag} has mu of shape {mu.shape} and sigma of {sigma.shape}, where the "
            f"network has {width} features; give one made through the same network."
        )
    if not (np.isfinite(mu).all() and np.isfinite(sigma).all()):
        raise InputError(f"{flag} has numbers that are not finite; give another.")
    return Reference(mu, (sigma + sigma.T) / 2, None, None)


def _key(images, network):
    digest = hashlib.sha256(repr((images.shape, network.identity)).encode())
    digest.update(np.ascontiguousarray(images))
    return digest.hexdigest()[:32]


def _kept(place, width):
    try:
        with np.load(place) as found:
            kept = Reference(
                found["mu"], found["sigma"], int(found["count"]), found["features"]
            )
    except UNREADABLE:
        return None
    shapes = kept.mu.shape, kept.sigma.shape, kept.features.shape[1:]
    return kept if shapes == ((width,), (width, width), (width,)) else None


def _keep(place, made):
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with files.whole(place) as part, part.open("wb") as file:
            np.savez(file, **made._asdict())
    except OSError as error:
        log.say(f"reference: not kept for next time, as {place} {error.strerror}")
