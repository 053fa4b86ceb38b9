"""What pixels a model of one's own was fitted on: a file a kind, each answered as plain Keras answers it."""

import numpy as np
import pytest
import torch

import fittingroom as fr
from fittingroom.data import Dataset, Split
from fittingroom.errors import UsageError
from fittingroom.inference.model_files import read_card
from fittingroom.inference.pixels import feed_of
from fittingroom.models.front import for_use, read_pixels
from fittingroom.workflows.evaluation import open_settled
from helpers.networks import keras

L = keras.layers


def sequential(*layers, shape=(28, 28)):
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input(shape), *layers, L.Flatten(), L.Dense(10, activation="softmax")])


def by_division():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((28, 28))
    return keras.Model(inputs, L.Dense(10, activation="softmax")(L.Flatten()((inputs - 127.5) / 127.5)))


def adapted(images):
    layer = L.Normalization(axis=None)
    layer.adapt(images)
    return layer


CONSTANTS = {  # what a network's first layers say, and the pixels that they were made for
    "a 255th": (lambda im: sequential(L.Rescaling(1 / 255)), "raw"),
    "-1 to 1 of 0 to 255": (lambda im: sequential(L.Rescaling(1 / 127.5, -1)), "raw"),
    "-1 to 1 of 0 to 1": (lambda im: sequential(L.Rescaling(2.0, -1)), "unit"),
    "adapted on 0 to 255": (lambda im: sequential(adapted(im.astype("float32"))), "raw"),
    "adapted on 0 to 1": (lambda im: sequential(adapted(im.astype("float32") / 255)), "unit"),
    "a 255th, then adapted": (lambda im: sequential(L.Rescaling(1 / 255), adapted(im.astype("float32") / 255)), "raw"),
    "behind augmentation": (lambda im: sequential(L.RandomTranslation(0.1, 0.1), L.Rescaling(2.0, -1)), "unit"),
    "inside another": (lambda im: sequential(keras.Sequential([L.Reshape((784,)), L.Rescaling(1 / 255)])), "raw"),
    "arithmetic": (lambda im: by_division(), "raw"),
    "a variance alone": (lambda im: sequential(L.Normalization(axis=None, mean=0.0, variance=255.0**2)), "raw"),
    "not adapted": (lambda im: sequential(L.BatchNormalization()), None),
    "nothing": (lambda im: sequential(), None),
    "by one": (lambda im: sequential(L.Rescaling(1.0)), None),
}


@pytest.mark.parametrize("kind", CONSTANTS)
def test_the_constants_of_the_first_layers_tell_what_pixels_they_were_made_for(kind, toy):
    make, pixels = CONSTANTS[kind]
    assert read_pixels(make(toy.train.images)) == pixels


@pytest.mark.parametrize("kind", [kind for kind, (_, pixels) in CONSTANTS.items() if pixels])
def test_a_file_whose_layers_tell_is_fed_that_without_a_word(kind, toy, tmp_path):
    make, pixels = CONSTANTS[kind]
    model = make(toy.train.images)
    model.save(tmp_path / "mine.keras")
    inputs = toy.test.images.astype("float32") / (255 if pixels == "unit" else 1)
    expected = model.predict(inputs, verbose=0)
    told = []
    opened = open_settled(tmp_path / "mine.keras", log=told.append)
    np.testing.assert_allclose(opened.predict(toy.test.images), expected, atol=1e-5)
    assert (opened.pixels, told) == (pixels, [])
    np.testing.assert_allclose(fr.predict(model, toy.test.images), expected, atol=1e-5)


def fed(images, pixels, train):
    values = images.astype("float32")
    if pixels == "standard":
        return (values - np.float32(train.mean())) / np.float32(train.std())
    return values / 255 if pixels == "unit" else values


@pytest.fixture(scope="module")
def hard():
    """A dataset on which a network fed other pixels than its own is wrong more often: bars of ten shades of grey."""

    def split(name, n, seed):
        random = np.random.default_rng(seed)
        labels = np.arange(n) % 10
        images = random.integers(0, 30, (n, 28, 28)) + 22 * labels[:, None, None]
        return Split(name, images.astype(np.uint8), labels.astype(np.uint8), np.arange(n))

    names = tuple(f"shade {k}" for k in range(10))
    return Dataset(
        "shades", split("train", 640, 0), split("test", 200, 1), names, "0123456789abcdef", "made for a test"
    )


@pytest.fixture(scope="module")
def fitted(hard):
    """Networks whose layers do not tell what they were fitted on, by Keras's own loop on each kind of pixels."""

    def fit(pixels):
        model = sequential(L.Flatten(), L.Dense(32), L.BatchNormalization(momentum=0.5), L.ReLU())
        model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
        model.fit(fed(hard.train.images, pixels, hard.train.images), hard.train.labels, epochs=10, verbose=0)
        return model

    return {pixels: fit(pixels) for pixels in ("unit", "raw", "standard")}


