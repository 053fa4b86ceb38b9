"""The exercises of the class check themselves: right, or a hint; no answer is printed, nothing ends in a traceback."""

from __future__ import annotations

import numpy as np
import pytest

import fittingroom as fr
from fittingroom.errors import UsageError
from fittingroom.runs import Run
from fittingroom.workflows.later_lesson_judges import JUDGES
from fittingroom.workflows.lesson_checks import EXERCISES, check


@pytest.fixture(scope="module")
def data():
    if fr.locate("fashion-mnist") is None:
        pytest.skip("Fashion-MNIST is not on this machine; `make data` gets it")
    return fr.load("fashion-mnist")


def said(exercise: str, *answer) -> str:
    lines: list[str] = []
    check(exercise, *answer, log=lines.append)
    assert len(lines) == 1
    return lines[0]


def is_right(exercise: str, answer) -> bool:
    return said(exercise, answer).startswith(f"{exercise}  Right. ")


def test_every_exercise_has_a_judge_and_words():
    assert list(EXERCISES) == list(JUDGES) == [f"{lesson}.{number}" for lesson in range(1, 7) for number in range(1, 7)]


@pytest.mark.parametrize("exercise", EXERCISES)
def test_an_exercise_that_was_not_begun_asks_to_begin(exercise):
    assert said(exercise) == said(exercise, ...) == said(exercise, ([], ...))
    assert said(exercise).startswith(f"{exercise}  Not yet. Put your own answer in the place of the three dots.")


@pytest.mark.parametrize("exercise", EXERCISES)
@pytest.mark.parametrize("answer", [None, 0, "what?", (1, 2), [], object(), np.zeros((3, 3)), lambda *_: 1 / 0])
def test_a_strange_answer_is_a_hint_and_no_traceback(data, exercise, answer):
    assert said(exercise, answer).startswith(f"{exercise}  Not yet. ")


def test_an_exercise_that_there_is_not_is_one_sentence():
    with pytest.raises(UsageError, match=r"Unknown exercise '2\.33'\. Did you mean"):
        check("2.33", 1)


def test_a_function_that_stops_is_told_with_its_reason():
    assert "Trying your answer stopped with ZeroDivisionError: division by zero" in said("2.1", lambda *_: 1 / 0)


def test_a_function_that_ends_the_program_does_not():
    assert "Trying your answer stopped with SystemExit" in said("2.1", lambda *_: raise_exit())


def raise_exit():
    raise SystemExit


def test_a_function_without_a_return_is_told_so():
    assert "gives nothing back yet" in said("2.3", lambda numbers: None)
    assert "gives nothing back yet" in said("5.2", lambda numbers: (..., ...))


RIGHT = {
    "2.1": lambda pixels, weights, bias: sum(p * w for p, w in zip(pixels, weights, strict=True)) + bias,
    "2.2": 101_770,
    "2.3": lambda numbers: np.exp(numbers) / np.exp(numbers).sum(),
    "2.4": lambda probability: np.log(1 / probability),
    "3.5": lambda own, aside: list(aside).index(max(aside)),
    "4.1": lambda picture, weights, row, column: np.einsum(
        "ij,ij", picture[row : row + 3, column : column + 3], weights
    ),
    "4.2": lambda width, filter_: width - (filter_ - 1),
    "4.3": 160,
    "4.4": lambda p: np.maximum.reduce([p[0::2, 0::2], p[0::2, 1::2], p[1::2, 0::2], p[1::2, 1::2]]),
    "5.1": lambda right, n: (
        right / n - 1.96 * (right / n * (1 - right / n) / n) ** 0.5,
        right / n + 1.96 * (right / n * (1 - right / n) / n) ** 0.5,
    ),
    "5.2": lambda numbers: [np.mean(numbers), np.std(numbers, ddof=1)],
    "5.3": ([0.8, 0.9], 0.85),
    "5.4": lambda a, b, y: (np.sum((a == y) & (b != y)), np.sum((b == y) & (a != y))),
    "6.1": lambda picture: 255 - picture,
}


