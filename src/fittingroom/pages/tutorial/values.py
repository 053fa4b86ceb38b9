"""What the walk-through's page says: every number as a plain value, and the sentences that follow from them."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from fittingroom.data.catalog import DATASETS
from fittingroom.judging.references import WALKTHROUGH_ACCURACY
from fittingroom.pages.answers import Answer, Pictures, answers_at
from fittingroom.words import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fittingroom.arrays import Array, Images
    from fittingroom.data.dataset import Dataset
    from fittingroom.judging.verdict import Verdict
    from fittingroom.pages.judged import Judged
    from fittingroom.pages.learning import Epoch


THUMBNAILS = 30  # training images that the page shows


@dataclass(frozen=True)
class DataFacts:
    """What there is to say of a dataset.

    Attributes:
        name: ``fashion-mnist``, ``mnist`` or a folder.
        title: what a reader calls it.
        class_names: by label.
        train_shape: ``(n, h, w)``.
        test_shape: likewise.
        train_counts: images a class.
        test_counts: likewise.
        pixel_range: lowest and highest training pixel.
        fingerprint: 16 hex digits of the data's hash.
        source: where the files came from, in words.
    """

    name: str
    title: str
    class_names: tuple[str, ...]
    train_shape: tuple[int, int, int]
    test_shape: tuple[int, int, int]
    train_counts: tuple[int, ...]
    test_counts: tuple[int, ...]
    pixel_range: tuple[int, int]
    fingerprint: str
    source: str


def describe_data(data: Dataset) -> DataFacts:
    """Return the facts of a dataset that the page tells."""
    known = DATASETS.get(data.name)
    train = data.train.images
    return DataFacts(
        name=data.name,
        title=known.title if known else data.name,
        class_names=tuple(data.class_names),
        train_shape=_three(train),
        test_shape=_three(data.test.images),
        train_counts=_counts(data.train.labels, len(data.class_names)),
        test_counts=_counts(data.test.labels, len(data.class_names)),
        pixel_range=(int(train.min()), int(train.max())),
        fingerprint=data.fingerprint,
        source=data.source.replace(str(Path.home()), "~"),
    )


def _three(images: Images) -> tuple[int, int, int]:
    n, h, w = images.shape
    return int(n), int(h), int(w)


def _counts(labels: Array, classes: int) -> tuple[int, ...]:
    return tuple(int(count) for count in np.bincount(labels, minlength=classes))


def choose_images(data: Dataset, probabilities: Array) -> tuple[dict[str, tuple[Answer, ...]], Pictures]:
    """Return the walk-through's own choice of images, as far as the dataset has them, with their pixels.

    Args:
        data: the dataset.
        probabilities: of its test images, ``(n, classes)``, in the split's order.

    Returns:
        The answers about test images by the field of `TutorialReport` that holds them, ``look``, ``alone`` and
        ``grid``; and the pixels of these and of the first training images.
    """
    train, test, last = data.train, data.test, len(data.test.labels) - 1
    chosen = {
        "look": [min(10, last)],
        "alone": sorted({min(15, last), min(1000, last)}),
        "grid": list(range(min(15, last + 1))),
    }
    answers = {
        name: answers_at(np.array(indices), test.labels, probabilities, np.arange(last + 1))
        for name, indices in chosen.items()
    }
    pictures = Pictures(
        judged={index: np.array(test.images[index]) for indices in chosen.values() for index in indices},
        train={index: np.array(train.images[index]) for index in range(min(THUMBNAILS, len(train.labels)))},
    )
    return answers, pictures


@dataclass(frozen=True)
class Fitting:
    """One network trained on one dataset, and what came of it.

    Attributes:
        data: what it learned from.
        history: one entry an epoch.
        train_accuracy: of the finished network on the training images; None where not measured.
        train_loss: likewise.
        score: the verdict on the test split.
    """

    data: DataFacts
    history: tuple[Epoch, ...]
    train_accuracy: float | None
    train_loss: float | None
    score: Verdict


@dataclass(frozen=True)
class TutorialReport:
    """Everything that the page of a tutorial says.

    Attributes:
        fitting: the network, its data and its score.
        train_labels: of the first training images, which are shown.
        look: the test image of step 8 (10, where there are as many), alone in its tuple.
        alone: test images shown alone (15 and 1000, where there are as many).
        grid: those of the grid of pairs (the first 15).
        model_name: the architecture.
        model_summary: Keras's summary, as printed.
        parameters: trainable numbers in the network.
        optimizer: its name, lower case, as the recipe has it.
        loss: of the recipe.
        batch_size: images a step.
        seed: of the run.
        seconds: by stage, with ``total``.
        environment: versions, processor, threads: names and values as they are to be read.
        command: one line that makes this run again.
        test_looks: how often this run was evaluated on the test split.
        against: the same network and recipe on another dataset.
        judged: the answers judged in full: how sure the network is, and what it gets wrong.
        palette: of right and wrong, see `fittingroom.pages.plots.PALETTES`.
        source: what `fittingroom.load` takes for the data: a name, or the path of a folder.
        learned: what the network has learned, as `fittingroom.pages.learned.learned_facts` has it; None for nothing.
    """

    fitting: Fitting
    train_labels: tuple[int, ...]
    look: tuple[Answer, ...]
    alone: tuple[Answer, ...]
    grid: tuple[Answer, ...]
    model_name: str
    model_summary: str
    parameters: int
    optimizer: str
    loss: str
    batch_size: int
    seed: int
    seconds: Mapping[str, float]
    environment: Mapping[str, Any]
    command: str
    test_looks: int = 1
    against: Fitting | None = None
    palette: str = "classic-marked"
    judged: Judged | None = None
    source: str = "fashion-mnist"
    learned: Mapping[str, Any] | None = None

    @property
    def epochs(self) -> int:
        """How often the training images were gone through."""
        return len(self.fitting.history)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values: the page's twin."""
        score, (_, height, width) = self.fitting.score, self.fitting.data.train_shape
        return asdict(self) | {
            "pixels": height * width,
            "classified_correctly": round(score.accuracy * score.n),
            "fit_seconds": sum(epoch.seconds for epoch in self.fitting.history),
            "reference": asdict(REFERENCE),
            "next": [{"command": command, "look_for": words} for command, words in next_experiments(self)],
        }


