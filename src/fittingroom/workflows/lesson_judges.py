"""What each exercise of the class asks for: functions that judge an answer, one an exercise.

An answer is held against the data, or against what a correct computation gives for numbers drawn for the purpose, so
that no answer is written down here.
"""

from __future__ import annotations

import math
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.data import Dataset, Split, hold_out, load
from fittingroom.errors import DataError
from fittingroom.inference.predictor import open_predictor
from fittingroom.judging import wilson_interval
from fittingroom.pictures import have_light_background
from fittingroom.runs import Run
from fittingroom.words import counted
from fittingroom.workflows.comparing import Compared
from fittingroom.workflows.run_data import run_predictions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fittingroom.arrays import Array, Images

    Judge = Callable[[Any], bool | str]  # an answer: right, wrong, or a hint of its own

SHIPPED = "fashion-mnist/90"  # the network that lesson 6 asks
PATCH = 7  # the edge of the square that lesson 6 covers a picture with
FIRST_SCORE, GAIN, GAP = 0.84, 0.02, 0.05  # what lessons 2 to 4 ask for, on images that were held out
ASIDE = 10_000  # of the training images, that are put aside
NOTHING = "Your function gives nothing back yet: what it is to give stands behind the word return."


@cache
def _data() -> Dataset:
    return load("fashion-mnist")


def _train() -> Images:
    return _data().train.images


def _is_number(answer: Any, expected: float | int, tolerance: float = 0.0) -> bool:
    if isinstance(answer, str | bytes):
        raise DataError("a number is asked for, and this is text.")
    return bool(np.ndim(answer) == 0 and abs(float(answer) - expected) <= tolerance)


def _numbers(seed: int, *shape: int) -> Array:
    return np.random.default_rng(seed).normal(size=shape)


def _agrees(function: Any, expected: Callable[..., Any], *cases: Sequence[Any], tolerance: float = 1e-6) -> bool | str:
    """Say whether a learner's function gives what a correct one gives, for each of some arguments."""
    if not callable(function):
        return "Pass the function itself: its name, without brackets behind it."
    for arguments in cases:
        given = function(*[np.array(each) if isinstance(each, np.ndarray) else each for each in arguments])
        if given is None or given is ... or (isinstance(given, tuple) and ... in given):
            return NOTHING
        right = np.asarray(expected(*arguments), float)
        if np.shape(given) != right.shape:
            return f"Your function gives something of shape {np.shape(given)}, and {right.shape} is asked for."
        if not np.allclose(np.asarray(given, float), right, atol=tolerance):
            return False
    return True


# Lesson 1: look at the data


def _count(answer: Any) -> bool | str:
    if _is_number(answer, len(_data().test)):
        return "These are the images to test with. How many are there to learn from?"
    return _is_number(answer, len(_data().train))


def _seventh_name(answer: Any) -> bool | str:
    train, names = _data().train, _data().class_names
    if not isinstance(answer, str):
        return "That is no name. Which name stands at this place in fr.class_names?"
    if str(answer).casefold() == names[int(train.labels[7])].casefold():
        return "Python counts from 0: the seventh has the number 6."
    return str(answer).strip().casefold() == names[int(train.labels[6])].casefold()


def _black_share(answer: Any) -> bool | str:
    expected = float((_train() == 0).mean())
    if _is_number(answer, 100 * expected, 1.0):
        return "That is in percent. A share lies between 0 and 1."
    if _is_number(answer, 1 - expected, 1e-4):
        return "That is the share of the pixels that are not black."
    return _is_number(answer, expected, 0.005)


def _average(answer: Any) -> bool | str:
    train = _data().train
    if np.shape(answer) != train.images.shape[1:]:
        return f"An average picture has the shape of one picture. Yours has {np.shape(answer)}: what does axis=0 do?"
    means = _averages()
    near = int(np.abs(means - np.asarray(answer, float)).mean(axis=(1, 2)).argmin())
    if np.allclose(answer, means[near], atol=1) and near != 1:
        return f"This is the average of another class: {_data().class_names[near]}."
    return np.allclose(answer, means[1], atol=1)


@cache
def _averages() -> Array:
    train = _data().train
    return np.stack([train.images[train.labels == label].mean(axis=0) for label in range(_data().classes)])


