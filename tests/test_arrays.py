"""What people pass as images and labels: a line a case, taken or refused with the remedy; remedies in code are run."""

import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import fittingroom as fr
from fittingroom.arrays import as_array, check_images, check_labels, check_same_length, check_whole, grey_in_fact
from fittingroom.errors import DataError, UsageError

GREY = np.random.default_rng(0).integers(0, 256, (5, 28, 28)).astype(np.uint8)
COLOUR = np.random.default_rng(1).integers(0, 256, (5, 28, 28, 3)).astype(np.uint8)
FLAT = GREY.reshape(5, 784)
BINARY = GREY > 127
LABELS = np.array([0, 3, 1, 2, 3])


class HalfPrecision:
    """A tensor in a format that NumPy has not, as torch's bfloat16."""

    def __array__(self, dtype=None, copy=None):
        raise TypeError("no")


TAKEN = {  # what is passed, what comes of it
    "as it is": (GREY, GREY),
    "a list of lists": (GREY.tolist(), GREY),
    "a list of arrays": (list(GREY), GREY),
    "a list of torch tensors": ([torch.from_numpy(one) for one in GREY], GREY),
    "a list of pictures": ([Image.fromarray(one) for one in GREY], GREY),
    "an array of pictures": (np.array([*(Image.fromarray(one) for one in GREY), None], object)[:5], GREY),
    "a picture": (Image.fromarray(GREY[0]), GREY[:1]),
    "a torch tensor": (torch.from_numpy(GREY), GREY),
    "with a gradient": (torch.from_numpy(GREY.astype(np.float32)).requires_grad_(), GREY),
    "a channel last": (GREY[..., None], GREY),
    "a channel first": (GREY[:, None], GREY),
    "two axes of one": (GREY[..., None, None], GREY),
    "one image": (GREY[0], GREY[:1]),
    "one image with a channel": (GREY[0, ..., None], GREY[:1]),
    "one of odd size": (GREY[0, :20], GREY[:1, :20]),
    "int64": (GREY.astype(np.int64), GREY),
    "int16": (GREY.astype(np.int16), GREY),
    "whole float64": (GREY.astype(np.float64), GREY),
    "whole float16": (GREY.astype(np.float16), GREY),
    "equal channels": (GREY[..., None].repeat(3, -1), GREY),
    "equal channels first": (GREY[:, None].repeat(3, 1), GREY),
    "equal channels, solid": (
        np.concatenate([GREY[..., None].repeat(3, -1), np.full_like(GREY, 255)[..., None]], -1),
        GREY,
    ),
    "black": (np.zeros((2, 28, 28), np.uint8), np.zeros((2, 28, 28), np.uint8)),
    "black floats": (np.zeros((2, 28, 28)), np.zeros((2, 28, 28), np.uint8)),
    "none": (GREY[:0], GREY[:0]),
}
SAID = {  # taken, with a line that says so
    "over 255": (GREY / 255, GREY, "exactly k/255"),
    "over 255 in float32": (GREY / np.float32(255), GREY, "exactly k/255"),
    "times 1/255 in float32": (GREY * np.float32(1 / 255), GREY, "exactly k/255"),
    "over 255 in float16": ((GREY / 255).astype(np.float16), GREY, "exactly k/255"),
    "float32 as float64": ((GREY / np.float32(255)).astype(np.float64), GREY, "exactly k/255"),
    "as torchvision gives them": (torch.from_numpy(GREY)[:, None].float() / 255, GREY, "exactly k/255"),
    "laid flat": (FLAT, GREY, "5 images of 28x28"),
    "one laid flat": (FLAT[:1], GREY[:1], "1 image of 28x28"),
    "small and flat": (
        GREY[:, :8, :8].reshape(5, 64).repeat(60, 0),
        GREY[:, :8, :8].repeat(60, 0),
        "300 images of 8x8",
    ),
}
REFUSED = {  # what is passed, words of the sentence, what its remedy in code gives (None: no code)
    "0..1, not k/255": (
        GREY / 256,
        r"in 0\.\.1\. Pass the pixels as they are in the files.*not all k/255",
        (5, 28, 28),
    ),
    "-1..1": (GREY / 127.5 - 1, r"scaled to -1\.\.1", GREY),
    "standardised": ((GREY - 72.0) / 90, r"Undo the standardising", None),
    "not whole": (GREY * 0.7, r"not whole", (5, 28, 28)),
    "16 bits": (GREY.astype(np.uint16) * 257, r"16 bits", GREY),
    "negative": (GREY.astype(np.int64) - 300, r"received int64 in -300", None),
    "bools": (BINARY, r"received only 0 and 1", 255 * BINARY),
    "0 and 1": (BINARY.astype(np.uint8), r"received only 0 and 1", 255 * BINARY),
    "0 and 1 in int64": (BINARY.astype(np.int64), r"received only 0 and 1", 255 * BINARY),
    "0. and 1.": (BINARY.astype(np.float32), r"received only 0 and 1", 255 * BINARY),
    "not a number": (np.full((2, 28, 28), np.nan), r"not finite in image 0", None),
    "infinite": (np.where(GREY.max() == GREY, np.inf, GREY), r"not finite in image", None),
    "colour": (COLOUR, r"received colour \(5, 28, 28, 3\)", (5, 28, 28)),
    "colour first": (np.moveaxis(COLOUR, 3, 1), r"received colour \(5, 3, 28, 28\)", (5, 28, 28)),
    "colour in 0..1": (COLOUR / 255, r"received colour", (5, 28, 28)),
    "see-through": (np.stack([GREY, GREY], -1), r"received colour \(5, 28, 28, 2\)", None),
    "one in colour": (COLOUR[0], r"received colour \(1, 28, 28, 3\)", None),
    "one, quite flat": (FLAT[0], r"received \(784,\)", GREY[:1]),
    "one or many": (np.tile(FLAT[:, :64], (13, 1))[:64], r"received \(64, 64\)", (64, 8, 8)),
    "no rows of pixels": (GREY.reshape(-1, 7), r"received \(560, 7\)", (1, 560, 7)),
    "five axes": (np.zeros((1, 2, 2, 2, 2), np.uint8), r"received \(1, 2, 2, 2, 2\)", None),
    "other sizes": ([GREY[0], GREY[0, :5]], r"parts do not fit together", None),
    "words": (np.array([["a"]]), r"uint8 pixels in 0\.\.255, received <U1", None),
    "nothing": (None, r"received \(\)", None),
    "a path": ("shirt.jpg", r"received the path 'shirt.jpg'", None),
}


