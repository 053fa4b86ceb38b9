"""A suite: a TOML file of classifiers and the settings that each is fitted with, checked before anything is fitted."""

from __future__ import annotations

import itertools
import json
import re
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fittingroom.baselines.families import FAMILIES, check_settings
from fittingroom.errors import UsageError
from fittingroom.files import read_toml
from fittingroom.lookup import look_up, suggest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SUITES = Path(__file__).parent / "suites"
SCALINGS = ("none", "unit", "standardised")
KEYS = {"title": str, "scaling": str, "budget": str, "family": list}
FAMILY_KEYS = {"name": str, "paper_best": float, "paper_rows": list, "grid": dict, "five_seeds": dict}
PAPER_KEYS = {"settings": dict, "accuracy": float}
SEEDS = 5  # of the row that a family names
UNITS = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True)
class BaselineRow:
    """One row of a table before it is fitted.

    Attributes:
        family: a name of `FAMILIES`.
        settings: of the classifier.
        seed: of its random choices.
        paper: what the paper has for these very settings, where it is known; else None.
    """

    family: str
    settings: dict[str, Any]
    seed: int
    paper: float | None = None

    @property
    def words(self) -> str:
        """The settings on one line."""
        return " ".join(f"{name}={json.dumps(value)}" for name, value in self.settings.items()).replace('"', "")


@dataclass(frozen=True)
class Suite:
    """A suite as it was read.

    Attributes:
        name: its file's, without the ending.
        title: in words.
        scaling: of the pixels: "none" (0 to 255), "unit" (0 to 1), or "standardised" by each pixel's training mean
            and sd.
        budget_seconds: that a row may take.
        rows: in the order of the file.
        paper_best: the best of a family in the paper, by name, where it is known.
    """

    name: str
    title: str
    scaling: str
    budget_seconds: float
    rows: tuple[BaselineRow, ...]
    paper_best: dict[str, float]


def suite_names() -> list[str]:
    """Return the names of the suites that come with the package."""
    return sorted(path.stem for path in SUITES.glob("*.toml"))


def read_suite(name: str | Path) -> Suite:
    """Return a suite by its name or its TOML file; a path that exists wins over a name.

    Raises:
        UsageError: an unknown suite, family or key, or a value of another kind; says which.
        DataError: the file is not TOML.
    """
    path = Path(name)
    if not path.is_file():
        if str(name) not in suite_names():
            raise UsageError(f"No suite '{name}', neither a name nor a TOML file. {suggest(str(name), suite_names())}")
        path = SUITES / f"{name}.toml"
    found = read_toml(path)
    _check_keys(found, KEYS, str(path))
    families = found.get("family", [])
    if not families:
        raise UsageError(f"{path}: expected one or more [[family]] tables, found none.")
    rows: list[BaselineRow] = []
    for family in families:
        rows += _rows(family, str(path))
    scaling = found.get("scaling", "unit")
    if scaling not in SCALINGS:
        raise UsageError(f"{path}: scaling: expected {', '.join(SCALINGS)}, received '{scaling}'.")
    best = {family["name"]: family["paper_best"] for family in families if "paper_best" in family}
    budget = parse_budget(found.get("budget", "10m"))
    return Suite(path.stem, found.get("title", path.stem), scaling, budget, tuple(rows), best)


def _check_keys(found: object, known: Mapping[str, type], where: str) -> None:
    if not isinstance(found, dict):
        raise UsageError(f"{where}: expected a table, received {found!r}.")
    for key, value in found.items():
        if key not in known:
            raise UsageError(f"{where}: unknown key '{key}'. {suggest(key, [*known])}")
        if not isinstance(value, known[key]):
            raise UsageError(f"{where}: {key}: expected {known[key].__name__}, received {value!r}.")


def _rows(family: object, where: str) -> list[BaselineRow]:
    _check_keys(family, FAMILY_KEYS, where)
    assert isinstance(family, dict)
    name = family.get("name", "")
    with _named(where):
        look_up(name, FAMILIES, "classifier")
    grid = family.get("grid", {})
    for key, values in grid.items():
        if not isinstance(values, list) or not values:
            raise UsageError(f"{where}: {name}: {key}: expected a list of values to try, received {values!r}.")
    settings = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    with _named(where):
        for one in settings:
            check_settings(name, one)
    often = family.get("five_seeds")
    if often is not None and often not in settings:
        raise UsageError(f"{where}: {name}: five_seeds: expected one of the grid's settings, received {often!r}.")
    paper = _paper_rows(family.get("paper_rows", []), settings, f"{where}: {name}")
    return [
        BaselineRow(name, one, seed, next((accuracy for known, accuracy in paper if known == one), None))
        for one in settings
        for seed in range(SEEDS if one == often else 1)
    ]


@contextmanager
def _named(where: str) -> Iterator[None]:
    """Have an error say in which file."""
    try:
        yield
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None


def _paper_rows(found: list[Any], settings: list[dict[str, Any]], where: str) -> list[tuple[dict[str, Any], float]]:
    """Return the paper's figures of single settings."""
    for each in found:
        _check_keys(each, PAPER_KEYS, f"{where}: paper_rows")
        if each.get("settings") not in settings or not 0 <= each.get("accuracy", -1) <= 1:
            raise UsageError(
                f"{where}: paper_rows: expected settings of the grid and an accuracy from 0 to 1, received {each!r}."
            )
    return [(each["settings"], each["accuracy"]) for each in found]


def parse_budget(text: str) -> float:
    """Return how many seconds a budget such as ``10m`` is.

    Raises:
        UsageError: it is none.

    Example:
        >>> parse_budget("10m"), parse_budget("1.5h"), parse_budget("30s")
        (600.0, 5400.0, 30.0)
    """
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([smh])", text.strip())
    if found is None or float(found[1]) <= 0:
        raise UsageError(f"--budget: expected a time such as 30s, 10m or 2h, received {text!r}.")
    return float(found[1]) * UNITS[found[2]]
