"""Serves an exported model by Triton over HTTP, on this machine only.

    python tests/serving/server.py RUN/export/1 --port=8000

Each signature is a model of the server's. It takes tensorflow and nvidia-pytriton, and
no jem_tf; Ctrl-C or SIGTERM ends it.
"""

import argparse
import functools
import os
import sysconfig

import numpy as np
import tensorflow as tf
from pytriton.model_config import ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig


def answer(requests, *, signature, inputs):
    """Requests of Triton's -> its responses, each {output: array}."""
    responses = []
    for request in requests:
        given = {
            # Triton has no scalars.
            name: tf.constant(request[name] if spec.shape.rank else request[name][0])
            for name, spec in inputs.items()
        }
        try:
            outputs = signature(**given)
        except tf.errors.InvalidArgumentError as error:
            raise ValueError(error.message) from None  # the client's fault, and told it
        responses.append({name: found.numpy() for name, found in outputs.items()})
    return responses


def told(specs):
    """TensorSpecs as what Triton is told of them."""
    return [
        Tensor(
            name=name,
            dtype=np.bytes_ if spec.dtype == tf.string else spec.dtype.as_numpy_dtype,
            shape=tuple(-1 if size is None else size for size in spec.shape) or (1,),
        )
        for name, spec in specs.items()
    ]


def use_own_python():
    """Triton runs Python in a process of its own, and takes the first it can find."""
    places = [sysconfig.get_config_var("LIBDIR"), os.environ.get("LD_LIBRARY_PATH")]
    os.environ["LD_LIBRARY_PATH"] = os.pathsep.join(filter(None, places))


def main():
    """The program."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model", help="RUN/export/<number>")
    parser.add_argument("--port", type=int, default=8000)
    argv = parser.parse_args()
    use_own_python()
    loaded = tf.saved_model.load(argv.model)
    here = TritonConfig(
        http_address="127.0.0.1",
        http_port=argv.port,
        allow_grpc=False,
        allow_metrics=False,
    )
    with Triton(config=here) as triton:
        for name, signature in loaded.signatures.items():
            inputs = signature.structured_input_signature[1]
            triton.bind(
                model_name=name,
                infer_func=functools.partial(
                    answer, signature=signature, inputs=inputs
                ),
                inputs=told(inputs),
                outputs=told(signature.structured_outputs),
                config=ModelConfig(batching=False),
            )
        triton.serve()


if __name__ == "__main__":
    main()