def _slid_labels(answer: Any) -> bool | str:
    labels = _data().train.labels
    if np.shape(answer) != labels.shape:
        return f"There is one label for each of the {counted(len(labels), 'image')}; you passed {np.shape(answer)}."
    for step in (-2, -1, 1, 2):
        if np.array_equal(answer, np.roll(labels, step)):
            return "They slid by another step, or in the other direction. np.roll takes negative steps too."
    return np.array_equal(answer, labels)


def _nearest(answer: Any) -> bool | str:
    train, means = _data().train, _averages()
    if not callable(answer):
        return "Pass the function itself: its name, without brackets behind it."
    images = train.images[-300:]
    given = [answer(image) for image in images]
    if any(each is None or each is ... for each in given):
        return NOTHING
    if any(isinstance(each, str) for each in given):
        return "Your function gives a name. The number of the class is asked for."
    right = [int(((means - image) ** 2).mean(axis=(1, 2)).argmin()) for image in images.astype(float)]
    other = [int(np.abs(means - image).mean(axis=(1, 2)).argmin()) for image in images.astype(float)]
    agree = max(np.mean(np.array(given) == each) for each in (right, other))
    if agree < 0.9 and len({int(each) for each in given}) < 5:
        return (
            "Your function nearly always gives the same class. Are the pixels whole numbers that run over? image / 1.0"
        )
    return bool(agree > 0.95)


# Lesson 2: a first network


def _neuron(answer: Any) -> bool | str:
    cases = [(_numbers(seed, 5), _numbers(seed + 1, 5), 0.5 * seed) for seed in (1, 2)]
    found = _agrees(answer, lambda pixels, weights, bias: float(pixels @ weights + bias), *cases)
    if found is False and _agrees(answer, lambda pixels, weights, _: float(pixels @ weights), *cases) is True:
        return "Nearly: the bias is not in it yet."
    return found


def _softmax(answer: Any) -> bool | str:
    def right(numbers: Array) -> Array:
        raised = np.exp(numbers - numbers.max())
        return np.asarray(raised / raised.sum())

    return _agrees(answer, right, *((_numbers(seed, 10),) for seed in (3, 4)))


def _parameters(answer: Any) -> bool | str:
    height, width = _data().image_shape
    sizes = (height * width, 128, _data().classes)
    if _is_number(answer, sum(before * after for before, after in pairwise(sizes))):
        return "These are the weights. Each output has a bias besides."
    return _is_number(answer, sum((before + 1) * after for before, after in pairwise(sizes)))


def _scaled_once(answer: Any) -> bool | str:
    pixels = np.asarray(answer)
    if pixels.dtype.kind not in "fiu" or pixels.size < 10_000:
        return "Pass all the mended pixels, as numbers, not one picture."
    if pixels.max() < 0.1:
        return f"The largest value is {pixels.max():.6f}. If white is to be 1, how often has it been divided by 255?"
    if pixels.max() > 1:
        return f"The largest value is {pixels.max():.0f}. White is to be 1."
    first = _train()[:10].ravel() / 255
    return bool(np.isclose(pixels.max(), 1)) and np.allclose(pixels.ravel()[: first.size], first, atol=1e-4)


def _log_loss(answer: Any) -> bool | str:
    cases = [(0.9,), (0.5,), (0.013,)]
    found = _agrees(answer, lambda probability: -math.log(probability), *cases)
    if found is False and _agrees(answer, math.log, *cases) is True:
        return "Nearly: a loss is never below 0. A sign is missing."
    return found


def _held_out_accuracy(run: Any) -> float | str:
    """Return a run's accuracy on the images that it held out, judged anew; or what is wrong."""
    if not isinstance(run, Run):
        return "Pass what fr.train gives back: the run."
    if not run.environment.get("held_out"):
        return "This run held out no images. Train with validation=10000, so that there is something to judge it by."
    split, probabilities = run_predictions(run, _data(), "validation")
    return float(np.mean(probabilities.argmax(axis=1) == split.labels))


def _first_run(answer: Any) -> bool | str:
    found = _held_out_accuracy(answer)
    if isinstance(found, str):
        return found
    if found < FIRST_SCORE:
        return f"It has {found:.1%} of the images held out right, and {FIRST_SCORE:.0%} can be had. Try more epochs."
    return True


# Lesson 3: overfitting


