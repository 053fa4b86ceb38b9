"""The sentences of the walk-through's page: each follows from the numbers."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fittingroom.data.catalog import DATASETS
from fittingroom.judging.references import WALKTHROUGH_ACCURACY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fittingroom.pages.answers import Answer
    from fittingroom.pages.learning import Epoch
    from fittingroom.pages.tutorial.values import Fitting, TutorialReport


SEEDS_FILE: Final = Path(__file__).parent / "tutorial" / "ten_seeds.json"  # `make seeds` measures and writes it


@cache
def ten_seeds() -> dict[str, Any]:
    """Return the walk-through's ten measured seeds.

    Returns:
        ``seeds`` (each with its seed, test_accuracy, train_accuracy), n test images, fingerprint of the data, machine,
        version of this package.
    """
    values: dict[str, Any] = json.loads(SEEDS_FILE.read_text("utf-8"))
    return values


def seeds_accuracies() -> tuple[float, ...]:
    """Return the test accuracy of each of the ten seeds."""
    return tuple(row["test_accuracy"] for row in ten_seeds()["seeds"])


@dataclass(frozen=True)
class Reference:
    """The walk-through's printed run, and how far a run of the same recipe may lie from it.

    Attributes:
        dataset: what it was trained on.
        optimizer: of its recipe.
        batch_size: images a step.
        epochs: how many.
        first_accuracy: running training accuracy of the first epoch.
        last_accuracy: and of the last.
        test_accuracy: of the finished network.
        tolerance: how far training accuracy may lie outside first..last and still count as in the band.
        test_range: lowest and highest test accuracy of this recipe over the seeds of `ten_seeds`.
    """

    dataset: str = "fashion-mnist"
    optimizer: str = "rmsprop"
    batch_size: int = 128
    epochs: int = 5
    first_accuracy: float = 0.7989
    last_accuracy: float = 0.8842
    test_accuracy: float = WALKTHROUGH_ACCURACY
    tolerance: float = 0.01
    test_range: tuple[float, float] = field(default_factory=lambda: (min(seeds_accuracies()), max(seeds_accuracies())))


REFERENCE: Final = Reference()


def comparable(report: TutorialReport) -> bool:
    """Tell whether this run is the reference's: its data to the byte, its optimiser, batch size and epochs."""
    asked = (report.optimizer, report.batch_size, report.epochs)
    return asked == (REFERENCE.optimizer, REFERENCE.batch_size, REFERENCE.epochs) and (
        report.fitting.data.fingerprint == DATASETS[REFERENCE.dataset].fingerprint
    )


def why_not_comparable(report: TutorialReport) -> str:
    """Return the sentence that says why the reference's figures are left out."""
    data, reasons = report.fitting.data, []
    if data.fingerprint != DATASETS[REFERENCE.dataset].fingerprint:
        reasons.append(f"this one learned from {data.title}")
    if report.epochs != REFERENCE.epochs:
        reasons.append(f"ran {count(report.epochs, 'epoch')} instead of {REFERENCE.epochs}")
    if report.optimizer != REFERENCE.optimizer:
        reasons.append(f"used {report.optimizer} instead of {REFERENCE.optimizer}")
    if report.batch_size != REFERENCE.batch_size:
        reasons.append(f"took batches of {report.batch_size} instead of {REFERENCE.batch_size}")
    return f"The walk-through’s printed figures belong to another run: {', '.join(reasons)}. So nothing is compared."


def in_band(history: tuple[Epoch, ...]) -> bool:
    """Tell whether the first and the last running training accuracy lie within the tolerance of the reference's."""
    first, last = history[0].accuracy, history[-1].accuracy
    near = (abs(first - REFERENCE.first_accuracy), abs(last - REFERENCE.last_accuracy))
    return max(near) <= REFERENCE.tolerance


def band_sentence(report: TutorialReport) -> str:
    """Say whether the training lands in the band of the reference run."""
    history = report.fitting.history
    went = f"Ours went from {history[0].accuracy:.4f} to {history[-1].accuracy:.4f}"
    theirs = f"the reference run from {REFERENCE.first_accuracy:.4f} to {REFERENCE.last_accuracy:.4f}"
    bound = f"{REFERENCE.tolerance * 100:.0f} percentage point"
    if in_band(history):
        return f"{went}, {theirs}: it lands in the band, each end within {bound} of the reference."
    return (
        f"{went}, {theirs}: it does not land in the band, which is within {bound} of the reference at each end. "
        "Chance alone seldom does this; another version of a library, or another start, may."
    )


