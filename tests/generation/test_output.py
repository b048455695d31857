import types

import pytest

from jem_tf.errors import InputError
from jem_tf.generation import output, request

RUN = types.SimpleNamespace(step=7020)


def test_a_name_tells_what_is_not_as_by_default():
    plain, asked = request.Request(), request.Request(labels="cat,dog", seed=3)
    assert output.name_files(plain, RUN) == "grid-step_7020"
    assert output.name_files(asked, RUN) == "grid-step_7020-labels_cat,dog-seed_3"


def test_a_name_is_a_files_name_whatever_was_asked():
    path = "/a b/../" + "long" * 100 + ".png"
    name = output.name_files(request.Request("inpaint", image=path, mask="left"), RUN)
    assert name.startswith("inpaint-step_7020-image_a_b_.._long")
    assert len(name) == output.LONGEST
    assert not set(name) & set("/ ")
    other = output.name_files(request.Request("inpaint", image=path, mask="right"), RUN)
    assert other[:-8] == name[:-8]
    assert other != name


def test_a_name_in_another_script_fits_on_the_disk(tmp_path):
    names = [f"{letter}" * 20 for letter in "鳥猫犬馬鹿船車蛙"]
    stems = {
        output.name_files(request.Request(labels=",".join(some)), RUN)
        for some in (names, names[:-1], names[::-1])
    }
    assert len(stems) == 3
    for stem in stems:
        assert len(stem.encode()) <= output.LONGEST
        assert stem.startswith("grid-step_7020-labels_")
        paths = output.reserve(tmp_path, stem, (".npz", ".png"))
        output.write_all(paths, dict.fromkeys(paths, lambda path: path.write_text("")))
    assert len(list(tmp_path.iterdir())) == 6


def test_names_whose_signs_no_file_name_has_give_names_of_their_own():
    words = ("a b", "a_b", "$a$b", "a/b", "☃", "☂", '"a,b"', "a,b")
    stems = [output.name_files(request.Request(labels=word), RUN) for word in words]
    assert len({*stems}) == len(words)
    assert stems[1] == "grid-step_7020-labels_a_b"
    assert not set("".join(stems)) & set('/$ "')


@pytest.mark.parametrize("broken", [".a", ".b"])
def test_files_are_written_all_or_none(tmp_path, broken):
    def breaks(path):
        path.write_text("half")
        raise OSError(28, "No space left on device")

    paths = output.reserve(tmp_path / "out", "x", (".a", ".b"))
    writers = dict.fromkeys(paths, lambda path: path.write_text("whole"))
    with pytest.raises(InputError, match="cannot be written: No space left on device"):
        output.write_all(paths, writers | {broken: breaks})
    assert not [*(tmp_path / "out").iterdir()]
    output.write_all(paths, writers)
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["x.a", "x.b"]
    with pytest.raises(InputError, match="exists; remove it, or name another out"):
        output.reserve(tmp_path / "out", "x", (".c", ".b"))