def _divided(answer: Any) -> bool | str:
    rest, held_out = answer
    if not (isinstance(rest, Split) and isinstance(held_out, Split)):
        return "Pass both parts as fr.hold_out gives them."
    both = np.intersect1d(rest.indices, held_out.indices)
    if len(both):
        return f"{counted(len(both), 'image')} lie in both parts. A picture that is learned from cannot be held out."
    together = np.sort(np.concatenate([rest.indices, held_out.indices]))
    if not np.array_equal(together, _data().train.indices):
        return "Both parts together are to be all the training images, each of them once."
    if len(rest) == ASIDE:
        return "The part of 10,000 is the one to be put aside, and you learn from the other. Which comes first?"
    return len(held_out) == ASIDE


def _best_epoch(answer: Any) -> bool | str:
    history, epoch = answer
    losses = [line["val_loss"] for line in history]
    best = int(np.argmin(losses))
    if _is_number(epoch, best):
        return "Epochs are counted from 1, and places in a list from 0."
    if _is_number(epoch, 1 + int(np.argmin([line["loss"] for line in history]))):
        return "That is where the loss on the training images is lowest. Which curve tells of images never seen?"
    return _is_number(epoch, best + 1)


def _gap(answer: Any) -> bool | str:
    history, gap = answer
    right = history[-1]["accuracy"] - history[-1]["val_accuracy"]
    if _is_number(gap, -right, 5e-4):
        return "Training minus validation, not the other way round."
    return _is_number(gap, right, 5e-4)


def _without_test_images(answer: Any) -> bool | str:
    images = np.asarray(answer)
    if images.ndim != 3:
        return "Pass the mended images, of shape (how many, 28, 28)."
    secret, known, given = ({image.tobytes() for image in each} for each in (_data().test.images, _train(), images))
    if leaked := len(given & secret):
        return f"{counted(leaked, 'test image')} can still be learned from. Where do they come in?"
    if given - known:
        return (
            f"{counted(len(given - known), 'picture')} of these are no training images. Leave the pixels as they are."
        )
    return True if given == known else "No test image is left, but training images are missing too."


def _choice(answer: Any) -> bool | str:
    cases = [(np.array(a), np.array(b)) for a, b in (((0.99, 0.9, 0.8), (0.7, 0.8, 0.75)), ((0.8, 0.97), (0.79, 0.78)))]
    found = _agrees(answer, lambda _, validation: int(validation.argmax()), *cases)
    if found is False and _agrees(answer, lambda training, _: int(training.argmax()), *cases) is True:
        return "This chooses the network that knows its own lessons best. Which number tells of pictures never seen?"
    return found


def _small_gap(answer: Any) -> bool | str:
    if not isinstance(answer, Run):
        return "Pass what fr.train gives back: the run."
    last = answer.history[-1]
    if last["val_accuracy"] is None:
        return "This run held out no images, so its gap is not known. Train with validation=..."
    if (answer.environment.get("train_images") or 0) > len(_train()) - ASIDE:
        return "It has learned from the pictures that were put aside, too. Which pile is to learn from?"
    on_aside = last["val_accuracy"]
    if last["accuracy"] - on_aside <= GAP:  # whatever it was validated on
        aside = hold_out(_data().train, ASIDE)[1]
        on_aside = float(np.mean(answer.predict(aside.images, tempered=False).argmax(axis=1) == aside.labels))
    gap = last["accuracy"] - on_aside
    if gap > GAP:
        return f"The gap is {gap:.3f}, and at most {GAP} is asked for. More images, or fewer epochs?"
    if on_aside < 0.8:
        return "The gap is small, but the network has hardly learned: below 0.80 on images it has not seen."
    return True


# Lesson 4: a better network


def _filtered(answer: Any) -> bool | str:
    def right(image: Array, kernel: Array, row: int, column: int) -> float:
        return float((image[row : row + 3, column : column + 3] * kernel).sum())

    return _agrees(answer, right, *((_numbers(seed, 28, 28), _numbers(seed, 3, 3), seed, 2 * seed) for seed in (5, 9)))


def _size_after(answer: Any) -> bool | str:
    return _agrees(answer, lambda edge, kernel: edge - kernel + 1, (28, 3), (28, 5), (10, 10))


