"""What each exercise of lessons 1 to 3 asks for: functions that judge an answer, one an exercise, and what all need.

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
from fittingroom.runs import Run
from fittingroom.words import counted
from fittingroom.workflows.run_data import run_predictions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fittingroom.arrays import Array, Images

    Judge = Callable[[Any], bool | str]  # an answer: right, wrong, or a hint of its own

FIRST_SCORE, GAP = 0.84, 0.05  # what lessons 2 and 3 ask for, on images that were held out
ASIDE = 10_000  # of the training images, that are put aside
ROUNDED = 5e-3  # what rounding to two places may change of a share
NOTHING = "Your function gives nothing back yet: what it is to give stands behind the word return."
PERCENT = "That is in percent. A share lies between 0 and 1."


@cache
def lesson_data() -> Dataset:
    """Return the data of the class."""
    return load("fashion-mnist")


def train_images() -> Images:
    """Return its training images."""
    return lesson_data().train.images


def is_number(answer: Any, expected: float | int, tolerance: float = 0.0) -> bool:
    """Say whether a number is right, of whatever kind it is.

    Raises:
        DataError: it is none.
    """
    if isinstance(answer, str | bytes):
        raise DataError("a number is asked for, and this is text.")
    if answer is None:
        raise DataError("a number is asked for, and this is None. Did a function of yours give nothing back?")
    return bool(np.size(answer) == 1 and abs(float(np.reshape(answer, ())) - expected) <= tolerance)


def is_share(answer: Any, expected: float) -> bool | str:
    """Say whether a share is right, rounded or not; one in percent is told to be one."""
    if is_number(answer, 100 * expected, 100 * ROUNDED):
        return PERCENT
    return is_number(answer, expected, ROUNDED)


def _in_words(shape: Sequence[int]) -> str:
    """Return a shape as a beginner would say it."""
    if len(shape) == 2:
        return f"a table of {counted(shape[0], 'row')} and {counted(shape[1], 'column')}"
    return "one number" if not shape else f"a row of {counted(shape[0], 'number')}" if len(shape) == 1 else f"{shape}"


def numbers(seed: int, *shape: int) -> Array:
    """Return numbers drawn for the purpose."""
    return np.random.default_rng(seed).normal(size=shape)


def agrees(function: Any, expected: Callable[..., Any], *cases: Sequence[Any], tolerance: float = 1e-6) -> bool | str:
    """Say whether a learner's function gives what a correct one gives, for each of some arguments."""
    if not callable(function):
        return "Pass the function itself: its name, without brackets behind it."
    for arguments in cases:
        given = function(*[np.array(each) if isinstance(each, np.ndarray) else each for each in arguments])
        if (
            given is None
            or given is ...
            or (isinstance(given, tuple) and any(each is None or each is ... for each in given))
        ):
            return NOTHING
        if isinstance(given, str):
            return "Your function gives a text. Numbers are asked for."
        right = np.asarray(expected(*arguments), float)
        if not right.shape and np.size(given) == 1:
            given = np.reshape(given, ())  # one number in a list is one number
        if np.shape(given) != right.shape:
            return f"Your function gives {_in_words(np.shape(given))}; {_in_words(right.shape)} is asked for."
        if not np.allclose(np.asarray(given, float), right, atol=tolerance):
            return False
    return True


# Lesson 1: look at the data


def _count(answer: Any) -> bool | str:
    if is_number(answer, len(lesson_data().test)):
        return "These are the images to test with. How many are there to learn from?"
    return is_number(answer, len(lesson_data().train))


def _seventh_name(answer: Any) -> bool | str:
    train, names = lesson_data().train, lesson_data().class_names
    if not isinstance(answer, str):
        return "That is no name. Which name stands at this place in fr.class_names?"
    if str(answer).casefold() == names[int(train.labels[7])].casefold():
        return "Python counts from 0: the seventh has the number 6."
    return str(answer).strip().casefold() == names[int(train.labels[6])].casefold()


def _black_share(answer: Any) -> bool | str:
    expected = float((train_images() == 0).mean())
    if is_number(answer, 1 - expected, 1e-4):  # the two shares are nearly the same
        return "That is the share of the pixels that are not black."
    return is_share(answer, expected)