@pytest.mark.parametrize("exercise", RIGHT)
def test_right_answers_are_right_however_they_are_written(data, exercise):
    assert is_right(exercise, RIGHT[exercise])


NEARLY = {
    "2.1": (lambda pixels, weights, bias: pixels @ weights, "the bias is not in it yet"),
    "2.2": (784 * 128 + 128 * 10, "Each output has a bias besides"),
    "2.4": (np.log, "A sign is missing"),
    "3.5": (lambda own, aside: np.argmax(own), "knows its own lessons best"),
    "4.3": (144, "Each filter has a bias besides"),
    "4.4": (lambda picture: picture[::2, ::2], "keeps the upper left pixel"),
    "5.1": (
        lambda k, n: (k / n - (k / n * (1 - k / n) / n) ** 0.5, k / n + (k / n * (1 - k / n) / n) ** 0.5),
        "how many",
    ),
    "5.2": (lambda numbers: (np.mean(numbers), np.std(numbers)), "divide by n - 1"),
    "5.3": ([[0.8, 0.9], 0.9], "still the luckiest"),
    "5.4": (lambda a, b, y: (np.sum(a == y), np.sum(b == y)), "Leave out those that both have right"),
}


@pytest.mark.parametrize("exercise", NEARLY)
def test_the_usual_slips_have_hints_of_their_own(data, exercise):
    answer, hint = NEARLY[exercise]
    assert hint in said(exercise, answer)


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        *(("1.1", kind(60_000)) for kind in (np.int64, np.uint32, np.float32, np.array)),
        *(("2.2", kind(101_770)) for kind in (np.int64, np.float64)),
        *(("4.3", kind(160)) for kind in (np.uint8, np.array)),
        ("1.1", [60_000]),
        ("2.1", lambda pixels, weights, bias: np.array([pixels @ weights + bias])),
        ("5.3", ((np.float32(0.8), np.float32(0.9)), np.float32(0.85))),
    ],
)
def test_numbers_of_numpy_are_numbers(data, exercise, answer):
    assert is_right(exercise, answer)


GAP = [{"accuracy": 0.9784, "val_accuracy": 0.8}]


@pytest.mark.parametrize(
    ("exercise", "answer", "words"),
    [
        ("3.3", (GAP, 0.1784), "Right."),
        ("3.3", (GAP, 0.18), "Right."),  # rounded
        ("3.3", (GAP, 17.84), "in percent"),
        ("3.3", (GAP, 0.16), "Take both from the last line"),
        ("5.3", ([0.861, 0.8655, 0.858, 0.8622], 0.862), "Right."),  # the mean is 0.8617
        ("5.3", ([0.861, 0.8655, 0.858, 0.8622], 0.8616), "Right."),  # the one in the middle
        ("5.3", ([0.861, 0.8655, 0.858, 0.8622], 86.17), "in percent"),
        ("5.3", ([0.861, 0.8655, 0.858, 0.8622], 0.858), "would you expect of one more"),
    ],
)
def test_a_share_may_be_rounded_and_one_in_percent_is_told_to_be_one(exercise, answer, words):
    assert words in said(exercise, answer)


@pytest.mark.parametrize(
    ("exercise", "answer", "words"),
    [
        ("2.1", lambda pixels, weights, bias: pixels * weights, "gives a row of 5 numbers; one number is asked for"),
        ("4.4", lambda picture: picture.max(), "gives one number; a table of 14 rows and 14 columns is asked for"),
        ("3.5", lambda own, aside: "B", "gives a text"),
        ("5.1", lambda right, n: (1.0, 0.0), "How many of these to each side"),
        ("2.2", None, "this is None"),
        ("6.5", ([], 3), "two numbers, the square's row and its column"),
    ],
)
def test_what_is_of_another_kind_is_told_in_plain_words(exercise, answer, words):
    assert words in said(exercise, answer)