def _pooled(answer: Any) -> bool | str:
    def right(image: Array) -> Array:
        return np.asarray(image.reshape(image.shape[0] // 2, 2, image.shape[1] // 2, 2).max(axis=(1, 3)))

    found = _agrees(answer, right, (_numbers(6, 28, 28),), (_numbers(7, 8, 8),))
    if found is False and _agrees(answer, lambda image: image[::2, ::2], (_numbers(6, 28, 28),)) is True:
        return "This keeps the upper left pixel of each square. The largest of the four is asked for."
    return found


def _filters(answer: Any) -> bool | str:
    if _is_number(answer, 16 * 3 * 3):
        return "These are the weights. Each filter has a bias besides."
    return _is_number(answer, 16 * (3 * 3 + 1))


def _mirrored(answer: Any) -> bool | str:
    images, labels = (np.asarray(each) for each in answer)
    if len(images) != len(labels):
        return f"There are {counted(len(images), 'image')} and {counted(len(labels), 'label')}."
    known = dict(zip((image.tobytes() for image in _train()), _data().train.labels.tolist(), strict=True))
    own = [known.get(image.tobytes(), known.get(image[:, ::-1].tobytes())) for image in images.astype(np.uint8)]
    if None in own:
        return "Some of the pictures are neither training images nor their mirror images."
    wrong = sum(int(label) != right for label, right in zip(labels, own, strict=True))
    if wrong:
        return f"{wrong:,} of {counted(len(labels), 'picture')} have a wrong label. In what order do they stand?"
    straight = sum(image.tobytes() in known for image in images.astype(np.uint8))
    return True if 0 < straight < len(images) else "Both are to be there: the pictures and their mirror images."


def _better(answer: Any) -> bool | str:
    scores = [_held_out_accuracy(run) for run in answer]
    first, second = scores
    if isinstance(first, str) or isinstance(second, str):
        return first if isinstance(first, str) else str(second)
    if second - first < GAIN:
        return (
            f"On the images held out the first has {first:.3f} and the second {second:.3f}. At least {100 * GAIN:.0f} "
            "points more are asked for."
        )
    return True


# Lesson 5: is it really better?


def _interval(answer: Any) -> bool | str:
    cases = [(8_700, 10_000), (1_300, 2_000), (900, 1_000)]
    found = _agrees(answer, lambda right, n: np.array(wilson_interval(right, n)), *cases, tolerance=2e-3)
    if found is False:
        wide = [np.diff(answer(*case))[0] / np.diff(wilson_interval(*case))[0] for case in cases]
        if max(abs(each - 0.51) for each in wide) < 0.05:
            return "Your interval is about half as wide as it should be: how many standard errors to each side?"
    return found


def _mean_and_spread(answer: Any) -> bool | str:
    cases = [(_numbers(8, 5),), (_numbers(9, 3),)]
    found = _agrees(answer, lambda values: np.array([values.mean(), values.std(ddof=1)]), *cases)
    if found is False and _agrees(answer, lambda values: np.array([values.mean(), values.std()]), *cases) is True:
        return "Nearly: of n numbers, divide by n - 1. np.std takes ddof=1."
    return found


def _only_one_right(answer: Any) -> bool | str:
    generator = np.random.default_rng(10)
    cases = [tuple(generator.integers(0, 3, 200) for _ in range(3)) for _ in range(2)]

    def right(first: Array, second: Array, labels: Array) -> Array:
        a, b = first == labels, second == labels
        return np.array([(a & ~b).sum(), (b & ~a).sum()])

    found = _agrees(answer, right, *cases)
    if found is False and _agrees(answer, lambda a, b, y: [(a == y).sum(), (b == y).sum()], *cases) is True:
        return "These are all that each has right. Leave out those that both have right."
    return found


def _reported(answer: Any) -> bool | str:
    accuracies, reported = answer
    if len(set(accuracies)) > 1 and _is_number(reported, float(max(accuracies)), 1e-9):
        return "This is still the luckiest one. What would another seed give, most likely?"
    return _is_number(reported, float(np.mean(accuracies)), 5e-5)


def _told_apart(answer: Any) -> bool | str:
    compared, said = answer
    if not isinstance(compared, Compared):
        return "Pass what fr.compare gives back, and then True or False."
    if compared.predictions[0].split == "test":
        return "These are test images. Nothing is compared on them while something can still be chosen."
    if not isinstance(said, bool | np.bool_):
        return "The second is True, or False."
    return bool(said) == (compared.pairs[0].better is not None)


def _one_look(answer: Any) -> bool | str:
    if not isinstance(answer, Run):
        return "Pass the run itself."
    looks = answer.looks_at(answer.environment.get("fingerprint"))
    if looks == 0:
        return "This run has not met the test images yet."
    if looks > 1:
        return (
            f"It has met them {counted(looks, 'time')}. Train it anew, and look once: a second look tempts to choose."
        )
    return True


# Lesson 6: your own photos, and what a network sees


def _negative(answer: Any) -> bool | str:
    picture = np.random.default_rng(11).integers(0, 256, (28, 28)).astype(np.uint8)
    return _agrees(answer, lambda picture: 255.0 - picture, (picture,))


def _as_the_data(answer: Any) -> bool | str:
    picture = np.asarray(answer)
    if picture.shape != _data().image_shape:
        return f"Pass one picture of 28 by 28 pixels; yours has the shape {picture.shape}."
    if picture.max() <= 1:
        return "The pixels lie between 0 and 1. The network scales them itself: leave them from 0 to 255."
    if have_light_background(picture[None].astype(np.uint8))[0]:
        return "Its edge is still light. What does the edge of a training image look like?"
    return bool((_train() == picture).all(axis=(1, 2)).any())


def _covered(answer: Any) -> bool | str:
    def right(picture: Array, row: int, column: int) -> Array:
        copy = picture.copy()
        copy[row : row + PATCH, column : column + PATCH] = 0
        return copy

    picture = np.random.default_rng(12).integers(1, 256, (28, 28)).astype(np.uint8)
    found = _agrees(answer, right, (picture, 7, 14), (picture, 0, 21))
    if found is True:
        before = picture.copy()
        answer(picture, 3, 3)
        if not np.array_equal(before, picture):
            return "The copy is right, but the picture that was passed has changed too: begin with picture.copy()."
    return found


def _weak_spot(answer: Any) -> bool | str:
    picture, (row, column) = answer
    picture = np.asarray(picture)
    places = [(y, x) for y in range(0, 28, PATCH) for x in range(0, 28, PATCH)]
    if (row, column) not in places:
        return f"Row and column are those of a square's upper left corner: 0, {PATCH}, {2 * PATCH} or {3 * PATCH}."
    covered = np.repeat(picture[None], len(places), axis=0)
    for number, (y, x) in enumerate(places):
        covered[number, y : y + PATCH, x : x + PATCH] = 0
    predictor = open_predictor(SHIPPED, prefer="onnx")
    label = int(predictor.predict(picture[None])[0].argmax())
    left = predictor.predict(covered)[:, label]
    return bool(left[places.index((row, column))] <= left.min() + 0.01)


def _surest_of_noise(answer: Any) -> bool | str:
    noise = np.random.default_rng(0).integers(0, 256, (100, 28, 28)).astype(np.uint8)
    probabilities = open_predictor(SHIPPED, prefer="onnx").predict(noise)
    if _is_number(answer, float(probabilities.max(axis=1).mean()), 1e-3):
        return "This is how sure it is on average. How sure is it of the picture that it is surest of?"
    return _is_number(answer, float(probabilities.max()), 1e-3)


def _own_picture(answer: Any) -> bool | str:
    picture = np.asarray(getattr(answer, "image", answer))
    if picture.shape != (28, 28) or picture.dtype != np.uint8:
        return "Pass what fr.prepare_photo gives back."
    if have_light_background(picture[None])[0]:
        return "Its edge is light, and that of every training image is dark."
    rows, columns = (np.flatnonzero(picture.any(axis=axis)) for axis in (1, 0))
    if not len(rows) or max(np.ptp(rows), np.ptp(columns)) < 20:
        return "The garment is small in it, or is not there. Photograph it on a plain background, all of it."
    return True


def _lesson(number: int, *judges: Judge) -> dict[str, Judge]:
    return {f"{number}.{place}": judge for place, judge in enumerate(judges, 1)}


JUDGES: Mapping[str, Judge] = {  # by the exercise's number
    **_lesson(1, _count, _seventh_name, _black_share, _average, _slid_labels, _nearest),
    **_lesson(2, _neuron, _parameters, _softmax, _log_loss, _scaled_once, _first_run),
    **_lesson(3, _divided, _best_epoch, _gap, _without_test_images, _choice, _small_gap),
    **_lesson(4, _filtered, _size_after, _filters, _pooled, _mirrored, _better),
    **_lesson(5, _interval, _mean_and_spread, _reported, _only_one_right, _told_apart, _one_look),
    **_lesson(6, _negative, _as_the_data, _own_picture, _covered, _weak_spot, _surest_of_noise),
}
