"""What a page tells of answers that were judged, as values, and the pictures beside them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fittingroom.arrays import Array
    from fittingroom.judging import ConfusedPair, Reference, Tempering, Verdict
    from fittingroom.reporting.answers import Answer

JudgedSplit = Literal["train", "validation", "test"]


@dataclass(frozen=True)
class PairExamples:
    """One class taken for another, with images of it.

    Attributes:
        pair: the two classes, and how often.
        examples: the highest losses among them.
    """

    pair: ConfusedPair
    examples: tuple[Answer, ...]


@dataclass(frozen=True)
class Tempered:
    """What one number, fitted on validation images, does to the model's sureness.

    Attributes:
        on_validation: where it was fitted.
        on_judged: on the images judged; the same where those are the validation images.
    """

    on_validation: Tempering
    on_judged: Tempering


@dataclass(frozen=True)
class Judged:
    """Answers about one split, judged.

    Attributes:
        split: "train", "validation" or "test".
        dataset: its name.
        fingerprint: of the data.
        class_names: by label.
        score: the verdict.
        wrong: how many images are named wrongly.
        references: known scores on the test images of this dataset.
        warning: why the score is too good to be true, or None.
        temperature: None where no images were held out to fit it on.
        first: the first fifteen images of the split.
        top_losses: the highest losses, the training images most like each beside them.
        confused: the pairs of classes most often confused, with examples.
        pictures_missing: why there are no pictures; empty where there are.
    """

    split: JudgedSplit
    dataset: str
    fingerprint: str
    class_names: tuple[str, ...]
    score: Verdict
    wrong: int
    references: tuple[Reference, ...]
    warning: str | None
    temperature: Tempered | None
    first: tuple[Answer, ...]
    top_losses: tuple[Answer, ...]
    confused: tuple[PairExamples, ...]
    pictures_missing: str = ""

    @property
    def answers(self) -> tuple[Answer, ...]:
        """Every image on the page, some more than once."""
        return (*self.first, *self.top_losses, *(each for pair in self.confused for each in pair.examples))


@dataclass(frozen=True)
class JudgedPictures:
    """The pixels beside them, uint8 ``(h, w)``.

    Attributes:
        judged: by position in the split's file.
        train: by position in the file of training images.
    """

    judged: Mapping[int, Array] = field(default_factory=dict)
    train: Mapping[int, Array] = field(default_factory=dict)