@pytest.fixture(autouse=True)
def silence():
    """What is taken without a choice says nothing: any warning fails the test."""
    with warnings.catch_warnings(action="error"):
        yield


def code_in(sentence: str) -> str:
    """Return the remedy that a message gives in code."""
    _, *codes = re.split(r"[Pp]ass ", sentence)
    first = codes[0] if "laid flat" in sentence else codes[-1]
    return re.sub(r"(, for one channel .*|; for .*|\.)$", "", first)


@pytest.mark.parametrize("name", TAKEN)
def test_images_whose_meaning_is_certain_are_taken_in_silence(name):
    given, expected = TAKEN[name]
    taken = check_images(given)
    assert taken.dtype == np.uint8
    np.testing.assert_array_equal(taken, expected)


@pytest.mark.parametrize("name", SAID)
def test_images_for_which_a_choice_is_made_are_taken_with_a_line(name):
    given, expected, words = SAID[name]
    lines = []
    np.testing.assert_array_equal(check_images(given, "training images", lines.append), expected)
    assert len(lines) == 1
    assert lines[0].startswith("training images: received")
    assert words in lines[0]


@pytest.mark.parametrize("name", REFUSED)
def test_other_images_are_refused_with_the_remedy_in_code(name):
    given, words, expected = REFUSED[name]
    with pytest.raises(DataError, match=rf"(?s)^images: expected.*{words}") as caught:
        check_images(given)
    if expected is None:
        return
    mended = eval(code_in(str(caught.value)), {"images": np.asarray(given), "np": np})
    taken = check_images(mended, log=lambda line: None)
    if isinstance(expected, tuple):
        assert taken.shape == expected
    else:
        np.testing.assert_array_equal(taken, expected)


def test_uint8_images_are_not_copied():
    assert check_images(GREY) is GREY


