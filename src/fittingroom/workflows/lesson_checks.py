"""`fittingroom.check`: the exercises of the class check themselves, without an answer to be read in the lesson.

No answer is printed: what is said is whether an answer is right and what that shows, or a hint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fittingroom.errors import FittingRoomError
from fittingroom.lookup import look_up
from fittingroom.workflows.later_lesson_judges import JUDGES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fittingroom.data import Log

UNTOUCHED = "Put your own answer in the place of the three dots."


def check(exercise: str, answer: Any = ..., /, *, log: Log = print) -> None:
    """Say whether the answer to an exercise of the class is right, and give a hint where it is not.

    Args:
        exercise: its number, as the lesson has it, such as "2.3".
        answer: the learner's; what kind of thing, the exercise says. Three dots stand for none yet.
        log: takes the line.

    Raises:
        UsageError: there is no such exercise.

    Example:
        >>> check("4.3", 3)
        4.3  Not yet. One filter has a weight for each of its pixels, and a bias. Then count the filters.
    """
    exercise = str(exercise).strip()
    hint, shows = look_up(exercise, EXERCISES, "exercise")
    if answer is ... or (isinstance(answer, tuple) and any(each is ... for each in answer)):
        log(f"{exercise}  Not yet. {UNTOUCHED}")  # and no hint before there was a try
        return
    found = _judged(exercise, answer)
    log(f"{exercise}  Right. {shows}" if found is True else f"{exercise}  Not yet. {found or hint}")


def _judged(exercise: str, answer: Any) -> bool | str:
    """Return whether an answer is right, or a hint of its own."""
    try:
        return JUDGES[exercise](answer)
    except FittingRoomError as error:
        return f"What you passed could not be used: {error}"
    except (Exception, SystemExit) as error:  # the learner's own function stopped, or the answer is of another kind
        return f"Trying your answer stopped with {type(error).__name__}: {error}. Is it of the kind that is asked for?"


EXERCISES: Mapping[str, tuple[str, str]] = {  # number: (hint, what a right answer shows)
    "1.1": ("The first number of a shape says how many there are.", "So many pictures to learn from."),
    "1.2": (
        "Take its label, then look in fr.class_names what is at that place.",
        "Labels are numbers, because numbers can be computed with.",
    ),
    "1.3": (
        "Compare all pixels with 0 at once: each gives True or False. True counts as 1. What is their mean, then?",
        "Half of what you look at is background.",
    ),
    "1.4": (
        "The cell above chose the boots, then took their mean. What differs for trousers?",
        "An average is blurred where the pictures differ.",
    ),
    "1.5": (
        "Draw a few pictures with the names they have now. Which picture would each name belong to?",
        "No error was shown and nothing crashed: only looking finds such a mistake.",
    ),
    "1.6": (
        "For each of the ten averages: subtract, square, take the mean. argmin gives the place of the smallest.",
        "Your first classifier, without any network.",
    ),
    "2.1": ("Multiply each pixel by its weight, add all up, and add the bias.", "That is all that a neuron does."),
    "2.2": (
        "Between two layers there is a weight for each pair, and each neuron of the second has a bias.",
        "That many numbers are learned; nobody writes them.",
    ),
    "2.3": (
        "Two steps, as in the drawing above: first nothing below 0, then together 1.",
        "Ten numbers have become ten probabilities.",
    ),
    "2.4": (
        "np.log is the logarithm. Try your function at both ends of the curve: what is it to give for 1, and for 0.01?",
        "Certain and right costs 0; certain and wrong costs a great deal.",
    ),
    "2.5": (
        "Print the largest and the smallest value after each line.",
        "Dividing twice raises no error: the network sees nearly black pictures, and learns nearly nothing.",
    ),
    "2.6": ("", "Your own network, judged on pictures that it had never seen."),
    "3.1": (
        "Print how many images each part has: len(rest), len(aside). How many are to be put aside?",
        "No picture lies in both.",
    ),
    "3.2": (
        "Go through the validation losses and find the smallest; the epoch stands in the same line.",
        "From here on it learns its own pictures by heart.",
    ),
    "3.3": ("Take both from the last line of the history.", "The gap is what was learned by heart."),
    "3.4": (
        "Follow each line: which images go in?",
        "A network that has seen the test pictures proves nothing by naming them.",
    ),
    "3.5": (
        "One of the two lists tells of pictures that the networks had not seen. argmax gives the place of its largest.",
        "Choose by validation, and the test stays a test.",
    ),
    "3.6": ("", "It does nearly as well on new pictures as on its own."),
    "4.1": (
        "Cut out three rows and three columns, multiply by the filter, add all nine up.",
        "The same nine weights, everywhere in the picture.",
    ),
    "4.2": (
        "Put the filter at the left edge, and push it until it touches the right one. How many places are there?",
        "A picture shrinks a little with each filter.",
    ),
    "4.3": (
        "One filter has a weight for each of its pixels, and a bias. Then count the filters.",
        "Few numbers do the work, because all places share them.",
    ),
    "4.4": (
        "The corners of all squares make four small pictures. Which is the larger of two, and then of all four?",
        "A quarter of the numbers, and a shift by one pixel hardly matters any more.",
    ),
    "4.5": (
        "First come all pictures, then all mirror images. Print the first labels and look.",
        "A label belongs to its picture; whoever moves one must move the other.",
    ),
    "4.6": ("", "Better on the same pictures, none of which either had learned from."),
    "5.1": (
        "First the share, then its standard error by the formula above. How many of these to each side?",
        "A score without its interval is half a score.",
    ),
    "5.2": ("Give back both: the mean, and the standard deviation.", "This is how far luck carries."),
    "5.3": (
        "The largest of several is lucky. Which number would you expect of one more?",
        "Whoever reports the best of ten reports the luck too.",
    ),
    "5.4": (
        "first == labels is True where the first is right. Combine two of these by & and ~ (not), then count.",
        "Only these pictures tell the two networks apart.",
    ),
    "5.5": (
        "Print the comparison, and read what it says of chance.",
        "A difference, its interval, and an honest word about chance.",
    ),
    "5.6": ("Choose a run, and let it meet the test images. Once.", "One look, after everything was chosen."),
    "6.1": ("Black is 0 and white is 255: what must be subtracted from what?", "Light and dark changed places."),
    "6.2": (
        "Draw it beside a training image. Which of the two is light on dark?",
        "A network knows only the kind of picture that it was shown.",
    ),
    "6.3": ("", "Your own picture, as the dataset would show it."),
    "6.4": ("Copy the picture, then set seven rows and seven columns to 0.", "Now the network has to guess."),
    "6.5": (
        "Cover each square in turn, ask the network, and keep the place where the probability falls furthest.",
        "This is where the network looks.",
    ),
    "6.6": (
        "fr.predict gives a row a picture. What is the largest number of all?",
        "It has ten answers, and none of them is: I do not know.",
    ),
}
