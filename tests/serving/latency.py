"""Times `classify` of an exported model: in this process, and by Triton over HTTP.

    python tests/serving/server.py RUN/export/1 --port=8000 &
    python -m tests.serving.latency RUN/export/1 --port=8000

One request at a time, on a machine with nothing else to do.
"""

import argparse
import functools
import statistics
import time

import numpy as np
import tensorflow as tf

from tests.serving import client

REQUESTS = {1: 300, 64: 60}  # by batch size


def spent(work):
    """Seconds."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def latencies(work, count):
    """Median and 95th percentile in milliseconds, after some to warm up."""
    found = [1000 * spent(work) for _ in range(count + 10)][10:]
    return statistics.median(found), float(np.quantile(found, 0.95))


def measure(classify, port, images, count):
    """Shows the two lines of a batch."""
    size = len(images)
    with client.connect(port) as there:
        ask = functools.partial(client.ask, there, "classify", {"images": images})
        for where, work in {
            "this process": lambda: classify(images=tf.constant(images)),
            "Triton, HTTP": ask,
        }.items():
            median, most = latencies(work, count)
            rate = 1000 * size / median
            print(f"{size:5}  {where:12}  {median:9.2f}  {most:7.2f}  {rate:8.0f}")


def main():
    """The program."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model", help="RUN/export/<number>")
    parser.add_argument("--port", type=int, default=8000)
    argv = parser.parse_args()
    loaded = tf.saved_model.load(argv.model)
    shape = loaded.signatures["refine"].structured_outputs["pixels"].shape[1:]
    generator = np.random.default_rng(0)
    print("batch  where         median ms   95% ms  images/s")
    for size, count in REQUESTS.items():
        images = generator.integers(0, 256, [size, *shape], dtype="uint8")
        measure(loaded.signatures["classify"], argv.port, images, count)


if __name__ == "__main__":
    main()
