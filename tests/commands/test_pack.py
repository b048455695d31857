"""`jem-tf pack`, and the commands that take what it wrote."""

import pytest

from jem_tf.runs import loading
from tests.processes import command_here, contents

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory, trained):
    place = tmp_path_factory.mktemp("runs")
    trained(place / "run")
    ended = command_here(
        "pack", f"--workdir={place / 'run'}", f"--out={place / 'packed'}", "--chains=20"
    )
    assert (ended.code, ended.err) == (0, "")
    sizes = [len(content) for content in contents(place / "packed").values()]
    size = f"{sum(sizes) / 1e6:.2f} MB"
    *minded, last = ended.out.splitlines()
    assert last == f"{place / 'packed'}, of step 12: {size}"
    # so little trained, it may take noise for known
    assert all(line.startswith("mind: is_ood goes by max_p") for line in minded)
    return place


def test_what_it_writes_is_measured_drawn_and_exported(place):
    run = f"--workdir={place / 'packed'}"
    assert loading.read_run(place / "packed").model.buffer.size == 20
    for words in (
        ["evaluate calibration", run, "--limit=20"],
        ["sample", run, "--count=3", "--steps=1"],
        ["export", run],
    ):
        ended = command_here(*words)
        assert ended.code == 0, ended
    for file in ("results/calibration.json", "samples", "export/1/README.md"):
        assert (place / "packed" / file).exists()


def test_a_full_folder_is_left_as_it_is(place):
    before = contents(place / "packed")
    ended = command_here(
        "pack", f"--workdir={place / 'run'}", f"--out={place / 'packed'}"
    )
    assert ended.err == (
        f"jem_tf: --out={place / 'packed'} holds something; name another.\n"
    )
    assert contents(place / "packed") == before
