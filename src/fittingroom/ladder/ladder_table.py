"""The ladder as rows: what was logged and timed for each recipe as it is shipped, beside what it is to reach."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.judging.intervals import wilson_interval
from fittingroom.recipes import find_recipe, load_recipe, recipe_names, recipe_sha256

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fittingroom.ladder.look_log import TestLook, Timing


MEASURED = Path(__file__).parent / "measured.json"


def measured() -> dict[str, dict[str, Any]]:
    """Return the measured row of each rung by its name; see `fittingroom.ladder.ladder_table.Row`."""
    if not MEASURED.exists():
        return {}
    return {row["rung"]: row for row in json.loads(MEASURED.read_text("utf-8"))["rungs"]}


def list_recipes() -> list[dict[str, Any]]:
    """Return the recipes that come with the package, the least accurate first, each with its measured figures.

    Returns:
        A row a recipe: name, model, epochs; mean accuracy on the test images, sd over n seeds, seconds of training on
        two cores, mflop and parameters of the network (None where not measured); sha256 and file of the recipe.

    Example:
        >>> list_recipes()[0]["name"]
        'walkthrough'
    """
    figures = measured()
    rows = []
    for name in sorted(recipe_names(), key=lambda name: (figures.get(name, {}).get("mean") or 1.0, name)):
        recipe, row = load_recipe(name), figures.get(name, {})
        rows.append(
            {
                "name": name,
                "model": recipe.model,
                "epochs": recipe.epochs,
                **{key: row.get(key) for key in ("mean", "sd", "n", "seconds", "mflop", "parameters")},
                "sha256": recipe_sha256(name),
                "file": str(find_recipe(name)),
            }
        )
    return rows


COLUMNS = (
    *("rung", "mean", "sd", "95 %", "n", "over views", "target"),
    *("seconds", "at most", "MFLOP", "parameters", "recipes scored"),
)


@dataclass(frozen=True)
class Row:
    """One rung as measured.

    Attributes:
        rung: its name.
        target: accuracy to reach.
        at_most_seconds: of training, or None for any time.
        n: seeds with the recipe as shipped.
        seeds: how many are asked for.
        accuracies: one a seed, in the order of the seeds.
        mean: of them; None where n is 0.
        sd: of them, between seeds; None where n is below 2.
        interval: 95 % of the mean's sampling on the test images (Wilson on the mean accuracy); None where n is 0.
        views_mean: averaged over views, mean over seeds; None where n is 0.
        seconds: an epoch timed alone, times the epochs; None where it was not timed.
        mflop: forward, an image.
        parameters: of the network.
        hashes: different recipes ever scored on the test set for this rung.
        machine: where the seconds were measured.
        fingerprint: of the data.
    """

    rung: str
    target: float
    at_most_seconds: float | None
    n: int
    seeds: int
    accuracies: tuple[float, ...]
    mean: float | None
    sd: float | None
    interval: tuple[float, float] | None
    views_mean: float | None
    seconds: float | None
    mflop: float | None
    parameters: int | None
    hashes: int
    machine: str | None
    fingerprint: str | None

    @property
    def holds(self) -> bool:
        """Whether all seeds are there and the mean and the seconds reach their bars."""
        in_time = self.at_most_seconds is None or (self.seconds is not None and self.seconds <= self.at_most_seconds)
        limit = RUNGS[self.rung].at_most_parameters
        small = limit is None or (self.parameters is not None and self.parameters < limit)
        return self.n >= self.seeds and self.mean is not None and self.mean >= self.target and in_time and small


def rows(
    looks: Sequence[TestLook], timings: Sequence[Timing], sha256: Callable[[str], str | None], dataset: str
) -> list[Row]:
    """Return a row for each rung that has a recipe.

    Args:
        looks: every look at the test set, in order.
        timings: every timing, in order; all of a recipe on the machine of its last one count.
        sha256: the hash of a rung's recipe as shipped, or None where it has none.
        dataset: whose looks count.
    """
    own = [look for look in looks if look.dataset == dataset]
    return [_row(rung, own, timings, digest) for rung in RUNGS.values() if (digest := sha256(rung.name)) is not None]


def _row(rung: Rung, looks: Sequence[TestLook], timings: Sequence[Timing], sha256: str) -> Row:
    own = [look for look in looks if look.rung == rung.name]
    by_seed = {look.seed: look for look in reversed(own) if look.recipe_sha256 == sha256}  # the first look counts
    counted = [by_seed[seed] for seed in sorted(by_seed) if seed < rung.seeds]
    accuracies = tuple(look.accuracy for look in counted)
    mean = float(np.mean(accuracies)) if accuracies else None
    takes = [line for line in timings if line.recipe_sha256 == sha256]
    epoch_seconds = [seconds for take in takes if take.machine == takes[-1].machine for seconds in take.epoch_seconds]
    last = counted[-1] if counted else None
    return Row(
        rung=rung.name,
        target=rung.accuracy,
        at_most_seconds=rung.at_most_seconds,
        n=len(counted),
        seeds=rung.seeds,
        accuracies=accuracies,
        mean=mean,
        sd=float(np.std(accuracies, ddof=1)) if len(accuracies) > 1 else None,
        interval=wilson_interval(round(mean * last.n), last.n) if last and mean is not None else None,
        views_mean=float(np.mean([look.views_accuracy for look in counted])) if counted else None,
        seconds=float(np.median(epoch_seconds)) * takes[-1].epochs if takes else None,
        mflop=last.mflop if last else None,
        parameters=last.parameters if last else None,
        hashes=len({look.recipe_sha256 for look in own}),
        machine=takes[-1].machine if takes else None,
        fingerprint=last.fingerprint if last else None,
    )


def markdown(ladder: Sequence[Row]) -> str:
    """Return the rows as a Markdown table."""
    head = f"| {' | '.join(COLUMNS)} |\n|{' --- |' * len(COLUMNS)}\n"
    return head + "".join(f"| {' | '.join(_cells(row))} |\n" for row in ladder)


def _cells(row: Row) -> list[str]:
    interval = f"{row.interval[0]:.4f} to {row.interval[1]:.4f}" if row.interval else "-"
    return [
        f"`{row.rung}`",
        _number(row.mean, ".4f") + ("" if row.mean is None or row.mean >= row.target else " (missed)"),
        _number(row.sd, ".4f"),
        interval,
        f"{row.n} of {row.seeds}",
        _number(row.views_mean, ".4f"),
        f"{row.target:g}",
        _number(row.seconds, ".1f"),
        "any" if row.at_most_seconds is None else f"{row.at_most_seconds:g}",
        _number(row.mflop, ".2f"),
        _number(row.parameters, ",d"),
        str(row.hashes),
    ]


def _number(value: float | int | None, form: str) -> str:
    return "-" if value is None else format(value, form)


PLAIN_COLUMNS = (
    *("rung", "mean", "sd", "mean_low", "mean_high", "n", "seeds", "views_mean", "target", "holds"),
    *("seconds", "at_most_seconds", "mflop", "parameters", "recipes_scored"),
)


def plain_rows(ladder: Sequence[Row]) -> list[list[Any]]:
    """Return the rows as plain values in the order of `PLAIN_COLUMNS`, for a table of any format."""
    return [
        [
            *(row.rung, row.mean, row.sd, *(row.interval or (None, None)), row.n, row.seeds, row.views_mean),
            *(row.target, "yes" if row.holds else "no"),
            *(row.seconds, row.at_most_seconds, row.mflop, row.parameters, row.hashes),
        ]
        for row in ladder
    ]


def as_json(ladder: Sequence[Row]) -> dict[str, Any]:
    """Return the rows as one JSON value."""
    return {"schema": "fittingroom/ladder/1", "rungs": [asdict(row) | {"holds": row.holds} for row in ladder]}


@dataclass(frozen=True)
class Rung:
    """One row of the ladder; its recipe is the file of its name in `fittingroom.recipes`.

    Attributes:
        name: of the rung and of its recipe.
        accuracy: on the test set that the mean over the seeds is to reach, without averaging over views.
        at_most_seconds: of training on two AVX2 cores, or None for any time.
        seeds: how many; they are 0, 1, 2 and so on.
        at_most_parameters: of the network, or None for any number.
    """

    name: str
    accuracy: float
    at_most_seconds: float | None
    seeds: int = 5
    at_most_parameters: int | None = None


RUNGS: dict[str, Rung] = {
    rung.name: rung
    for rung in (
        Rung("walkthrough", 0.862, 3.0, seeds=10),
        Rung("90", 0.90, 8.0),
        Rung("92", 0.92, 30.0),
        Rung("93", 0.93, 90.0),
        Rung("94", 0.94, 360.0),
        Rung("95", 0.95, 3600.0, seeds=1),
        Rung("small", 0.94, None, seeds=1, at_most_parameters=100_000),
        Rung("best", 0.9555, None, seeds=1, at_most_parameters=300_000),
    )
}
