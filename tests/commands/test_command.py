"""What tools share."""

import json

import pytest

from jem_tf.commands import command
from jem_tf.errors import InputError
from jem_tf.runs import loading
from tests import processes


def test_other_images_than_a_run_was_trained_on_are_refused(tmp_path):
    """Or images that it has learnt pass for those it was kept from."""
    processes.run_here(tmp_path, "--steps=3")
    run = loading.read(tmp_path)
    assert command.data_of(run).class_names == run.class_names
    about = json.loads((tmp_path / "data.json").read_text())
    for sizes in ({"train": 1296}, {"validation": 142}, {"test": 0}):
        changed = about | {"sizes": about["sizes"] | sizes}
        (tmp_path / "data.json").write_text(json.dumps(changed))
        with pytest.raises(InputError, match=r"was trained on other images .*data_dir"):
            command.data_of(run)
    (tmp_path / "results" / "import.json").write_text("{}")  # they know nothing of it
    command.data_of(run)
