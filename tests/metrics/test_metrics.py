from tests.processes import Process

ROOM = """
import sys
import jem_tf
from jem_tf import metrics

assert metrics.calibration.BINS and metrics.fid_kid.CHUNK
assert metrics.intervals.RESAMPLES and metrics.ood.TRUE_POSITIVES
print(*{"tensorflow", "scipy", "sklearn", "matplotlib"} & set(sys.modules))
"""


def test_the_room_gives_its_modules_and_loads_nothing_but_numpy():
    with Process("-c", ROOM) as process:
        assert process.end() == (0, "\n", "")
