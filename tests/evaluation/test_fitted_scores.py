import numpy as np
import pytest

from jem_tf import ood_scores, options
from jem_tf.datasets import Dataset, Split
from jem_tf.energy_model import Classifier
from jem_tf.errors import InputError
from jem_tf.evaluation import fitted_scores
from jem_tf.evaluation.scorer import Scorer
from jem_tf.runs.loading import TrainedRun
from jem_tf.runs.run_folder import RunFolder
from tests import tiny_models

ALL = [name for name, score in ood_scores.SCORES.items() if not score.initial]


def split(n, seed):
    images, labels = tiny_models.data(n, seed=seed)
    return Split(images, labels)


DATA = Dataset(split(60, 1), split(30, 2), split(12, 3), ("a", "b", "c"), False)
IMAGES = DATA.test.images


@pytest.fixture
def model():
    return Classifier(tiny_models.network())


@pytest.fixture
def run(model, tmp_path):
    return run_of(model, tmp_path)


def run_of(model, path, **data):
    opts = options.Options(data=options.Data(**data))
    return TrainedRun(RunFolder(path), model, opts, DATA.class_names, step=0)


def never():
    raise AssertionError("The data are not needed.")


def attached(run, data=DATA, names=ALL):
    scorer = Scorer(run.model)
    return fitted_scores.attach(scorer, names, run, data, precision="float32")


def same(one, other):
    assert one.keys() == other.keys()
    for key, value in one.items():
        np.testing.assert_array_equal(value, other[key])


def test_what_was_fitted_is_kept_and_read_back_without_the_data(run):
    first = attached(run)
    again = attached(run, never)
    same(again.state, first.state)
    same(again.scores(IMAGES, ALL), first.scores(IMAGES, ALL))
    assert not list(run.folder.root.rglob("*.part"))


def test_a_fit_that_fails_leaves_what_was_fitted(run):
    scorer = attached(run, names=["knn"])
    before = scorer.scores(IMAGES, ["knn"])
    with pytest.raises(AssertionError):
        fitted_scores.attach(scorer, ["knn", "vim"], run, never, precision="float32")
    same(scorer.scores(IMAGES, ["knn"]), before)


def test_a_score_more_is_fitted_beside_those_that_are_there(run):
    attached(run, names=["knn"])
    two = attached(run, names=["vim"]).state
    assert {key.split("/")[0] for key in two} == {"vim"}
    both = attached(run, never, ["knn", "vim"]).state
    assert {key.split("/")[0] for key in both} == {"knn", "vim"}


def test_labels_that_the_training_did_not_know_change_nothing(model, tmp_path):
    images, labels = DATA.train
    rows = np.arange(len(labels))
    first = [np.flatnonzero(labels == y)[:4] for y in range(3)]
    hidden = ~np.isin(rows, np.concatenate(first))
    other = np.where(hidden, (labels + 1) % 3, labels).astype(labels.dtype)
    # The order of the images stays, so that the first four of a class are the same.
    late = np.where(hidden & (rows > max(x[-1] for x in first)), other, labels)
    assert (late != labels).any()
    states = [
        fitted_scores.attach(
            Scorer(model),
            ALL,
            run_of(model, tmp_path / str(number), labels_per_class=4),
            DATA._replace(train=Split(images, known)),
            precision="float32",
        ).state
        for number, known in enumerate([labels, late])
    ]
    same(*states)
    every = fitted_scores.fit_scores(Scorer(model), ["mahalanobis"], DATA)
    name = "mahalanobis/means"
    assert (states[0][name] != every[name]).any()


def test_images_whose_labels_are_known_are_chosen_first():
    labels = np.array([-1, 2, -1, 0, -1, 1, -1, -1])
    chosen = fitted_scores.choose_images(Split(np.arange(8), labels), 5)
    assert set(chosen.labels) == {-1, 0, 1, 2}
    assert len(chosen.labels) == 5
    few = fitted_scores.choose_images(Split(np.arange(8), labels), 3)
    assert few.labels.tolist() == [2, 0, 1]


@pytest.mark.parametrize("data", [DATA, lambda: DATA])
def test_other_weights_are_fitted_again(run, data):
    before = attached(run).state
    run.model.network.set_weights([w + 0.1 for w in run.model.network.get_weights()])
    after = attached(run, data).state
    same(after, fitted_scores.fit_scores(Scorer(run.model), ALL, DATA))
    assert (after["knn/bank"] != before["knn/bank"]).any()


def test_another_initial_classifier_is_fitted_to_again(run):
    names, states = ["initial_vim"], []
    for seed in (1, 2, 1):
        initial = tiny_models.network()
        initial.set_weights([w + 0.1 * seed for w in initial.get_weights()])
        scorer = Scorer(run.model, initial=initial)
        fitted_scores.attach(scorer, names, run, DATA, precision="float32")
        states.append(scorer.state)
    same(states[0], states[2])
    assert not np.array_equal(*(s["initial_vim/residual"] for s in states[:2]))


def test_what_a_packed_run_goes_by_stays(run):
    attached(run, names=["knn"])
    run.folder.calibration.write_text("{}")
    kept = run.folder.fitted_scores("float32").read_bytes()
    other = DATA._replace(train=split(50, 9))
    state = attached(run, other, ["knn", "vim"]).state
    same(state, fitted_scores.fit_scores(Scorer(run.model), ["knn", "vim"], other))
    assert run.folder.fitted_scores("float32").read_bytes() == kept


@pytest.mark.parametrize("name", ["train", "validation"])
def test_other_images_are_fitted_again(run, name):
    before = attached(run).state
    other = DATA._replace(**{name: split(50, 9)})
    after = attached(run, other).state
    same(after, fitted_scores.fit_scores(Scorer(run.model), ALL, other))
    changed = "knn/bank" if name == "train" else "typicality/mean"
    assert not np.array_equal(after[changed], before[changed])


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 no archive", None])
def test_a_damaged_file_is_fitted_again(run, damage):
    before = attached(run).state
    path = run.folder.fitted_scores("float32")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    same(attached(run).state, before)
    assert path.read_bytes() == whole


def test_a_run_that_cannot_be_written_has_its_scores_all_the_same(
    run, full_disk, capsys
):
    with full_disk(100):
        scorer = attached(run, names=["knn"])
    assert scorer.scores(IMAGES, ["knn"])["knn"].shape == (12,)
    assert "cannot be written" in capsys.readouterr().out
    assert not [path for path in run.folder.root.rglob("*") if path.is_file()]


def test_scores_with_nothing_to_fit_need_no_data_and_no_file(run):
    assert attached(run, never, ood_scores.PAPER).state == {}
    assert not list(run.folder.root.iterdir())


def test_scores_that_a_network_cannot_have_are_refused(run):
    from tests.evaluation.test_penultimate import Subclassed

    model = Classifier(Subclassed(), image_shape=tiny_models.SHAPE)
    with pytest.raises(InputError, match="has no features"):
        attached(run._replace(model=model), never, ["knn"])


def test_every_class_has_its_share_of_the_images_that_are_chosen():
    labels = np.repeat([0, 1, 2], [600, 300, 100])
    labels = np.random.default_rng(0).permutation(labels)
    images = np.arange(1000)[:, None, None, None]
    chosen = fitted_scores.choose_images(Split(images, labels), 100)
    assert np.abs(np.bincount(chosen.labels) - [60, 30, 10]).max() <= 1
    places = chosen.images[:, 0, 0, 0]
    assert (np.diff(places) > 0).all()
    np.testing.assert_array_equal(labels[places], chosen.labels)
    assert len(fitted_scores.choose_images(DATA.train).labels) == 60
