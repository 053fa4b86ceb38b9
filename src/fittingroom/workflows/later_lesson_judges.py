"""What each exercise of lessons 4 to 6 asks for, as `lesson_judges` has it for others; with all judges in a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.inference.predictor import open_predictor
from fittingroom.judging import wilson_interval
from fittingroom.pictures import have_light_background
from fittingroom.runs import Run
from fittingroom.words import counted
from fittingroom.workflows.comparing import Compared
from fittingroom.workflows.lesson_judges import (
    FIRST_JUDGES,
    PERCENT,
    agrees,
    held_out_accuracy,
    is_number,
    is_share,
    lesson_data,
    numbered,
    numbers,
    train_images,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fittingroom.arrays import Array
    from fittingroom.workflows.lesson_judges import Judge

SHIPPED = "fashion-mnist/90"  # the network that lesson 6 asks
PATCH = 7  # the edge of the square that lesson 6 covers a picture with
GAIN = 0.02  # how much better lesson 4 asks for, on images that were held out

# Lesson 4: a better network


def _filtered(answer: Any) -> bool | str:
    def right(image: Array, kernel: Array, row: int, column: int) -> float:
        return float((image[row : row + 3, column : column + 3] * kernel).sum())

    return agrees(answer, right, *((numbers(seed, 28, 28), numbers(seed, 3, 3), seed, 2 * seed) for seed in (5, 9)))


def _size_after(answer: Any) -> bool | str:
    return agrees(answer, lambda edge, kernel: edge - kernel + 1, (28, 3), (28, 5), (10, 10))


def _pooled(answer: Any) -> bool | str:
    def right(image: Array) -> Array:
        return np.asarray(image.reshape(image.shape[0] // 2, 2, image.shape[1] // 2, 2).max(axis=(1, 3)))

    found = agrees(answer, right, (numbers(6, 28, 28),), (numbers(7, 8, 8),))
    if found is False and agrees(answer, lambda image: image[::2, ::2], (numbers(6, 28, 28),)) is True:
        return "This keeps the upper left pixel of each square. The largest of the four is asked for."
    return found


def _filters(answer: Any) -> bool | str:
    if is_number(answer, 16 * 3 * 3):
        return "These are the weights. Each filter has a bias besides."
    return is_number(answer, 16 * (3 * 3 + 1))


def _mirrored(answer: Any) -> bool | str:
    images, labels = (np.asarray(each) for each in answer)
    if len(images) != len(labels):
        return f"There are {counted(len(images), 'image')} and {counted(len(labels), 'label')}."
    known = dict(zip((image.tobytes() for image in train_images()), lesson_data().train.labels.tolist(), strict=True))
    own = [known.get(image.tobytes(), known.get(image[:, ::-1].tobytes())) for image in images.astype(np.uint8)]
    if None in own:
        return "Some of the pictures are neither training images nor their mirror images."
    wrong = sum(int(label) != right for label, right in zip(labels, own, strict=True))
    if wrong:
        return f"{wrong:,} of {counted(len(labels), 'picture')} have a wrong label. In what order do they stand?"
    straight = sum(image.tobytes() in known for image in images.astype(np.uint8))
    return True if 0 < straight < len(images) else "Both are to be there: the pictures and their mirror images."


def _better(answer: Any) -> bool | str:
    scores = [held_out_accuracy(run) for run in answer]
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
    found = agrees(answer, lambda right, n: np.array(wilson_interval(right, n)), *cases, tolerance=2e-3)
    if found is False:
        if (
            agrees(
                lambda right, n: np.array(answer(right, n))[::-1],
                lambda *case: wilson_interval(*case),
                *cases,
                tolerance=2e-3,
            )
            is True
        ):
            return "Nearly: the lower end comes first."
        wide = [np.diff(answer(*case))[0] / np.diff(wilson_interval(*case))[0] for case in cases]
        if max(abs(each - 0.51) for each in wide) < 0.05:
            return "Your interval is about half as wide as it should be: how many standard errors to each side?"
    return found


def _mean_and_spread(answer: Any) -> bool | str:
    cases = [(numbers(8, 5),), (numbers(9, 3),)]
    found = agrees(answer, lambda values: np.array([values.mean(), values.std(ddof=1)]), *cases)
    if found is False and agrees(answer, lambda values: np.array([values.mean(), values.std()]), *cases) is True:
        return "Nearly: of n numbers, divide by n - 1. np.std takes ddof=1."
    return found


def _only_one_right(answer: Any) -> bool | str:
    generator = np.random.default_rng(10)
    cases = [tuple(generator.integers(0, 3, 200) for _ in range(3)) for _ in range(2)]

    def right(first: Array, second: Array, labels: Array) -> Array:
        a, b = first == labels, second == labels
        return np.array([(a & ~b).sum(), (b & ~a).sum()])

    found = agrees(answer, right, *cases)
    if found is False and agrees(answer, lambda a, b, y: [(a == y).sum(), (b == y).sum()], *cases) is True:
        return "These are all that each has right. Leave out those that both have right."
    return found


def _reported(answer: Any) -> bool | str:
    accuracies, reported = answer
    middle = float(np.mean(accuracies)), float(np.median(accuracies))
    if len(set(accuracies)) > 1 and is_number(reported, float(max(accuracies)), 1e-9):
        return "This is still the luckiest one. What would another seed give, most likely?"
    if is_number(reported, 100 * middle[0], 0.1):
        return PERCENT
    return any(is_number(reported, each, 5e-4) for each in middle)


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
    return agrees(answer, lambda picture: 255.0 - picture, (picture,))


def _as_the_data(answer: Any) -> bool | str:
    picture = np.asarray(answer)
    if picture.shape != lesson_data().image_shape:
        return f"Pass one picture of 28 by 28 pixels; yours has the shape {picture.shape}."
    if picture.max() <= 1:
        return "The pixels lie between 0 and 1. The network scales them itself: leave them from 0 to 255."
    if have_light_background(picture[None].astype(np.uint8))[0]:
        return "Its edge is still light. What does the edge of a training image look like?"
    return bool((train_images() == picture).all(axis=(1, 2)).any())


def _covered(answer: Any) -> bool | str:
    def right(picture: Array, row: int, column: int) -> Array:
        copy = picture.copy()
        copy[row : row + PATCH, column : column + PATCH] = 0
        return copy

    picture = np.random.default_rng(12).integers(1, 256, (28, 28)).astype(np.uint8)
    found = agrees(answer, right, (picture, 7, 14), (picture, 0, 21))
    if found is True:
        before = picture.copy()
        answer(picture, 3, 3)
        if not np.array_equal(before, picture):
            return "The copy is right, but the picture that was passed has changed too: begin with picture.copy()."
    return found


def _weak_spot(answer: Any) -> bool | str:
    picture, place = answer
    if np.shape(place) != (2,):
        return "Give two numbers, the square's row and its column: (row, column)."
    picture, (row, column) = np.asarray(picture), place
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
    if is_number(answer, float(probabilities.max(axis=1).mean()), 1e-3):
        return "This is how sure it is on average. How sure is it of the picture that it is surest of?"
    return is_share(answer, float(probabilities.max()))


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


JUDGES: Mapping[str, Judge] = {  # by the exercise's number
    **FIRST_JUDGES,
    **numbered(4, _filtered, _size_after, _filters, _pooled, _mirrored, _better),
    **numbered(5, _interval, _mean_and_spread, _reported, _only_one_right, _told_apart, _one_look),
    **numbered(6, _negative, _as_the_data, _own_picture, _covered, _weak_spot, _surest_of_noise),
}
