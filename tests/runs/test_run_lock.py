import dataclasses

import numpy as np
import pytest

from jem_tf.errors import InputError
from jem_tf.options import Training, flatten
from jem_tf.runs import flagfiles, loading, run_folder, run_lock
from jem_tf.runs.run_folder import RunFolder
from tests.runs.test_run_folder import SMALL, claimed, kept, refused
from tests.test_options import FIELDS

FREE = [name for name, (_, field) in FIELDS.items() if field.metadata["free"]]


def with_training(**changes):
    return dataclasses.replace(SMALL, training=Training(**changes))


def with_another(name):
    """SMALL, but for a lawful value of this flag that is not SMALL's."""
    subject, field = FIELDS[name]
    group = getattr(SMALL, subject)
    old, choices = getattr(group, name), field.metadata["choices"] or ()
    new = {bool: not old, int: 7, float: 0.77, str: "another"}[field.type]
    new = next((choice for choice in choices if choice != old), new)
    changed = dataclasses.replace(group, **{name: new})
    return dataclasses.replace(SMALL, **{subject: changed})


def test_a_fresh_run_gets_its_folders_and_its_flags(tmp_path):
    root = claimed(tmp_path / "deep" / "run", SMALL)
    assert root == tmp_path / "deep" / "run"
    assert sorted(path.name for path in root.iterdir()) == sorted(
        [*(part.name for part in RunFolder(root).parts), "run.flags"]
    )
    assert flagfiles.from_flagfile(root / "run.flags") == SMALL


def test_an_empty_folder_is_as_good_as_none(tmp_path):
    assert claimed(str(tmp_path), SMALL) == tmp_path
    assert (tmp_path / "run.flags").is_file()


def test_a_run_of_the_same_flags_goes_on_and_loses_nothing(tmp_path):
    root, model = kept(tmp_path / "run", SMALL)
    (root / "results" / "train.json").write_text("{}")
    assert claimed(tmp_path / "run", SMALL) == root
    assert (root / "results" / "train.json").read_text() == "{}"
    loaded = loading.read_run(root).model
    np.testing.assert_array_equal(loaded.buffer.shard, model.buffer.shard)


def test_a_run_that_ended_while_it_made_its_folder_goes_on(tmp_path):
    root = claimed(tmp_path / "run", SMALL)
    (root / "run.flags").unlink()  # the last that is written
    assert claimed(root, SMALL) == root


def test_a_folder_is_one_processs_at_a_time(tmp_path):
    with run_lock.claim(tmp_path, SMALL):
        with (
            pytest.raises(InputError, match="is in use by another process"),
            run_lock.claim(tmp_path, SMALL),
        ):
            pass
        run_lock.check(tmp_path, SMALL)  # looks, and does not take
    claimed(tmp_path, SMALL)


def test_a_folder_is_given_back_by_a_run_that_fails(tmp_path):
    with pytest.raises(ZeroDivisionError), run_lock.claim(tmp_path, SMALL):
        1 / 0  # noqa: B018
    claimed(tmp_path, SMALL)


def test_check_touches_nothing(tmp_path):
    run_lock.check(tmp_path / "run", SMALL)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", FREE)
def test_a_free_option_may_be_another_when_a_run_goes_on(tmp_path, name):
    claimed(tmp_path, SMALL)
    other = with_another(name)
    assert other != SMALL
    assert run_folder.default_path(other) == run_folder.default_path(SMALL)
    claimed(tmp_path, other)
    written = flagfiles.from_flagfile(tmp_path / "run.flags")
    if name != "workdir":  # the place of a run is not written down
        assert written == other


@pytest.mark.parametrize("name", [name for name in FIELDS if name not in FREE])
def test_any_other_option_makes_another_run(tmp_path, name):
    claimed(tmp_path, with_another(name))
    before = (tmp_path / "run.flags").read_text()
    value = flatten(with_another(name))[name]
    message = refused(claimed, tmp_path, SMALL)
    assert f"workdir={tmp_path} holds another run ({name}={value});" in message
    assert (tmp_path / "run.flags").read_text() == before
    assert run_folder.default_path(with_another(name)) != run_folder.default_path(SMALL)


def test_another_run_is_refused_by_all_it_differs_in(tmp_path):
    claimed(tmp_path, with_training(seed=3, epochs=7))
    message = refused(claimed, tmp_path, with_training(seed=4))
    assert "(seed=3, epochs=7)" in message


def test_a_flag_that_a_run_does_not_name_has_its_default(tmp_path):
    claimed(tmp_path, SMALL)
    lines = (tmp_path / "run.flags").read_text().splitlines(keepends=True)
    short = [line for line in lines if not line.startswith(("--seed=", "--epochs="))]
    (tmp_path / "run.flags").write_text("".join(short))
    claimed(tmp_path, SMALL)
    assert (tmp_path / "run.flags").read_text() == "".join(lines)


def test_a_worker_joins_the_folder_that_the_chief_claimed(tmp_path):
    with run_lock.claim(tmp_path / "run", SMALL) as folder:
        root = folder.root
        token = run_lock.read_token(root)
        assert run_lock.join_run(str(root), SMALL, token).root == root
        for place, other in ((root, token + 1), (tmp_path / "none", token)):
            message = refused(run_lock.join_run, place, SMALL, other)
            assert "shares with the chief" in message
        message = refused(run_lock.join_run, root, with_training(seed=1), token)
        assert "seed=1 is seed=0 in the chief" in message


def test_a_folder_of_something_else_is_refused_and_left_alone(tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    message = refused(claimed, tmp_path, SMALL)
    assert f"workdir={tmp_path} holds something that is no run" in message
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


@pytest.mark.parametrize("below", ["", "run", "deep/run"])
def test_a_place_that_cannot_be_written_is_refused(tmp_path, below):
    (tmp_path / "file").write_text("")
    place = tmp_path / "file" / below
    assert f"workdir={place} cannot be written" in refused(claimed, place, SMALL)
