"""What the tests of the report share: a run with results, and a page as read."""

import html.parser
import json

import numpy as np

from jem_tf import figures
from jem_tf.runs.run_folder import DataDescription, RunFolder

CIFAR = {
    "dataset": "cifar10",
    "checkpoint_step": 7,
    "p_x_weight": 0.1,
    "test_images": 10000,
    "test_split": "the test split",
    "limit": 0,
    "images": "the first 10000 of the test split",
    "bins": 20,
    "accuracy_noisy": "noise N(0, 0.03^2) on pixels of [-1, 1]",
}
CALIBRATION = {
    "accuracy": 0.917,
    "accuracy_ci": [0.912, 0.922],
    "accuracy_noisy": 0.9,
    "accuracy_noisy_ci": [0.89, 0.91],
    "ece": 0.0133,
    "ece_ci": [0.0118, 0.0195],
    "temperature": 0.895,
    "ece_temperature_scaled": 0.0075,
}


class Page(html.parser.HTMLParser):
    """What a browser makes of a page: tags that match, texts, addresses, ids."""

    VOID = ("meta", "img", "br")

    def __init__(self, text):
        super().__init__()
        self.open, self.texts, self.sources, self.links = [], [], [], []
        self.ids = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.sources += [given["src"]] if "src" in given else []
        self.links += [given["href"]] if "href" in given else []
        self.ids += [given["id"]] if "id" in given else []
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self):
        return " ".join("".join(self.texts).split())


def make_run(place, classes=10):
    """A run's folder that knows its classes, without results."""
    folder = RunFolder(place)
    folder.root.mkdir(parents=True, exist_ok=True)
    names = tuple(f"class {i}" for i in range(classes))
    folder.describe_data(DataDescription((32, 32, 3), names, {"train": 1}))
    return folder


def put(folder, name, metrics, protocol=CIFAR, **more):
    """Writes a results file as `findings.write_findings` does."""
    folder.results.mkdir(exist_ok=True)
    content = {"metrics": metrics, "protocol": protocol} | more
    folder.result(name).write_text(json.dumps(content))


def put_figure(folder, name, shade=0.0):
    """Writes a figure's PNG; returns its path."""
    folder.figures.mkdir(exist_ok=True)
    figures.save(folder.figure(name), np.full([1, 8, 8, 3], shade, "float32"))
    return folder.figure(name)