SEEDS_FILE: Final = Path(__file__).with_name("ten_seeds.json")  # `make seeds` measures and writes it


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
class ReferenceRun:
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


REFERENCE: Final = ReferenceRun()


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
        reasons.append(f"this one was trained on {data.title}")
    if report.epochs != REFERENCE.epochs:
        reasons.append(f"ran {counted(report.epochs, 'epoch')} instead of {REFERENCE.epochs}")
    if report.optimizer != REFERENCE.optimizer:
        reasons.append(f"used {report.optimizer} instead of {REFERENCE.optimizer}")
    if report.batch_size != REFERENCE.batch_size:
        reasons.append(f"used batches of {report.batch_size} instead of {REFERENCE.batch_size}")
    return f"The walk-through’s printed figures belong to another run: {', '.join(reasons)}. So they are not shown."


def in_band(history: tuple[Epoch, ...]) -> bool:
    """Tell whether the first and the last running training accuracy lie within the tolerance of the reference's."""
    first, last = history[0].accuracy, history[-1].accuracy
    near = (abs(first - REFERENCE.first_accuracy), abs(last - REFERENCE.last_accuracy))
    return max(near) <= REFERENCE.tolerance


def band_sentence(report: TutorialReport) -> str:
    """Say whether the training lands in the band of the reference run."""
    history = report.fitting.history
    went = f"Training accuracy went from {history[0].accuracy:.4f} to {history[-1].accuracy:.4f}"
    theirs = f"the reference run from {REFERENCE.first_accuracy:.4f} to {REFERENCE.last_accuracy:.4f}"
    bound = f"{REFERENCE.tolerance * 100:.0f} percentage point"
    if in_band(history):
        return f"{went}, {theirs}: both lie within {bound} of the reference."
    return (
        f"{went}, {theirs}: they do not both lie within {bound} of the reference. "
        "Chance alone rarely explains this; another version of a library may."
    )


def test_sentence(report: TutorialReport) -> str:
    """Say how the test accuracy stands to the reference run's."""
    accuracy, (low, high) = report.fitting.score.accuracy, REFERENCE.test_range
    where = "inside" if low <= accuracy <= high else "below" if accuracy < low else "above"
    return (
        f"The reference run reached {REFERENCE.test_accuracy:.4f}; over ten seeds this recipe reached "
        f"{low:.4f} to {high:.4f}. {accuracy:.4f} is {where} that range."
    )


