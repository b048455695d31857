"""The network that FID and IS are defined with: the graph inception-2015-12-05.

Letters: N images, B a batch.
"""

import hashlib
import pathlib
from typing import Any

import numpy as np
import tensorflow as tf

from jem_tf.errors import InputError, argument
from jem_tf.evaluation import features
from jem_tf.system import files, hardware

IMAGES, POOL, SOFTMAX = "ExpandDims:0", "pool_3:0", "softmax:0"
RESHAPE = "pool_3/_reshape/shape"  # in the original it is [1, 2048]: one image only
WIDTH = 2048
ONE = (1, 32, 32, 3)  # a batch of one image
LEAST_SIZE = 32  # pixels a side
PRECISIONS = ("auto", "float32", "bfloat16")


class Inception:
    """Features and predictions of the graph in a file.

    Args:
      path: path of `classify_image_graph_def.pb`.
      bfloat16: whether to compute in bfloat16, which is several times as fast on a CPU
        that has it.

    Attributes:
      suffix, width, kept, identity: see `features.FeatureNetwork`.
      has_softmax: whether the graph predicts its 1008 classes.
      sha256: the sha256 of the file.

    Raises:
      InputError: if the file cannot be read, is no graph, or lacks the nodes.
    """

    suffix, width, kept = "", WIDTH, True

    def __init__(self, path: str | pathlib.Path, *, bfloat16: bool = False):
        self.bfloat16 = bfloat16
        graph_def, self.sha256 = _read(files.expand(path))
        self.identity = f"{self.sha256} {'bfloat16' if bfloat16 else 'float32'}"
        self.has_softmax = _has(graph_def, SOFTMAX)
        self._outputs = [POOL, SOFTMAX] if self.has_softmax else [POOL]
        # A session, because TensorFlow 2 functions cannot run its normalisation.
        with tf.Graph().as_default() as graph:
            self._images = tf.compat.v1.placeholder(tf.float32, [None, None, None, 3])
            try:
                self._session = self._open(graph, graph_def)
            except (KeyError, ValueError, TypeError, tf.errors.OpError) as error:
                why = str(error).splitlines()[0][:100]
                raise InputError(
                    f"{path} is not the Inception graph (no {IMAGES} to {POOL}: "
                    f"{why}); give classify_image_graph_def.pb of inception-2015-12-05."
                ) from error

    def _open(self, graph: Any, graph_def: Any) -> Any:
        """Opens a session of the graph, and tests it on one image."""
        inputs = {IMAGES: self._images}
        if _has(graph_def, f"{RESHAPE}:0"):
            inputs[f"{RESHAPE}:0"] = tf.constant([-1, WIDTH])
        tf.graph_util.import_graph_def(graph_def, inputs, name="")
        nodes = [graph.as_graph_element(name) for name in self._outputs]
        session = tf.compat.v1.Session(config=_config(self.bfloat16))
        pool, *_ = session.run(nodes, {self._images: np.zeros(ONE)})
        if pool.shape != (1, 1, 1, WIDTH):
            raise ValueError(f"{POOL} is of shape {pool.shape}")
        return session

    def extract(
        self, images: np.ndarray, *, batch_size: int = 100, what: str = "images"
    ) -> features.Features:
        """Computes the features of images, which do not depend on the batch size.

        The graph itself resizes the images to 299 x 299, bilinearly.

        Args:
          images: uint8 [N, H, W, 3], or [N, H, W, 1], whose channel is repeated.
          batch_size: images at a time.
          what: name of the images on the progress bar.

        Raises:
          InputError: if the images have another number of channels.
        """
        if images.shape[-1] not in (1, 3):
            raise InputError(
                f"Inception takes images of 1 or 3 channels, not {images.shape[-1]}; "
                "use the features of another network."
            )
        return features.read_batches(
            self._read, images, batch_size=batch_size, what=f"Inception: {what}"
        )

    def _read(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        batch = np.asarray(batch, "float32")
        if batch.shape[-1] == 1:
            batch = batch.repeat(3, axis=-1)
        pool, *softmax = self._session.run(self._outputs, {self._images: batch})
        return pool.reshape(-1, WIDTH), softmax[0] if softmax else None

    def protocol(self) -> dict[str, Any]:
        """Describes the network in the protocol of an evaluation."""
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


def check_size(
    images: Any, dataset: str, *, remedy: str = "use the features of another network"
) -> None:
    """Checks that images are large enough for Inception.

    Args:
      images: [N, H, W, C].
      dataset: name of their data set, for the error.
      remedy: what to do, for the error.

    Raises:
      InputError: if a side is shorter than LEAST_SIZE.
    """
    height, width = images.shape[1:3]
    if min(height, width) < LEAST_SIZE:
        raise InputError(
            f"FID through Inception makes no sense on the {height} x {width} images of "
            f"{argument('dataset', dataset)}; {remedy}."
        )


def in_bfloat16(precision: str) -> bool:
    """Returns whether one of PRECISIONS means bfloat16 on this machine.

    Raises:
      InputError: if it is "bfloat16" and there is a GPU: Grappler's pass is for CPUs.
    """
    if hardware.has_accelerator():
        if precision == "bfloat16":
            raise InputError(
                f"{argument('precision', precision)} is for CPUs; choose float32 here."
            )
        return False
    if precision == "auto":
        return hardware.choose_precision("auto")[0] == "mixed_bfloat16"
    return precision == "bfloat16"


def _config(bfloat16: bool) -> Any:
    config = tf.compat.v1.ConfigProto()
    if bfloat16:  # Grappler's pass for oneDNN: convolutions in bfloat16
        rewriting = config.graph_options.rewrite_options
        rewriting.auto_mixed_precision_onednn_bfloat16 = 1
    return config


def _has(graph_def: Any, tensor: str) -> bool:
    return any(f"{node.name}:0" == tensor for node in graph_def.node)


def _read(path: pathlib.Path) -> tuple[Any, str]:
    """Reads a graph -> (GraphDef, sha256 of the file)."""
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
