import io
import sys

from tqdm import tqdm

from jem_tf.system.log import report, say


def test_a_line_goes_to_standard_output_at_once(capfd):
    say("é: 1,000 images")
    assert capfd.readouterr() == ("é: 1,000 images\n", "")


def test_a_line_stands_above_the_progress_bar_and_never_within_it(capfd):
    with tqdm(total=2, file=(terminal := io.StringIO()), mininterval=0) as bar:
        bar.update()
        say("a line")
        bar.update()
    assert capfd.readouterr().out == "a line\n"
    assert "a line" not in terminal.getvalue()


def test_a_line_goes_where_standard_output_goes_now(monkeypatch):
    monkeypatch.setattr(sys, "stdout", there := io.StringIO())
    say("a line")
    assert there.getvalue() == "a line\n"


def test_a_report_ends_with_where_things_are(tmp_path, capsys):
    results = {
        "accuracy": 0.98765,
        "ece": 0.0361,
        "log_px_test": -1.5,
        "log_px_noise": -20.25,
        "auroc_noise": 1.0,
        "seconds": 140.4,
    }
    report(tmp_path, results)
    lines = capsys.readouterr().out.split("\n")
    numbers = [line.split()[-1] for line in lines[1:7]]
    assert numbers == ["0.9877", "0.0361", "-1.50", "-20.25", "1.0000", "140"]
    assert lines[7:] == ["", str(tmp_path / "results" / "train.json"), ""]
    (tmp_path / "figures").mkdir()
    picture = tmp_path / "figures" / "samples.png"
    picture.write_text("")
    report(tmp_path, results)
    assert capsys.readouterr().out.endswith(f"\n{picture}\n")
