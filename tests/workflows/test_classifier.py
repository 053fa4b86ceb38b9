"""`fr.Classifier` is an estimator as scikit-learn has them, and trains what `fr.train` trains."""

import pickle
import re
import subprocess
import sys
import warnings

import numpy as np
import pytest

import fittingroom as fr

sklearn = pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from sklearn.base import clone  # noqa: E402
from sklearn.datasets import load_digits  # noqa: E402
from sklearn.exceptions import NotFittedError  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.utils.estimator_checks import parametrize_with_checks  # noqa: E402

EXCEPTED: dict[str, str] = {}  # check: why it is not passed


@parametrize_with_checks(
    [fr.Classifier(epochs=8, batch_size=32, lr=0.03, settings={"trace": False})],
    expected_failed_checks=lambda _: EXCEPTED,
)
def test_it_passes_scikit_learns_own_checks(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn's checks pass what warns
        check(estimator)


def test_at_most_ten_checks_are_excepted():
    assert len(EXCEPTED) <= 10


@pytest.fixture(scope="module")
def fitted(toy):
    return fr.Classifier(epochs=2).fit(toy.train.images, toy.train.labels)


def test_it_trains_the_network_that_train_trains(fitted, toy, tmp_path):
    run = fr.train("walkthrough", toy, epochs=2, out=tmp_path / "r", onnx=False)
    for ours, theirs in zip(fitted.network_.get_weights(), run.model().get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_allclose(fitted.predict_proba(toy.test.images), run.predict(toy.test.images), atol=1e-6)
    assert [line["loss"] for line in fitted.history_] == [line["loss"] for line in run.history]


def test_pictures_rows_and_exactly_scaled_floats_are_the_same_pixels(fitted, toy):
    rows = toy.train.images.reshape(len(toy.train.images), -1)
    for same in (rows, rows.astype(float), (rows / 255).astype(np.float32)):
        other = fr.Classifier(epochs=2).fit(same, toy.train.labels)
        assert other.reading_.kind == "pixels"
        np.testing.assert_array_equal(other.network_.get_weights()[0], fitted.network_.get_weights()[0])
        np.testing.assert_array_equal(other.predict(same[:50]), fitted.predict(toy.train.images[:50]))


def test_pixels_of_another_scale_than_for_fit_are_refused(toy):
    rows = toy.train.images.reshape(len(toy.train.images), -1)
    classifier = fr.Classifier(epochs=1).fit(rows / 255, toy.train.labels)
    with pytest.raises(ValueError, match=re.escape("X: expected pixels as they were for fit, 0..1, each k/255")):
        classifier.predict(rows)


def test_labels_may_be_words_and_come_back_as_such(toy):
    names = np.array(toy.class_names)[toy.train.labels]
    classifier = fr.Classifier(epochs=10).fit(toy.train.images, names)
    assert classifier.classes_.tolist() == sorted(toy.class_names)
    assert classifier.score(toy.test.images, np.array(toy.class_names)[toy.test.labels]) > 0.8


def test_a_pickle_answers_the_same(fitted, toy):
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict_proba(toy.test.images), fitted.predict_proba(toy.test.images))


def test_a_clone_is_not_fitted_and_asks_for_the_same(fitted, toy):
    fresh = clone(fitted)
    assert fresh.get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        fresh.predict(toy.test.images)


def test_cross_validation_and_a_grid_search_find_the_better_rate(toy):
    rows = toy.train.images.reshape(len(toy.train.images), -1)
    scores = cross_val_score(fr.Classifier(epochs=2), rows, toy.train.labels, cv=2)
    assert scores.shape == (2,)
    search = GridSearchCV(fr.Classifier(epochs=2), {"lr": [1e-6, 0.003]}, cv=2).fit(rows, toy.train.labels)
    assert search.best_params_ == {"lr": 0.003}


def test_features_go_through_a_pipeline():
    digits = load_digits()
    pipeline = make_pipeline(StandardScaler(), fr.Classifier(epochs=10, lr=0.003))
    pipeline.fit(digits.data[:1000], digits.target[:1000])
    assert pipeline[-1].reading_.kind == "features"
    assert pipeline.score(digits.data[1000:], digits.target[1000:]) > 0.85


def test_rows_of_784_that_are_no_pixels_are_features_and_a_warning_says_so(toy):
    rows = toy.train.images.reshape(len(toy.train.images), -1).astype(float)
    standard = (rows - rows.mean()) / rows.std()
    with pytest.warns(UserWarning, match="rows of 784 that are no pixels are taken as features"):
        classifier = fr.Classifier(epochs=2).fit(standard, toy.train.labels)
    assert (classifier.reading_.kind, classifier.reading_.image_shape) == ("features", (28, 28))


def test_rows_of_another_size_are_pictures_where_their_shape_is_given(toy):
    small = toy.train.images[:, 10:18, :]
    classifier = fr.Classifier(epochs=1, image_shape=(8, 28)).fit(small.reshape(len(small), -1), toy.train.labels)
    assert (classifier.reading_.kind, classifier.n_features_in_) == ("pixels", 224)
    with pytest.raises(ValueError, match="expected 16 pixels a row, 4x4, received 224"):
        fr.Classifier(image_shape=(4, 4)).fit(small.reshape(len(small), -1), toy.train.labels)


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ({"model": "walkthru"}, "Did you mean 'walkthrough'?"),
        ({"epochs": 0}, "Recipe setting 'epochs': expected a whole number, at least 1"),
        ({"lr": 0.1, "settings": {"learning_rate": 0.1}}, "Expected learning_rate once"),
        ({"seed": -1}, "seed: expected a whole number"),
    ],
)
def test_a_wrong_parameter_is_told_when_it_is_fitted(toy, named, told):
    with pytest.raises(ValueError, match=re.escape(told)):
        fr.Classifier(**named).fit(toy.train.images, toy.train.labels)


def test_a_model_in_memory_is_refused(toy):
    with pytest.raises(ValueError, match="would be trained in place"):
        fr.Classifier(fr.build()).fit(toy.train.images, toy.train.labels)


def test_without_scikit_learn_it_says_what_to_install():
    code = (
        "import sys; sys.modules['sklearn'] = None; sys.modules['sklearn.base'] = None\n"
        "from fittingroom import *\nimport fittingroom as fr\n"
        "try: fr.Classifier()\nexcept fr.FittingRoomError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "which is not installed. Install it: " in done.stdout, done.stderr
    assert done.stdout.strip().endswith("-m pip install scikit-learn")
