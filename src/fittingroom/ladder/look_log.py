"""The log of looks at the test set: one JSON line for every run that was ever scored on it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

from fittingroom.errors import RunError
from fittingroom.files import append_json_line, read_json_lines

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class TestLook:
    """One run, scored once on the test set.

    Attributes:
        time: UTC, ISO 8601.
        rung: its name.
        recipe_sha256: of the recipe's file as it was.
        dataset: its name.
        fingerprint: of the data.
        seed: of the run.
        n: test images.
        accuracy: on them, the model alone.
        views_accuracy: on them, averaged over views (`fittingroom.ladder.measure`).
        parameters: of the network.
        mflop: forward, an image, in millions of floating-point operations.
        epochs: trained.
        training_seconds: as the run took them, on a machine that may have been busy.
        machine: processor and threads.
        versions: of Keras and Torch.
    """

    __test__ = False  # it is no test class, whatever pytest thinks of its name

    time: str
    rung: str
    recipe_sha256: str
    dataset: str
    fingerprint: str
    seed: int
    n: int
    accuracy: float
    views_accuracy: float
    parameters: int
    mflop: float
    epochs: int
    training_seconds: float
    machine: str
    versions: str


@dataclass(frozen=True)
class Timing:
    """Epochs of a recipe, timed alone on the machine.

    Attributes:
        rung: its name.
        recipe_sha256: of the recipe's file as it was.
        epoch_seconds: of each epoch that was timed.
        epochs: of the recipe.
        machine: processor and threads.
        yardstick_seconds: of an epoch of the yardstick just before and just after; empty where there was none.
    """

    rung: str
    recipe_sha256: str
    epoch_seconds: tuple[float, ...]
    epochs: int
    machine: str
    yardstick_seconds: tuple[float, ...]


Line = TypeVar("Line", TestLook, Timing)


def append(path: Path, line: TestLook | Timing) -> None:
    """Add one line to a log; the file is made where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    append_json_line(path, asdict(line))


def read(path: Path, kind: type[Line]) -> list[Line]:
    """Return the lines of a log in order; none where there is no file.

    Args:
        path: of the log.
        kind: what each line is.

    Raises:
        RunError: a line that is not one of this log, with its number.
    """
    kinds = {field.name: str(field.type) for field in fields(kind)}
    lines = read_json_lines(path, kinds, RunError)
    return [kind(**{name: _frozen(line[name]) for name in kinds}) for line in lines]


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
