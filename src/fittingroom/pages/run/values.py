"""What the page of a run says, as plain values: every number on it is here."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fittingroom.pages.judged import Judged
    from fittingroom.pages.learning import Epoch, Learning


@dataclass(frozen=True)
class Cost:
    """What a run cost.

    Attributes:
        train_seconds: of all epochs together, wall clock, on a machine that may have had other work.
        images_per_second: training images seen in a second, over all epochs.
        train_images: in an epoch.
        parameters: numbers in the network; None where it is not made of Keras layers.
        model_bytes: of the file that holds it; None where there is none.
    """

    train_seconds: float
    images_per_second: float
    train_images: int
    parameters: int | None
    model_bytes: int | None


@dataclass(frozen=True)
class RunReport:
    """Everything that the page of a run says.

    Attributes:
        name: of the run.
        data_name: of the dataset it learned from.
        title: what a reader calls it.
        fingerprint: of the dataset it learned from.
        model: the architecture, or what it was called.
        seed: of the run.
        history: one entry an epoch.
        learning: what the history says about overfitting.
        changed: settings of the recipe that are not the defaults.
        recipe: every setting, names and values as they are to be read.
        model_summary: Keras's summary, as printed; empty where there is none.
        cost: what it cost.
        environment: versions, processor, threads.
        command: one line that makes this run again; empty where the command line cannot.
        command_note: what else it takes.
        looks: at the test split, in order: time (UTC), asked_by (which command), dataset, accuracy.
        judged: the answers judged; None where there are none.
        no_score: why there are none; empty where there are.
    """

    name: str
    data_name: str
    title: str
    fingerprint: str
    model: str
    seed: int
    history: tuple[Epoch, ...]
    learning: Learning
    changed: Mapping[str, Any]
    recipe: Mapping[str, Any]
    model_summary: str
    cost: Cost
    environment: Mapping[str, Any]
    command: str
    command_note: str = ""
    looks: tuple[Mapping[str, Any], ...] = ()
    judged: Judged | None = None
    no_score: str = ""

    @property
    def test_looks(self) -> int:
        """How often this run has met the test split."""
        return len(self.looks)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values: the page's twin."""
        return asdict(self)