def test_both_ends_of_an_interval_the_wrong_way_round_have_a_hint_of_their_own():
    def ends(right, n):
        share = right / n
        half = 1.96 * (share * (1 - share) / n) ** 0.5
        return share + half, share - half

    assert "the lower end comes first" in said("5.1", ends)


@pytest.mark.parametrize("exercise", ["1.1", "1.3", "2.2", "4.3", "6.6"])
def test_a_number_in_quotes_is_told_to_be_text(data, exercise):
    for text in ("60000", "0.5", "101770", "160", "sixty"):
        assert said(exercise, text).endswith("could not be used: a number is asked for, and this is text.")


def test_no_hint_holds_the_line_that_is_asked_for():
    solved = {
        "1.1": "shape[0]",
        "1.2": "class_names[train_labels[6]]",
        "1.3": "== 0).mean()",
        "1.4": "mean(axis=0)",
        "1.5": "roll(labels, -1)",
        "2.2": "101",
        "2.4": "-np.log",
        "3.1": "fr.hold_out(",
        "3.5": "argmax(put",
        "4.2": "+ 1",
        "4.3": "16",
        "5.1": "1.96",
        "5.3": "mean(",
        "5.6": "fr.evaluate(",
        "6.1": "255 -",
    }
    for exercise, line in solved.items():
        assert line not in EXERCISES[exercise][0], exercise


def test_answers_about_the_data_are_judged_by_the_data(data):
    train = data.train
    assert is_right("1.1", len(train))
    assert "to test with" in said("1.1", len(data.test))
    assert is_right("1.2", data.class_names[train.labels[6]].upper())
    assert "counts from 0" in said("1.2", data.class_names[train.labels[7]])
    assert is_right("1.3", float((train.images == 0).mean()))
    assert "in percent" in said("1.3", 100 * float((train.images == 0).mean()))
    means = [train.images[train.labels == label].mean(axis=0) for label in range(10)]
    assert is_right("1.4", means[1])
    assert "average of another class: Dress" in said("1.4", means[3])
    assert is_right("1.5", train.labels)
    assert "lie between 0 and 1" in said("1.4", means[1] / 255)
    assert "Draw a few pictures" in said("1.5", np.roll(train.labels, 1))  # as the colleague left them: no try yet
    assert "slid by another step" in said("1.5", np.roll(train.labels, 2))
    assert is_right("1.6", lambda picture: np.argmin([((mean - picture) ** 2).sum() for mean in means]))
    assert "gives nothing back" in said("1.6", lambda picture: None)
    assert "gives a name" in said("1.6", lambda picture: "Bag")
    assert not is_right("1.6", lambda picture: 9)


def test_planted_mistakes_are_found_in_what_is_passed(data):
    train = data.train
    scaled = train.images[:100].reshape(-1, 784) / 255
    assert "how often has it been divided" in said("2.5", scaled / 255)
    assert is_right("2.5", scaled)
    assert is_right("2.5", scaled.astype(np.float32).reshape(-1, 28, 28))
    for silly in (scaled > 0, np.linspace(0, 1, scaled.size), scaled[::-1], "pixels"):
        assert not is_right("2.5", silly)
    leaked = np.concatenate([train.images, data.test.images[:7]])
    assert "7 test images can still be learned from" in said("3.4", leaked)
    assert "training images are missing too" in said("3.4", train.images[:50_000])
    assert is_right("3.4", train.images)
    assert is_right("3.4", train.images[::-1])
    assert is_right("3.4", train.images.astype(float))
    noise = np.random.default_rng(0).integers(0, 256, (3, 28, 28)).astype(np.uint8)
    assert "3 pictures of these are no training images" in said("3.4", np.concatenate([train.images, noise]))
    assert "training images are missing too" in said("3.4", np.repeat(train.images[:30_000], 2, axis=0))
    images, labels = train.images[:50], train.labels[:50]
    both = np.concatenate([images, images[:, :, ::-1]])
    assert "have a wrong label" in said("4.5", (both, np.repeat(labels, 2)))
    assert is_right("4.5", (both, np.concatenate([labels, labels])))
    assert "Its edge is still light" in said("6.2", 255 - train.images[0])
    assert is_right("6.2", train.images[0])


