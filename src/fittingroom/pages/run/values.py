"""What the page of a run says: every number as a plain value, and the sentences that follow from them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from fittingroom.words import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fittingroom.pages.judged import Judged
    from fittingroom.pages.learning import Epoch, Learning


COST_ROWS = (  # value, its name for a reader, how it is written
    (
        "train_seconds",
        "training",
        "{:,.1f} seconds, all epochs",
    ),  # wall clock, on a machine that may have had other work
    ("images_per_second", "speed", "{:,.0f} images per second"),  # training images, over all epochs
    ("train_images", "images per epoch", "{:,}"),
    ("parameters", "parameters", "{:,}"),  # None where it is not made of Keras layers
    ("model_bytes", "model file", "{:,} bytes"),  # None where there is no such file
)


def cost_words(cost: Mapping[str, float | int | None]) -> tuple[tuple[str, str], ...]:
    """Return what a run cost as names and values for a table."""
    return tuple((name, form.format(value)) for key, name, form in COST_ROWS if (value := cost[key]) is not None)


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
        cost: what it cost, by the names of `COST_ROWS`; None for what is not known.
        environment: versions, processor, threads.
        command: one line that makes this run again; empty where the command line cannot.
        command_note: what else it takes.
        looks: at the test split, in order: time (UTC), asked_by (which command), dataset, accuracy.
        judged: the answers judged; None where there are none.
        no_score: why there are none; empty where there are.
        edits: which training images were changed before training, as `data.edits.Edits.facts` has it; None for none.
        learned: what the network has learned, as `fittingroom.pages.learned.learned_facts` has it; None for nothing.
        maps: what the highest losses hang on, as `fittingroom.pages.run.gather.gather_maps` has it; empty for nothing.
        replay: how the network changed on its way, as `fittingroom.pages.replay` gathers it; None for nothing.
        class_names: of what it learned from, by label; empty where they are not known.
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
    cost: Mapping[str, float | int | None]
    environment: Mapping[str, Any]
    command: str
    command_note: str = ""
    looks: tuple[Mapping[str, Any], ...] = ()
    judged: Judged | None = None
    no_score: str = ""
    edits: Mapping[str, Any] | None = None
    learned: Mapping[str, Any] | None = None
    maps: tuple[Mapping[str, Any], ...] = ()
    replay: Mapping[str, Any] | None = None
    class_names: tuple[str, ...] = ()

    @property
    def test_looks(self) -> int:
        """How often this run was evaluated on the test split."""
        return len(self.looks)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values: the page's twin."""
        return asdict(self)


def status_sentence(report: RunReport) -> str:
    """Say at the top of a run's page which figures it may hold."""
    judged = report.judged
    if judged is None:
        return f"Training curves only: {report.no_score}."
    if judged.split != "test":
        return "Validation figures only: this run has not been tested. `fittingroom evaluate` does that, once."
    other = "" if judged.fingerprint == report.fingerprint else f" on {judged.dataset}, which it was not trained on"
    return f"Test figures{other}: this run has {counted(report.test_looks, 'test look')}."