def test_sentence(report: TutorialReport) -> str:
    """Say how the test accuracy stands to the reference run's."""
    accuracy, (low, high) = report.fitting.score.accuracy, REFERENCE.test_range
    where = "inside" if low <= accuracy <= high else "below" if accuracy < low else "above"
    return (
        f"The reference run reached {REFERENCE.test_accuracy:.4f}; over ten seeds this recipe lay "
        f"between {low:.4f} and {high:.4f}. {accuracy:.4f} lies {where} that range."
    )


def overfitting_sentence(fitting: Fitting) -> str:
    """Name the gap between training and test accuracy, or say that there is none."""
    if fitting.train_accuracy is None:
        return "The finished network was not measured on its training images, so overfitting cannot be told."
    score, (low, high) = fitting.score, fitting.score.accuracy_interval
    gap = 100 * (fitting.train_accuracy - score.accuracy)
    if fitting.train_accuracy > high:
        return (
            f"That gap of {gap:.1f} percentage points has a name: overfitting. The network knows its training images "
            "better than new ones of the same kind."
        )
    if fitting.train_accuracy < low:
        return (
            f"Here the network does better on images it has never seen, by {-gap:.1f} percentage points: that is no "
            "overfitting. The test images may simply be the easier ones."
        )
    return (
        f"The difference of {abs(gap):.1f} percentage points is within the uncertainty of the test score: no "
        "overfitting that this test could show."
    )


def comparison_sentence(fitting: Fitting, other: Fitting) -> str:
    """Say what follows from the two scores: which dataset is easier, or that they cannot be told apart."""
    first, second = fitting.score, other.score
    name, rival = fitting.data.title, other.data.title
    scores = f"{second.accuracy:.4f} on {rival}, {first.accuracy:.4f} on {name}"
    if second.accuracy_interval[0] > first.accuracy_interval[1]:
        return (
            f"{rival} is too easy: the same network with the same recipe scores {scores}, and the intervals do not "
            f"overlap.{_fewer_errors(1 - first.accuracy, 1 - second.accuracy)} A better method has little room left to "
            "show that it is better."
        )
    if second.accuracy_interval[1] < first.accuracy_interval[0]:
        return f"Here {rival} is the harder one: the same network with the same recipe scores {scores}."
    return (
        f"The two cannot be told apart at this size: the same network with the same recipe scores {scores}, and the "
        "intervals overlap."
    )


def _fewer_errors(error: float, rival_error: float) -> str:
    return f" It makes {error / rival_error:.1f} times fewer mistakes there." if rival_error > 0 else ""


def looks_sentence(looks: int) -> str:
    """Say how often the test split was looked at, and what that means."""
    if looks == 0:
        return "The test split has not been looked at."
    if looks == 1:
        return "The test split was looked at once, after training was over: the score is an honest one."
    return (
        f"The test split was looked at {times(looks)}. Every look after the first lets it steer choices, so read the "
        "score as slightly flattering."
    )


def tally_sentence(answers: Sequence[Answer]) -> str:
    """Say how many of the items shown are right."""
    right = sum(each.right for each in answers)
    return f"All {right} are right." if right == len(answers) else f"{right} of these {len(answers)} are right."


def times(number: int) -> str:
    """Return ``once``, ``twice`` or ``n times``.

    Example:
        >>> times(1), times(2), times(3)
        ('once', 'twice', '3 times')
    """
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


def count(number: int, noun: str) -> str:
    """Return a number with its noun.

    Example:
        >>> count(1, "epoch"), count(5, "epoch")
        ('1 epoch', '5 epochs')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def load_argument(source: str) -> str:
    """Return what stands between the brackets of `load` and `load_data`: nothing for Fashion-MNIST.

    Example:
        >>> load_argument("fashion-mnist"), load_argument("mnist")
        ('', '"mnist"')
    """
    return "" if source == "fashion-mnist" else json.dumps(source, ensure_ascii=False)


def plot_code(report: TutorialReport) -> str:
    """Return the code that draws a test image beside its probabilities, for this data's classes."""
    data, looked_at = report.fitting.data, report.images_shown
    index = looked_at.alone[0].index if looked_at.alone else looked_at.look.index
    is_usual = report.source == "fashion-mnist"
    begin = "" if is_usual else f"names = fr.load({load_argument(report.source)}).class_names\n"
    names, named = ("fr.class_names", "") if is_usual else ("names", ", class_names=names")
    return (
        f"import matplotlib.pyplot as plt\n\n{begin}plt.subplot(1, 2, 1)\n"
        f"fr.plot_image({index}, predictions, test_labels, test_images{named})\nplt.subplot(1, 2, 2)\n"
        f"fr.plot_value_array({index}, predictions, test_labels)\n"
        f"_ = plt.xticks(range({len(data.class_names)}), {names}, rotation=45)"
    )
