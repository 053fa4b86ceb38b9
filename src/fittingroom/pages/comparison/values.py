"""What a page that compares runs says, as plain values: every number on it is here."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fittingroom.judging import Comparison, Reference, Seeds, Verdict
    from fittingroom.pages.answers import Answer
    from fittingroom.pages.learning import Epoch


SEED_ALONE = "These runs differ in their seed alone, so a higher score is chance and no better recipe:"


@dataclass(frozen=True)
class Contender:
    """One of the runs compared.

    Attributes:
        name: told apart from the others.
        seed: of the run.
        score: the verdict on the images that all of them answered about.
        history: one entry an epoch.
        settings: of its recipe and network, where the runs differ.
        cost: what it cost, by the names of `fittingroom.pages.run.values.COST_ROWS`.
        test_looks: how often it was evaluated on the test split.
        command: one line that makes it again; empty where the command line cannot.
        warning: why its score is too good to be true, or None.
    """

    name: str
    seed: int
    score: Verdict
    history: tuple[Epoch, ...]
    settings: Mapping[str, Any]
    cost: Mapping[str, float | int | None]
    test_looks: int
    command: str
    warning: str | None


@dataclass(frozen=True)
class ComparisonReport:
    """Everything that a comparison's page says.

    Attributes:
        split: "validation" or "test".
        dataset: its name.
        fingerprint: of the data.
        class_names: by label.
        contenders: the runs, in the order asked for.
        pairs: every two of them.
        seeds: what they share where they differ in their seed alone; None otherwise.
        references: known scores on the test images of this dataset.
        differences: images on which one of the first two alone is right, the most confident first: each run's answer.
        pictures_missing: why there are no pictures; empty where there are.
    """

    split: str
    dataset: str
    fingerprint: str
    class_names: tuple[str, ...]
    contenders: tuple[Contender, ...]
    pairs: tuple[Comparison, ...]
    seeds: Seeds | None
    references: tuple[Reference, ...]
    differences: tuple[tuple[Answer, ...], ...]
    pictures_missing: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values: the page's twin."""
        pairs = [asdict(pair) | {"sentence": str(pair)} for pair in self.pairs]
        return {"schema": "fittingroom/comparison/1", **asdict(self), "pairs": pairs}
