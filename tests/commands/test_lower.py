"""`jem-tf lower`; tests/commands/test_import_lowered.py goes on with what it wrote."""

import pytest

from tests.processes import ROOT, tool_here

TOOL = ROOT / "tools" / "lower.py"
FEW = "--dataset=digits --network=convnet-8 --p_x_weight=0 --batch_size=4 --steps=2"


@pytest.mark.slow
def test_it_says_what_is_lowered_and_how_to_run_it(tmp_path):
    run, out = tmp_path / "run", tmp_path / "a program"
    flags = [*FEW.split(), f"--workdir={run}", f"--out={out}"]
    code, says, err = tool_here(TOOL, *flags)
    assert (code, err) == (0, "")
    first, second = says.splitlines()
    assert first == f"{out}: 2 steps from step 0, 1 an execution, float32"
    assert second == f"python '{out}/run.py' '{out}'"
    code, _, err = tool_here(TOOL, *flags)
    assert code == 1
    assert err.startswith(f"jem_tf: --out={out} holds something already")
