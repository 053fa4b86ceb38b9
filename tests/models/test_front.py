import keras
import numpy as np
import pytest

from fittingroom.errors import DataError, ModelError
from fittingroom.inference.keras_engine import predictor
from fittingroom.inference.model_files import load_model
from fittingroom.models import build
from fittingroom.models.front import for_use

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 28, 28), np.uint8)


@pytest.mark.parametrize("shape", [(784,), (28, 28), (28, 28, 1)])
def test_the_front_feeds_a_model_what_it_was_trained_on(shape):
    model = keras.Sequential([keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(10, activation="softmax")])
    expected = np.asarray(model((IMAGES / np.float32(255)).reshape(-1, *shape)).detach())
    used = for_use(model, (28, 28))
    assert used.input_shape == (None, 28, 28)
    np.testing.assert_allclose(predictor(used)(IMAGES), expected, atol=1e-6)


def test_a_model_that_scales_for_itself_is_not_scaled_twice():
    model = keras.Sequential(
        [
            keras.Input((28, 28)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    np.testing.assert_allclose(predictor(for_use(model, (28, 28)))(IMAGES), predictor(model)(IMAGES), atol=1e-6)
    assert for_use(model, (28, 28)).get_layer("as_they_are").scale == 1


def test_a_logits_model_answers_with_probabilities():
    model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(10)])
    for each in (model, for_use(model, (28, 28))):
        np.testing.assert_allclose(predictor(each)(IMAGES).sum(axis=1), 1, atol=1e-5)


def test_a_shape_that_does_not_fit_names_both():
    with pytest.raises(ModelError, match=r"takes inputs of shape \(784,\), the images are \(32, 32\)"):
        for_use(build(), (32, 32))
    with pytest.raises(ModelError, match=r"inputs of shape \(784,\), the images are \(32, 32\)"):
        predictor(build())(np.zeros((1, 32, 32), np.uint8))


def test_scaled_images_are_taken_back_and_said_rather_than_scaled_twice():
    model = build()
    with pytest.warns(UserWarning, match="each exactly k/255; taken back to the whole pixels"):
        answers = predictor(model)(IMAGES / 255)
    np.testing.assert_array_equal(answers, predictor(model)(IMAGES))
    with pytest.raises(DataError, match=r"received float64"):
        predictor(model)(IMAGES / 300)


def test_prediction_in_batches_equals_prediction_one_by_one(monkeypatch):
    predict = predictor(build())
    whole = predict(IMAGES)
    monkeypatch.setattr("fittingroom.inference.forward.BATCH", 4)
    np.testing.assert_allclose(predict(IMAGES), whole, atol=1e-6)
    assert predict(IMAGES[:0]).shape == (0, 10)


def test_a_saved_model_opens_uncompiled_and_answers_the_same(tmp_path):
    used = for_use(build(), (28, 28))
    used.save(tmp_path / "model.keras")
    opened = load_model(tmp_path)
    assert not opened.compiled
    np.testing.assert_array_equal(predictor(opened)(IMAGES), predictor(used)(IMAGES))


def test_a_file_that_is_no_model_is_one_sentence(tmp_path):
    path = tmp_path / "model.keras"
    path.write_text("<html>")
    with pytest.raises(ModelError, match="expected a Keras model that opens in safe mode"):
        load_model(path)


def test_another_suffix_is_refused(tmp_path):
    path = tmp_path / "model.pkl"
    path.write_bytes(b"")
    with pytest.raises(ModelError, match=r"expected a run folder, a \.keras or an \.h5 file, received a '\.pkl' file"):
        load_model(path)


def test_a_folder_without_a_model_says_what_is_missing(tmp_path):
    with pytest.raises(ModelError, match=r"expected a run folder that holds model\.keras"):
        load_model(tmp_path)


def test_a_name_that_is_nothing_says_so():
    with pytest.raises(ModelError, match="neither a path that exists nor a shipped name"):
        load_model("fashion-mnist/nothing")
