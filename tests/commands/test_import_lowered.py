from tests.processes import ROOT, tool_here

TOOL = ROOT / "tools" / "import_lowered.py"


def test_a_folder_without_a_run_and_a_missing_file_are_refused(trained, tmp_path):
    code, _, err = tool_here(TOOL, f"--workdir={tmp_path}", "--lowered=no.npz")
    assert (code, err) == (
        1,
        f"jem_tf: {tmp_path} holds no run of jem_tf; name the folder of one.\n",
    )
    trained(tmp_path / "run")
    code, _, err = tool_here(TOOL, f"--workdir={tmp_path / 'run'}", "--lowered=no.npz")
    assert code == 1
    assert err.startswith("jem_tf: --lowered=no.npz is no checkpoint of a lowered run")