def test_a_choice_that_nobody_listens_to_is_a_warning_at_the_callers_line():
    code = (
        "import numpy as np, fittingroom.arrays as a\n\na.check_images(np.arange(784).reshape(1, 28, 28) % 256 / 255)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # no type checkers
    assert told.stderr.startswith("<string>:3: UserWarning: images: received float64 in 0..1, each exactly k/255")


def test_the_brightness_of_colour_is_what_the_remedy_gives():
    with pytest.raises(DataError) as caught:
        check_images(COLOUR)
    mended = eval(code_in(str(caught.value)), {"images": COLOUR})
    usual = np.stack([np.asarray(Image.fromarray(one).convert("L")) for one in COLOUR])
    assert np.abs(mended.astype(int) - usual).max() <= 1


def test_pictures_with_transparency_are_not_grey():
    assert grey_in_fact(np.full((2, 2, 4), 200, np.uint8)) is None


ONE_HOT = np.eye(4)[LABELS]
LABELS_TAKEN = {
    "as they are": LABELS,
    "uint8": LABELS.astype(np.uint8),
    "int32": LABELS.astype(np.int32),
    "a list": LABELS.tolist(),
    "whole floats": LABELS.astype(np.float32),
    "a column": LABELS[:, None],
    "axes of one": LABELS[:, None, None],
    "one-hot": ONE_HOT,
    "one-hot in int8": ONE_HOT.astype(np.int8),
    "one-hot in bools": ONE_HOT.astype(bool),
    "a torch tensor": torch.from_numpy(LABELS),
    "a one-hot tensor": torch.from_numpy(ONE_HOT),
    "objects": LABELS.astype(object),
}
LABELS_REFUSED = {  # what is passed, words of the sentence, its remedy works
    "halves": ([0.0, 1.5], r"received 1\.5 at index 1", False),
    "missing": ([0.0, np.nan], r"received nan at index 1", False),
    "negative": ([0, -1], r"expected labels from 0, received -1 at index 1", False),
    "soft": (np.array([[0.9, 0.1], [0.2, 0.8]]), r"received float64 \(2, 2\)", True),
    "QMNIST": (np.tile(LABELS[:, None], (1, 8)).astype(np.int32), r"QMNIST's eight columns", True),
    "words": (["Bag", "Coat", "Bag"], r"received words such as 'Bag'", True),
    "digits as words": (["3", "1"], r"received words such as '3'", True),
    "words as objects": (np.array(["Bag", "Coat"], object), r"received words such as 'Bag'", True),
    "images": (GREY, r"other’s place", False),
    "beyond int64": (np.array([2**64 - 1], np.uint64), r"expected labels from 0, received 18446744073709551615", False),
    "nothing": (None, r"expected whole numbers", False),
}


@pytest.mark.parametrize("name", LABELS_TAKEN)
def test_labels_whose_meaning_is_certain_are_taken(name):
    taken = check_labels(LABELS_TAKEN[name], 4)
    assert taken.dtype in (np.uint8, np.int64)
    np.testing.assert_array_equal(taken, LABELS)


@pytest.mark.parametrize("name", LABELS_REFUSED)
def test_other_labels_are_refused_with_the_remedy_in_code(name):
    given, words, has_remedy = LABELS_REFUSED[name]
    with pytest.raises(DataError, match=rf"^labels: (expected )?.*{words}") as caught:
        check_labels(given)
    if has_remedy:
        check_labels(eval(code_in(str(caught.value)), {"labels": np.asarray(given), "np": np}))


def test_one_label_is_a_vector_of_one():
    assert check_labels(3).tolist() == [3]


def test_bools_are_the_classes_0_and_1():
    assert check_labels([True, False]).tolist() == [1, 0]


def test_a_label_beyond_the_classes_is_named_with_its_place():
    with pytest.raises(DataError, match=r"expected labels in 0\.\.9, received 10 at index 2\.$"):
        check_labels(np.array([0, 9, 10]), classes=10)


def test_labels_that_count_from_1_are_told_so():
    with pytest.raises(DataError, match=r"expected labels in 0\.\.2, received 3 at index 2\. .* pass labels - 1\."):
        check_labels(np.array([1, 2, 3]), classes=3)


def test_counts_that_differ_are_refused():
    with pytest.raises(DataError, match="received 3 images and 2 labels"):
        check_same_length(np.zeros((3, 2, 2)), np.zeros(2))


@pytest.mark.parametrize("value", [-1, 2**32, 1.0, 1.7, True, "3", None])
def test_what_is_no_whole_number_of_the_range_is_refused(value):
    with pytest.raises(UsageError, match=r"seed: expected a whole number, 0 to 4294967295, received"):
        check_whole(value, "seed")


def test_a_foreign_container_that_fails_is_told():
    with pytest.raises(DataError, match="things: expected numbers in one array, received HalfPrecision"):
        as_array(HalfPrecision(), "things")


def test_no_library_is_imported_to_know_its_containers():
    code = "import sys, fittingroom.data.accepting; print({'torch', 'pandas', 'polars', 'PIL'} & set(sys.modules))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "set()\n"


def test_every_module_that_names_the_shape_of_an_array_is_checked_at_run_time(pytestconfig):
    *checked, _ = pytestconfig.getoption("--jaxtyping-packages").split(",")
    shapes = re.compile(
        r"^from (jaxtyping|fittingroom\.arrays) import .*\b(Array|Images|Labels|Predict|Probabilities)\b", re.M
    )
    source = Path(fr.__file__).parent
    for path in source.rglob("*.py"):
        if shapes.search(path.read_text("utf-8")):
            name = ".".join(("fittingroom", *path.relative_to(source).with_suffix("").parts)).removesuffix(".__init__")
            assert any(f"{name}.".startswith(f"{one}.") for one in checked), name
