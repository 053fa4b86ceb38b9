"""What the walk-through's page says, as plain values: every number on it is here."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fittingroom.judging.verdict import Verdict
    from fittingroom.reporting.data_facts import DataFacts
    from fittingroom.reporting.history import Epoch
    from fittingroom.reporting.judged import Judged
    from fittingroom.reporting.tutorial_images import TutorialImages


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
        images_shown: which items are shown.
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
        test_looks: how often this run has met the test split.
        against: the same network and recipe on another dataset.
        judged: the answers judged in full: how sure the network is, and what it gets wrong.
        palette: of right and wrong, see `fittingroom.reporting.palettes.PALETTES`.
    """

    fitting: Fitting
    images_shown: TutorialImages
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

    @property
    def epochs(self) -> int:
        """How often the training images were gone through."""
        return len(self.fitting.history)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values: the page's twin."""
        return asdict(self)
