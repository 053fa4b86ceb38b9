"""What the page of a run says, as plain values: every number on it is here."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fittingroom.judging.verdict import Verdict
    from fittingroom.reporting.history import Epoch


@dataclass(frozen=True)
class RunReport:
    """Everything that the page of a run says.

    Attributes:
        name: of the run.
        data_name: of the dataset.
        fingerprint: of the dataset.
        class_names: by label.
        history: one entry an epoch.
        recipe: what was asked for: names and values as they are to be read.
        model_summary: Keras's summary, as printed; empty where there is none.
        seed: of the run.
        seconds: by stage, with ``total``.
        environment: versions, processor, threads.
        command: one line that makes this run again.
        test_looks: how often this run has met the test split.
        validation: the verdict on the validation images; None without.
        test: the verdict on the test split; None before ``evaluate``.
        notes: further sentences on how it learned, as they are to be read.
    """

    name: str
    data_name: str
    fingerprint: str
    class_names: tuple[str, ...]
    history: tuple[Epoch, ...]
    recipe: Mapping[str, Any]
    model_summary: str
    seed: int
    seconds: Mapping[str, float]
    environment: Mapping[str, Any]
    command: str
    test_looks: int = 0
    validation: Verdict | None = None
    test: Verdict | None = None
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values: the page's twin."""
        return asdict(self)
