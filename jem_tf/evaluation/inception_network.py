"""The network that FID and IS are defined by: the frozen graph inception-2015-12-05."""

import hashlib
import pathlib

import numpy as np
import tensorflow as tf

from jem_tf.errors import InputError
from jem_tf.evaluation import features
from jem_tf.system import hardware

IMAGES, POOL, SOFTMAX = "ExpandDims:0", "pool_3:0", "softmax:0"
RESHAPE = "pool_3/_reshape/shape"  # of the original, to one image: [1, 2048]
WIDTH = 2048
ONE = (1, 32, 32, 3)  # an image
LEAST_SIZE = 32  # pixels a side
PRECISIONS = ("auto", "float32", "bfloat16")


class Inception:
    """Features and predictions of the graph in a file.

    Args:
      path: of `classify_image_graph_def.pb`.
      bfloat16: compute in bfloat16, several times as quick on a CPU that has it.

    Attributes:
      suffix: of the names of metrics made with it.
      width: of its features.
      kept: whether what it sees is worth a place in the user's cache.
      has_softmax: whether the graph tells classes, 1008 of them, or features alone.
      sha256: of the file.
      identity: equal for networks that see the same.

    Raises:
      InputError: if the file cannot be read, is no graph, or lacks the nodes.
    """

    suffix, width, kept = "", WIDTH, True

    def __init__(self, path, *, bfloat16=False):
        self.bfloat16 = bfloat16
        graph_def, self.sha256 = _read(pathlib.Path(path))
        self.identity = f"{self.sha256} {'bfloat16' if bfloat16 else 'float32'}"
        self.has_softmax = _has(graph_def, SOFTMAX)
        self._wanted = [POOL, SOFTMAX] if self.has_softmax else [POOL]
        # A session, as its normalisation has no place in the functions of TensorFlow 2.
        with tf.Graph().as_default() as graph:
            self._images = tf.compat.v1.placeholder(tf.float32, [None, None, None, 3])
            given = {IMAGES: self._images}
            if _has(graph_def, f"{RESHAPE}:0"):
                given[f"{RESHAPE}:0"] = tf.constant([-1, WIDTH])
            try:
                tf.graph_util.import_graph_def(graph_def, given, name="")
                nodes = [graph.as_graph_element(name) for name in self._wanted]
                self._session = tf.compat.v1.Session(config=_config(bfloat16))
                pool, *_ = self._session.run(nodes, {self._images: np.zeros(ONE)})
                if pool.shape != (1, 1, 1, WIDTH):
                    raise ValueError(f"{POOL} is of shape {pool.shape}")
            except (KeyError, ValueError, TypeError, tf.errors.OpError) as error:
                why = str(error).splitlines()[0][:100]
                raise InputError(
                    f"{path} is not the Inception graph (no {IMAGES} to {POOL}: "
                    f"{why}); give classify_image_graph_def.pb of inception-2015-12-05."
                ) from error

    def read(self, images, *, batch_size=100, what="images"):
        """What the graph sees in images -> features.Read; no batch size changes it.

        The graph resizes to 299 x 299 itself, bilinearly.

        Args:
          images: uint8 [N, H, W, 3], or [N, H, W, 1], which is repeated.
          batch_size: images at a time.
          what: they are, for the progress bar.

        Raises:
          InputError: if they have another number of channels.
        """
        if images.shape[-1] not in (1, 3):
            raise InputError(
                f"Inception sees 1 or 3 channels, not {images.shape[-1]}; give "
                "--features=network."
            )
        return features.read_all(self._read, images, batch_size, f"Inception: {what}")

    def _read(self, batch):
        batch = np.asarray(batch, "float32")
        if batch.shape[-1] == 1:
            batch = batch.repeat(3, axis=-1)
        pool, *softmax = self._session.run(self._wanted, {self._images: batch})
        return pool.reshape(-1, WIDTH), softmax[0] if softmax else None

    def protocol(self):
        """What a protocol says of it."""
        return {
            "network": "inception-2015-12-05",
            "sha256": self.sha256,
            "features": POOL,
            "predictions": f"{SOFTMAX}, its biases with it, unlike in Salimans's code"
            if self.has_softmax
            else f"the graph has no {SOFTMAX}: the Inception Score was left out",
            "precision": "bfloat16" if self.bfloat16 else "float32",
            "resize": "299 x 299, bilinear, in the graph",
            "grayscale": "repeated to RGB",
        }


def check_size(images, name):
    """Refuses images [N, H, W, C] of a data set that Inception makes no sense of."""
    height, width = images.shape[1:3]
    if min(height, width) < LEAST_SIZE:
        raise InputError(
            f"FID through Inception makes no sense on the {height} x {width} images of "
            f"--dataset={name}; give --features=network for the run's own network."
        )


def in_bfloat16(asked):
    """Whether one of PRECISIONS means bfloat16 on this machine."""
    if asked == "auto":
        return hardware.precision("auto")[0] == "mixed_bfloat16"
    return asked == "bfloat16"


def _config(bfloat16):
    config = tf.compat.v1.ConfigProto()
    if bfloat16:  # Grappler's pass for oneDNN: convolutions in bfloat16
        rewriting = config.graph_options.rewrite_options
        rewriting.auto_mixed_precision_onednn_bfloat16 = 1
    return config


def _has(graph_def, tensor):
    return any(f"{node.name}:0" == tensor for node in graph_def.node)


def _read(path):
    graph_def = tf.compat.v1.GraphDef()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}); give the Inception graph's "
            "file."
        ) from error
    try:
        graph_def.ParseFromString(content)
        if not graph_def.node:
            raise ValueError("no nodes")
    except Exception as error:  # protobuf's DecodeError is not public
        raise InputError(
            f"{path} is no frozen graph; give classify_image_graph_def.pb of "
            "inception-2015-12-05."
        ) from error
    return graph_def, hashlib.sha256(content).hexdigest()
