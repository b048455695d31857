"""The reference that samples are compared with: features of real images.

Letters: N images, D features of a network.
"""

import hashlib
import pathlib
import zipfile
from typing import Any, NamedTuple

import numpy as np

from jem_tf.datasets import Dataset
from jem_tf.errors import InputError, argument
from jem_tf.evaluation.features import FeatureNetwork, check_count
from jem_tf.metrics import fid_kid
from jem_tf.system import cache, console, files

MOST_FEATURES = 50_000  # images whose features are kept: 410 MB of Inception's
MOST_COMPARED = 10_000  # images whose features are compared with the samples'
FIELDS = ("mu", "sigma", "count", "features")  # a Reference's in a file, and SHA256
SHA256 = "sha256"
COMPARED = ("kid", "manifold")  # what takes features of single images
UNREADABLE = (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile)


class Reference(NamedTuple):
    """Statistics of N real images' features.

    mu: float64 [D], the mean.
    sigma: float64 [D, D], the covariance.
    num_images: N, or None where it is not known.
    features: float32 [n, D] of n <= N images, evenly spaced; or None.
    """

    mu: np.ndarray
    sigma: np.ndarray
    num_images: int | None
    features: np.ndarray | None

    def compared(self) -> np.ndarray | None:
        """Features [MOST_COMPARED, D] at most, evenly spaced and then shuffled."""
        if self.features is None:
            return None
        some = take_evenly(self.features, MOST_COMPARED)
        return some[np.random.default_rng(0).permutation(len(some))]

    def sha256(self) -> str:
        """Computes the sha256 over the bytes of mu, sigma and the features."""
        digest = hashlib.sha256(np.ascontiguousarray(self.mu, "<f8").data)
        digest.update(np.ascontiguousarray(self.sigma, "<f8").data)
        if self.features is not None:
            digest.update(np.ascontiguousarray(self.features, "<f4").data)
        return digest.hexdigest()


def choose_reference(
    data: Dataset,
    network: FeatureNetwork,
    *,
    split: str = "train",
    stats: str | pathlib.Path = "",
    limit: int = 0,
) -> tuple[Reference, dict[str, Any]]:
    """Makes the reference of a data set's images, or reads one from a file.

    Args:
      data: datasets.Dataset.
      network: computes the features.
      split, limit: as in `real_images`.
      stats: path of a file to read the reference from, see `read_reference`; "": the
        reference is computed from the images.

    Returns:
      (Reference, its description for the protocol).

    Raises:
      InputError: as `compute_reference` and `read_reference`.
    """
    if stats:
        console.say(
            f"{stats} has no features of single images: KID, precision, recall, "
            "density and coverage are left out"
        )
        reference, why = (
            read_reference(stats, network.width),
            "the file has no features",
        )
        described = {"file": str(stats), "sha256": reference.sha256()}
        return reference, described | dict.fromkeys(COMPARED, f"left out: {why}")
    images = real_images(data, split, limit)
    more = f"{argument('split', 'train')} or {argument('limit')}"
    check_count(len(images), network, more)
    folder = cache.folder() if network.kept else None
    reference = compute_reference(images, network, folder)
    words = {"train": "train and validation", "test": "test"}[split]
    return reference, {
        "images": f"{len(images)} of the data's {words} images",
        "sha256": reference.sha256(),  # of the statistics and features
        "kid_images": min(len(images), MOST_COMPARED),
        "features_kept": min(len(images), MOST_FEATURES),
    }


def real_images(data: Dataset, split: str, limit: int = 0) -> np.ndarray:
    """Takes the real images of a data set.

    Args:
      data: datasets.Dataset.
      split: "train" for all but the test images, or "test".
      limit: how many images at most, evenly spaced; 0 for all.

    Returns:
      uint8 [N, H, W, C].
    """
    parts = [data.test] if split == "test" else [data.train, data.validation]
    images = np.concatenate([np.asarray(part.images) for part in parts])
    return take_evenly(images, limit or len(images))