def _average(answer: Any) -> bool | str:
    train = lesson_data().train
    if np.shape(answer) != train.images.shape[1:]:
        return f"An average picture has the shape of one picture. Yours has {np.shape(answer)}: what does axis=0 do?"
    means = _averages()
    near = int(np.abs(means - np.asarray(answer, float)).mean(axis=(1, 2)).argmin())
    if np.allclose(255 * np.asarray(answer, float), means[1], atol=1):
        return "Its pixels lie between 0 and 1. Leave them as they are in the pictures, from 0 to 255."
    if np.allclose(answer, means[near], atol=1) and near != 1:
        return f"This is the average of another class: {lesson_data().class_names[near]}."
    return np.allclose(answer, means[1], atol=1)


@cache
def _averages() -> Array:
    train = lesson_data().train
    return np.stack([train.images[train.labels == label].mean(axis=0) for label in range(lesson_data().classes)])


def _slid_labels(answer: Any) -> bool | str:
    labels = lesson_data().train.labels
    if np.shape(answer) != labels.shape:
        return f"There is one label for each of the {counted(len(labels), 'image')}; you passed {np.shape(answer)}."
    for step in (-2, -1, 2):  # not 1: that is how the colleague left them, and nothing was tried yet
        if np.array_equal(answer, np.roll(labels, step)):
            return "They slid by another step, or in the other direction. np.roll takes negative steps too."
    return np.array_equal(answer, labels)


def _nearest(answer: Any) -> bool | str:
    train, means = lesson_data().train, _averages()
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
    cases = [(numbers(seed, 5), numbers(seed + 1, 5), 0.5 * seed) for seed in (1, 2)]
    found = agrees(answer, lambda pixels, weights, bias: float(pixels @ weights + bias), *cases)
    if found is False and agrees(answer, lambda pixels, weights, _: float(pixels @ weights), *cases) is True:
        return "Nearly: the bias is not in it yet."
    return found


def _softmax(answer: Any) -> bool | str:
    def right(numbers: Array) -> Array:
        raised = np.exp(numbers - numbers.max())
        return np.asarray(raised / raised.sum())

    return agrees(answer, right, *((numbers(seed, 10),) for seed in (3, 4)))


def _parameters(answer: Any) -> bool | str:
    height, width = lesson_data().image_shape
    sizes = (height * width, 128, lesson_data().classes)
    if is_number(answer, sum(before * after for before, after in pairwise(sizes))):
        return "These are the weights. Each output has a bias besides."
    return is_number(answer, sum((before + 1) * after for before, after in pairwise(sizes)))


def _scaled_once(answer: Any) -> bool | str:
    pixels = np.asarray(answer)
    if pixels.dtype.kind not in "fiu" or pixels.size < 10_000:
        return "Pass all the mended pixels, as numbers, not one picture."
    if pixels.max() < 0.1:
        return f"The largest value is {pixels.max():.6f}. If white is to be 1, how often has it been divided by 255?"
    if pixels.max() > 1:
        return f"The largest value is {pixels.max():.0f}. White is to be 1."
    first = train_images()[:10].ravel() / 255
    return bool(np.isclose(pixels.max(), 1)) and np.allclose(pixels.ravel()[: first.size], first, atol=1e-4)


def _log_loss(answer: Any) -> bool | str:
    cases = [(0.9,), (0.5,), (0.013,)]
    found = agrees(answer, lambda probability: -math.log(probability), *cases)
    if found is False and agrees(answer, math.log, *cases) is True:
        return "Nearly: a loss is never below 0. A sign is missing."
    return found


def held_out_accuracy(run: Any) -> float | str:
    """Return a run's accuracy on the images that it held out, judged anew; or what is wrong."""
    if not isinstance(run, Run):
        return "Pass what fr.train gives back: the run."
    if not run.environment.get("held_out"):
        return "This run held out no images. Train with validation=10000, so that there is something to judge it by."
    split, probabilities = run_predictions(run, lesson_data(), "validation")
    return float(np.mean(probabilities.argmax(axis=1) == split.labels))