def test_holding_out_is_judged_by_which_images_lie_where(data):
    rest, aside = fr.hold_out(data.train, 10_000)
    assert is_right("3.1", (rest, aside))
    assert "10,000 images lie in both parts" in said("3.1", (data.train, aside))
    assert not is_right("3.1", fr.hold_out(data.train, 5_000))
    assert "Which comes first?" in said("3.1", (aside, rest))
    assert "as fr.hold_out gives them" in said("3.1", (rest.images, aside.images))


def test_a_gap_is_not_closed_by_validating_on_what_was_learned(tmp_path, data):
    few = data.train.images[:300], data.train.labels[:300]
    run = fr.train("walkthrough", few, validation=few, epochs=25, batch_size=30, onnx=False, out=tmp_path / "run")
    last = run.history[-1]
    assert last["accuracy"] - last["val_accuracy"] < 0.05
    assert said("3.6", run).startswith("3.6  Not yet. The gap is 0.")
    facts = run.environment
    run.write_json("environment.json", facts | {"train_images": 60_000})
    assert "learned from the pictures that were put aside, too" in said("3.6", run)


def test_histories_and_runs_are_judged_by_what_they_hold(tmp_path, data):
    history = [
        {"epoch": 1, "loss": 0.9, "val_loss": 0.8, "accuracy": 0.7, "val_accuracy": 0.72},
        {"epoch": 2, "loss": 0.5, "val_loss": 0.6, "accuracy": 0.8, "val_accuracy": 0.79},
        {"epoch": 3, "loss": 0.2, "val_loss": 0.7, "accuracy": 0.98, "val_accuracy": 0.8},
    ]
    assert is_right("3.2", (history, 2))
    assert "counted from 1" in said("3.2", (history, 1))
    assert "never seen" in said("3.2", (history, 3))
    assert is_right("3.3", (history, 0.18))
    assert "not the other way round" in said("3.3", (history, -0.18))
    run = Run(tmp_path)
    run.write_json("environment.json", {"seed": 0, "fingerprint": data.fingerprint})
    more = {"seconds": 1.0, "images": 10, "learning_rate": None}
    for line in history:
        run.append_line("history.jsonl", line | more)
    assert "The gap is 0.180" in said("3.6", run)
    assert "held out no images" in said("2.6", run)
    assert "has not met the test images yet" in said("5.6", run)
    look = {"time": "t", "asked_by": "evaluate", "accuracy": 0.8, "fingerprint": data.fingerprint}
    run.append_line("test_looks.jsonl", look)
    assert is_right("5.6", run)
    run.append_line("test_looks.jsonl", look)
    assert "met them 2 times" in said("5.6", run)


def test_covering_must_leave_the_picture_itself_as_it_is():
    def careless(picture, row, column):
        picture[row : row + 7, column : column + 7] = 0
        return picture

    def careful(picture, row, column):
        return careless(picture.copy(), row, column)

    assert "the picture that was passed has changed too" in said("6.4", careless)
    assert is_right("6.4", careful)


def test_no_answer_is_printed(data):
    answers = {
        "1.1": len(data.train),
        "1.2": data.class_names[data.train.labels[6]],
        "2.2": 101_770,
        "4.3": 160,
    }
    for exercise, answer in answers.items():
        hints = " ".join([said(exercise), said(exercise, 1), said(exercise, "x"), *EXERCISES[exercise]])
        assert str(answer) not in hints.replace(",", "")
