"""Asks a server of an exported model over HTTP, as any client of Triton's would."""

import numpy as np
from tritonclient import http
from tritonclient.utils import np_to_triton_dtype


def connect(port, *, concurrency=1):
    """A client of the server on this machine, which sends so many requests at once."""
    return http.InferenceServerClient(f"127.0.0.1:{port}", concurrency=concurrency)


def tensors(inputs):
    """{input: array} as what tritonclient sends; a number is sent as [1]."""
    found = []
    for name, array in inputs.items():
        array = np.atleast_1d(array)
        kind = np_to_triton_dtype(array.dtype)
        found.append(http.InferInput(name, list(array.shape), kind))
        found[-1].set_data_from_numpy(array)
    return found


def arrays(result):
    """What tritonclient got as {output: array}."""
    names = [output["name"] for output in result.get_response()["outputs"]]
    return {name: result.as_numpy(name) for name in names}


def ask(client, name, inputs):
    """A signature's answer, {output: array}.

    Raises:
      tritonclient.utils.InferenceServerException: with what the server says.
    """
    return arrays(client.infer(name, tensors(inputs)))