def _first_run(answer: Any) -> bool | str:
    found = held_out_accuracy(answer)
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
    if not np.array_equal(together, lesson_data().train.indices):
        return "Both parts together are to be all the training images, each of them once."
    if len(rest) == ASIDE:
        return "The part of 10,000 is the one to be put aside, and you learn from the other. Which comes first?"
    return len(held_out) == ASIDE


def _best_epoch(answer: Any) -> bool | str:
    history, epoch = answer
    losses = [line["val_loss"] for line in history]
    best = int(np.argmin(losses))
    if is_number(epoch, best):
        return "Epochs are counted from 1, and places in a list from 0."
    if is_number(epoch, 1 + int(np.argmin([line["loss"] for line in history]))):
        return "That is where the loss on the training images is lowest. Which curve tells of images never seen?"
    return is_number(epoch, best + 1)


def _gap(answer: Any) -> bool | str:
    history, gap = answer
    right = history[-1]["accuracy"] - history[-1]["val_accuracy"]
    if right > ROUNDED and is_number(gap, -right, ROUNDED):
        return "Training minus validation, not the other way round."
    return is_share(gap, right)


def _without_test_images(answer: Any) -> bool | str:
    images = np.asarray(answer)
    if images.ndim != 3 or images.dtype.kind not in "fiu":
        return "Pass the mended images, of shape (how many, 28, 28)."
    if images.dtype != np.uint8 and np.array_equal(images, whole := images.astype(np.uint8)):
        images = whole  # the same pixels, written as other numbers
    exam = lesson_data().test.images
    secret, known, given = ({image.tobytes() for image in each} for each in (exam, train_images(), images))
    if leaked := len(given & secret):
        return f"{counted(leaked, 'test image')} can still be learned from. Where do they come in?"
    if given - known:
        return (
            f"{counted(len(given - known), 'picture')} of these are no training images. Leave the pixels as they are."
        )
    return True if given == known else "No test image is left, but training images are missing too."


def _choice(answer: Any) -> bool | str:
    cases = [(np.array(a), np.array(b)) for a, b in (((0.99, 0.9, 0.8), (0.7, 0.8, 0.75)), ((0.8, 0.97), (0.79, 0.78)))]
    found = agrees(answer, lambda _, validation: int(validation.argmax()), *cases)
    if found is False and agrees(answer, lambda training, _: int(training.argmax()), *cases) is True:
        return "This chooses the network that knows its own lessons best. Which number tells of pictures never seen?"
    return found


def _small_gap(answer: Any) -> bool | str:
    if not isinstance(answer, Run):
        return "Pass what fr.train gives back: the run."
    last = answer.history[-1]
    if last["val_accuracy"] is None:
        return "This run held out no images, so its gap is not known. Train with validation=..."
    if (answer.environment.get("train_images") or 0) > len(train_images()) - ASIDE:
        return "It has learned from the pictures that were put aside, too. Which pile is to learn from?"
    on_aside = last["val_accuracy"]
    if last["accuracy"] - on_aside <= GAP:  # whatever it was validated on
        aside = hold_out(lesson_data().train, ASIDE)[1]
        on_aside = float(np.mean(answer.predict(aside.images, tempered=False).argmax(axis=1) == aside.labels))
    gap = last["accuracy"] - on_aside
    if gap > GAP:
        return f"The gap is {gap:.3f}, and at most {GAP} is asked for. More images, or fewer epochs?"
    if on_aside < 0.8:
        return "The gap is small, but the network has hardly learned: below 0.80 on images it has not seen."
    return True


def numbered(number: int, *judges: Judge) -> dict[str, Judge]:
    """Return a lesson's judges by their exercises."""
    return {f"{number}.{place}": judge for place, judge in enumerate(judges, 1)}


FIRST_JUDGES: Mapping[str, Judge] = {  # by the exercise's number
    **numbered(1, _count, _seventh_name, _black_share, _average, _slid_labels, _nearest),
    **numbered(2, _neuron, _parameters, _softmax, _log_loss, _scaled_once, _first_run),
    **numbered(3, _divided, _best_epoch, _gap, _without_test_images, _choice, _small_gap),
}