@pytest.mark.parametrize("pixels", ["unit", "raw", "standard"])
def test_a_file_that_does_not_tell_is_asked_about_training_images_and_judged_as_it_was_fitted(
    fitted, pixels, hard, tmp_path
):
    fitted[pixels].save(tmp_path / "mine.keras")
    told = []
    verdict = fr.evaluate(tmp_path / "mine.keras", hard, log=told.append)
    answers = fitted[pixels].predict(fed(hard.test.images, pixels, hard.train.images), verbose=0)
    assert verdict.accuracy == (answers.argmax(1) == hard.test.labels).mean()
    assert f"Taken: {pixels}, better than the next by" in told[0]
    assert "640 training images of 'shades'" in told[0]
    assert "--pixels unit, raw or standard" in told[0]


@pytest.mark.parametrize("pixels", ["unit", "raw", "standard"])
def test_the_argument_settles_it_and_the_right_one_gives_what_keras_gives(fitted, pixels, hard, tmp_path):
    fitted[pixels].save(tmp_path / "mine.keras")
    for each in ("unit", "raw", "standard"):
        verdict = fr.evaluate(tmp_path / "mine.keras", hard, pixels=each)
        answers = fitted[pixels].predict(fed(hard.test.images, each, hard.train.images), verbose=0)
        assert verdict.accuracy == (answers.argmax(1) == hard.test.labels).mean()


@pytest.mark.parametrize("ending", ["keras", "onnx"])
@pytest.mark.parametrize("pixels", ["raw", "standard"])
def test_the_exported_file_stands_behind_the_front_that_it_needs(fitted, pixels, ending, hard, tmp_path):
    pytest.importorskip("onnx")
    fitted[pixels].save(tmp_path / "mine.keras")
    told = []
    file = fr.export_model(tmp_path / "mine.keras", tmp_path / f"out.{ending}", hard, log=told.append)
    expected = fitted[pixels].predict(fed(hard.test.images, pixels, hard.train.images), verbose=0)
    assert f"Taken: {pixels}" in told[0]
    np.testing.assert_allclose(fr.predict(file, hard.test.images), expected, atol=1e-4)
    if ending == "keras":
        plain = keras.saving.load_model(file).predict(hard.test.images, verbose=0)
        np.testing.assert_allclose(plain, expected, atol=1e-4)
    assert read_card(file)["export"]["fitted_on"]["pixels"] == pixels


def test_a_file_moved_away_from_its_card_still_says_that_it_takes_0_to_255(fitted, hard, tmp_path):
    for pixels in ("unit", "raw", "standard"):
        used = for_use(fitted[pixels], (28, 28), feed=feed_of(pixels, hard.train.images))
        assert read_pixels(used) == "raw"


def test_what_nobody_can_tell_is_said_and_0_to_1_is_taken(toy, tmp_path):
    sequential().save(tmp_path / "mine.keras")
    told = []
    fr.evaluate(tmp_path / "mine.keras", toy, log=told.append)
    assert "Taken: unit, since the difference of the first two may be chance." in told[0]


def test_a_run_is_never_asked_and_has_nothing_to_settle(toy, tmp_path):
    run = fr.train(fr.build("walkthrough"), toy, epochs=1, out=tmp_path / "run")
    told = []
    fr.evaluate(run.folder, toy, log=told.append)
    assert told == []
    with pytest.raises(UsageError, match="there is nothing that --pixels raw could settle"):
        fr.predict(run.folder, toy.test.images, pixels="raw")


def test_an_unknown_word_is_refused(toy, tmp_path):
    with pytest.raises(UsageError, match="expected one of unit, raw, standard, received 'grey'"):
        fr.predict(sequential(), toy.test.images, pixels="grey")


def test_a_torch_module_fitted_on_standardised_images_is_judged_as_it_was_fitted(hard):
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 32), torch.nn.Tanh(), torch.nn.Linear(32, 10))
    inputs = torch.from_numpy(fed(hard.train.images, "standard", hard.train.images))
    optimizer = torch.optim.Adam(module.parameters(), 0.01)
    for _ in range(60):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(module(inputs), torch.from_numpy(hard.train.labels).long())
        loss.backward()
        optimizer.step()
    told = []
    verdict = fr.evaluate(module, hard, log=told.append)
    with torch.no_grad():
        answers = module(torch.from_numpy(fed(hard.test.images, "standard", hard.train.images))).argmax(1).numpy()
    assert verdict.accuracy == (answers == hard.test.labels).mean()
    assert "Taken: standard, better than the next by" in told[0]