def training_features(
    reference: Reference, data: Dataset, *, limit: int = 0
) -> np.ndarray:
    """Takes the features of training images from a reference of all but test images.

    Args:
      reference: what `choose_reference` made of split="train" and no file.
      data: the data set that it was made of.
      limit: with which it was made.

    Returns:
      float32 [n, D]; validation images are left out.
    """
    rows = np.arange(len(data.train.labels) + len(data.validation.labels))
    rows = take_evenly(take_evenly(rows, limit or len(rows)), MOST_FEATURES)
    features: Any = reference.features
    return features[rows < len(data.train.labels)]


def take_evenly(rows: np.ndarray, most: int) -> np.ndarray:
    """Takes at most `most` rows, evenly spaced."""
    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).round().astype(int)]


def compute_reference(
    images: np.ndarray, network: FeatureNetwork, folder: pathlib.Path | None = None
) -> Reference:
    """Computes the reference of images, or takes it from a cache.

    Args:
      images: uint8 [N, H, W, C].
      network: computes the features.
      folder: a cache folder, from which the reference is read and where it is kept;
        None: no cache. A file of the cache that cannot be read, or whose sha256 is not
        the one in it, is replaced.

    Raises:
      InputError: if there are too few images for a covariance.
    """
    path = folder and folder / f"reference-{_key(images, network)}.npz"
    if path and (cached := _from_cache(path, network.width)):
        console.say(f"reference: {path}")
        return cached
    features = network.extract(images, what="reference").features
    mu, sigma = fid_kid.statistics(features)
    some = take_evenly(features, MOST_FEATURES)
    reference = Reference(mu, sigma, len(features), some)
    if path:
        _to_cache(path, reference)
    return reference


def read_reference(stats: str | pathlib.Path, width: int) -> Reference:
    """Reads a reference that another tool wrote: `mu` [D] and `sigma` [D, D].

    Args:
      stats: path of an .npz.
      width: D of the network that computes the samples' features.

    Raises:
      InputError: if the file cannot be read, lacks `mu` or `sigma`, or has numbers
        that are not finite or of another width.
    """
    named = argument("stats", stats)
    try:
        with np.load(files.expand(stats)) as arrays:
            mu, sigma = (np.asarray(arrays[key], "float64") for key in ("mu", "sigma"))
    except UNREADABLE as error:
        raise InputError(
            f"{named} is no readable .npz with mu and sigma; give one, or leave it out."
        ) from error
    if (mu.shape, sigma.shape) != ((width,), (width, width)):
        raise InputError(
            f"{named} has mu of shape {mu.shape} and sigma of {sigma.shape}, where the "
            f"network has {width} features; give one made through the same network."
        )
    if not (np.isfinite(mu).all() and np.isfinite(sigma).all()):
        raise InputError(f"{named} has numbers that are not finite; give another.")
    return Reference(mu, (sigma + sigma.T) / 2, None, None)


def _key(images: np.ndarray, network: FeatureNetwork) -> str:
    digest = hashlib.sha256(repr((images.shape, network.identity)).encode())
    digest.update(np.ascontiguousarray(images).data)
    return digest.hexdigest()[:32]


def _from_cache(path: pathlib.Path, width: int) -> Reference | None:
    try:
        with np.load(path) as arrays:
            mu, sigma, count, features = (arrays[name] for name in FIELDS)
            num_images, sha256 = int(count), str(arrays[SHA256])
    except UNREADABLE:
        return None
    kept = min(num_images, MOST_FEATURES)  # earlier versions kept fewer
    shapes = mu.shape, sigma.shape, features.shape
    if shapes != ((width,), (width, width), (kept, width)):
        return None
    reference = Reference(mu, sigma, num_images, features)
    return reference if reference.sha256() == sha256 else None


def _to_cache(path: pathlib.Path, reference: Reference) -> None:
    arrays: dict[str, Any] = dict(zip(FIELDS, reference, strict=True))
    arrays[SHA256] = np.asarray(reference.sha256())
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with files.atomic_file(path) as part, part.open("wb") as file:
            np.savez(file, **arrays)
    except OSError as error:
        console.say(f"reference: not kept for next time, as {path} {error.strerror}")
