"""The network that FID and IS are defined by: the frozen graph inception-2015-12-05."""

import contextlib
import pathlib

import numpy as np
import tensorflow as tf

from jem_tf.errors import InputError

IMAGES, POOL = "ExpandDims:0", "pool_3:0"
WIDTH = 2048
# Grappler's pass for oneDNN: convolutions in bfloat16 where the CPU has it.
BFLOAT16 = "auto_mixed_precision_onednn_bfloat16"


class Inception:
    """Features of the graph in a file.

    Args:
      path: of `classify_image_graph_def.pb`.
      bfloat16: compute in bfloat16, seven times as quick on a CPU that has it.

    Raises:
      InputError: if the file cannot be read, is no graph, or lacks the nodes.
    """

    def __init__(self, path, *, bfloat16=False):
        self.bfloat16 = bfloat16
        graph = _read(pathlib.Path(path))

        def load():
            tf.graph_util.import_graph_def(graph, name="")

        try:
            whole = tf.compat.v1.wrap_function(load, [])
            nodes = [whole.graph.as_graph_element(name) for name in (IMAGES, POOL)]
        except (KeyError, ValueError, tf.errors.OpError) as error:
            raise InputError(
                f"{path} is not the Inception graph (no {IMAGES} to {POOL}: "
                f"{str(error).splitlines()[0]}); give classify_image_graph_def.pb of "
                "inception-2015-12-05."
            ) from error
        self._features = whole.prune(*nodes)

    def features(self, images, *, batch_size=100):
        """uint8 [N, H, W, 3] -> float32 [N, 2048], which no batch size changes much.

        The graph resizes to 299 x 299 itself, bilinearly.
        """
        found = []
        with self._precision():
            for begin in range(0, len(images), batch_size):
                batch = tf.cast(images[begin : begin + batch_size], tf.float32)
                pooled = self._features(batch)
                found.append(tf.reshape(pooled, [-1, WIDTH]).numpy())
        return np.concatenate(found)

    @contextlib.contextmanager
    def _precision(self):
        # The graph is rewritten at its first call, by the options of that moment.
        tf.config.optimizer.set_experimental_options({BFLOAT16: self.bfloat16})
        try:
            yield
        finally:
            tf.config.optimizer.set_experimental_options({BFLOAT16: False})


def _read(path):
    graph = tf.compat.v1.GraphDef()
    try:
        graph.ParseFromString(path.read_bytes())
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}); give the Inception graph's "
            "file."
        ) from error
    except Exception as error:  # protobuf's DecodeError is not public
        raise InputError(
            f"{path} is no frozen graph; give classify_image_graph_def.pb of "
            "inception-2015-12-05."
        ) from error
    return graph