def overfitting_sentence(fitting: Fitting) -> str:
    """Name the gap between training and test accuracy, or say that there is none."""
    if fitting.train_accuracy is None:
        return "The finished network was not measured on its training images, so overfitting cannot be detected."
    score, (low, high) = fitting.score, fitting.score.accuracy_interval
    gap = 100 * (fitting.train_accuracy - score.accuracy)
    if fitting.train_accuracy > high:
        return (
            f"The gap of {gap:.1f} percentage points is overfitting: the network knows its training images better than "
            "new ones of the same kind."
        )
    if fitting.train_accuracy < low:
        return (
            f"Here the network does better on images it has never seen, by {-gap:.1f} percentage points: that is no "
            "overfitting. The test images may be the easier ones."
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
            f"{rival} is the easier dataset: the same network with the same recipe reaches {scores}, and the "
            f"intervals do not overlap.{_fewer_errors(1 - first.accuracy, 1 - second.accuracy)} Little "
            "room is left to show that another method is better."
        )
    if second.accuracy_interval[1] < first.accuracy_interval[0]:
        return f"Here {rival} is the harder dataset: the same network with the same recipe reaches {scores}."
    return (
        f"The two cannot be told apart at this size: the same network with the same recipe reaches {scores}, and the "
        "intervals overlap."
    )


def _fewer_errors(error: float, rival_error: float) -> str:
    return f" It makes {error / rival_error:.1f} times fewer mistakes there." if rival_error > 0 else ""


def load_argument(source: str) -> str:
    """Return what stands between the brackets of `load` and `load_data`: nothing for Fashion-MNIST.

    Example:
        >>> load_argument("fashion-mnist"), load_argument("mnist")
        ('', '"mnist"')
    """
    return "" if source == "fashion-mnist" else json.dumps(source, ensure_ascii=False)


def plot_code(report: TutorialReport) -> str:
    """Return the code that draws a test image beside its probabilities, for this data's classes."""
    data, index = report.fitting.data, report.alone[0].index
    is_usual = report.source == "fashion-mnist"
    begin = "" if is_usual else f"names = fr.load({load_argument(report.source)}).class_names\n"
    names, named = ("fr.class_names", "") if is_usual else ("names", ", class_names=names")
    return (
        f"import matplotlib.pyplot as plt\n\n{begin}plt.subplot(1, 2, 1)\n"
        f"fr.plot_image({index}, predictions, test_labels, test_images{named})\nplt.subplot(1, 2, 2)\n"
        f"fr.plot_value_array({index}, predictions, test_labels)\n"
        f"_ = plt.xticks(range({len(data.class_names)}), {names}, rotation=45)"
    )


def next_experiments(report: TutorialReport) -> tuple[tuple[str, str], ...]:
    """Return three experiments on the same data: each one command, and what to look for in what it prints.

    Two of them hold images out, because what is tried is compared on these, and never on the test images.

    Args:
        report: of the walk-through; its dataset, seed and epochs are taken up.
    """
    count, height, width = report.fitting.data.train_shape
    data = [] if report.source == "fashion-mnist" else ["--dataset", report.source]
    held_out = ["--validation", str(max(1, min(10_000, count // 6)))]
    longer, seed = 3 * report.epochs, (report.seed + 1) % 2**32
    other = ["--model", "thin-conv", "--epochs", "3"] if min(height, width) >= 8 else ["--set", "optimizer=adam"]
    kind = "A network that looks at neighbouring pixels" if min(height, width) >= 8 else "Another optimizer"
    experiments = (
        (
            ["tutorial", *data, "--seed", str(seed), "--epochs", str(report.epochs)],
            "The same network from other starting weights. How far does the test accuracy move? That much is chance.",
        ),
        (
            ["train", *data, "--epochs", str(longer), *held_out],
            f"{counted(longer, 'epoch')}, with images held out. Training accuracy goes on rising. After which epoch "
            "does validation accuracy no longer? From there on the network learns its images by heart.",
        ),
        (
            ["train", *data, *other, *held_out],
            f"{kind}. Compare its validation accuracy after the last epoch with that of the experiment before after as "
            "many epochs, on the same held-out images.",
        ),
    )
    return tuple((shlex.join(["fittingroom", *words]), look_for) for words, look_for in experiments)
