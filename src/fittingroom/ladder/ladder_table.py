"""The ladder as rows: what was logged and timed for each recipe as it is shipped, beside what it is to reach."""

from __future__ import annotations

import json
import math
import statistics
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fittingroom.judging.intervals import student_tail, wilson_interval
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
    *("rung", "mean", "sd", "95 %", "n", "target", "p", "one run", "over views"),
    *("seconds", "yardsticks", "MFLOP", "parameters", "recipes scored"),
)
SIGNIFICANCE = 0.01  # below it a rung's mean counts as at its target; the rule of modded-nanogpt's records


@dataclass(frozen=True)
class Row:
    """One rung as measured.

    Attributes:
        rung: its name.
        target: accuracy to reach.
        n: seeds with the recipe as shipped.
        seeds: how many are asked for.
        accuracies: one a seed, in the order of the seeds.
        mean: of them; None where n is 0.
        sd: of them, between seeds; None where n is below 2.
        interval: 95 % of the mean's sampling on the test images (Wilson on the mean accuracy); None where n is 0.
        p_value: how likely seeds like these are where the true mean is just below the target: Student's test,
            one-sided; None where n is below 2.
        single_run: how likely one more run reaches the target; None where n is below 2.
        views_mean: averaged over views, mean over seeds; None where n is 0.
        seconds: an epoch timed alone, times the epochs; None where it was not timed.
        yardsticks: the same in epochs of a plain PyTorch loop that was timed beside it; None where that was not.
        mflop: forward, an image.
        parameters: of the network.
        hashes: different recipes ever scored on the test set for this rung.
        machine: where the seconds were measured.
        fingerprint: of the data.
    """

    rung: str
    target: float
    n: int
    seeds: int
    accuracies: tuple[float, ...]
    mean: float | None
    sd: float | None
    interval: tuple[float, float] | None
    p_value: float | None
    single_run: float | None
    views_mean: float | None
    seconds: float | None
    yardsticks: float | None
    mflop: float | None
    parameters: int | None
    hashes: int
    machine: str | None
    fingerprint: str | None

    @property
    def holds(self) -> bool:
        """Whether all seeds are there, say that the mean reaches its target, and the network is as small as asked."""
        rung = RUNGS[self.rung]
        small = rung.at_most_parameters is None or (self.parameters or math.inf) < rung.at_most_parameters
        return self.n >= self.seeds and self.reaches and small

    @property
    def ruled(self) -> bool:
        """Whether the seeds have to say beyond chance that the mean reaches its target."""
        return RUNGS[self.rung].beyond_chance

    @property
    def reaches(self) -> bool:
        """Whether the mean of the seeds reaches its target: beyond chance, where the rung asks for that."""
        if self.mean is None or not self.ruled:
            return self.mean is not None and self.mean >= self.target
        return self.p_value is not None and self.p_value < SIGNIFICANCE


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
    here = [take for take in takes if take.machine == takes[-1].machine]
    epoch_seconds = [seconds for take in here for seconds in take.epoch_seconds]
    relative = [
        seconds / statistics.fmean(take.yardstick_seconds)
        for take in here
        if take.yardstick_seconds
        for seconds in take.epoch_seconds
    ]
    last = counted[-1] if counted else None
    return Row(
        rung=rung.name,
        target=rung.accuracy,
        n=len(counted),
        seeds=rung.seeds,
        accuracies=accuracies,
        mean=mean,
        sd=float(np.std(accuracies, ddof=1)) if len(accuracies) > 1 else None,
        interval=wilson_interval(round(mean * last.n), last.n) if last and mean is not None else None,
        p_value=chance_below(accuracies, rung.accuracy),
        single_run=chance_of_one(accuracies, rung.accuracy),
        views_mean=float(np.mean([look.views_accuracy for look in counted])) if counted else None,
        seconds=float(np.median(epoch_seconds)) * takes[-1].epochs if takes else None,
        yardsticks=float(np.median(relative)) * takes[-1].epochs if relative else None,
        mflop=last.mflop if last else None,
        parameters=last.parameters if last else None,
        hashes=len({look.recipe_sha256 for look in own}),
        machine=takes[-1].machine if takes else None,
        fingerprint=last.fingerprint if last else None,
    )


def chance_below(accuracies: Sequence[float], target: float) -> float | None:
    """Return how likely such accuracies are where their true mean is just below the target; None for fewer than two.

    Args:
        accuracies: one a seed.
        target: what the mean is to reach.

    Example:
        >>> round(chance_below([0.921, 0.923, 0.922], 0.920), 3)
        0.037

    Source: Student's one-sided test of one mean, Biometrika 6 (1908), 1-25.
    """
    return _tail(accuracies, target, 1 / len(accuracies)) if len(accuracies) > 1 else None


def chance_of_one(accuracies: Sequence[float], target: float) -> float | None:
    """Return how likely one more run reaches the target, its seed drawn like these; None for fewer than two.

    Args:
        accuracies: one a seed.
        target: what the run is to reach.

    Example:
        >>> round(chance_of_one([0.921, 0.923, 0.922], 0.920), 3)
        0.887

    Source: the prediction interval of one more value of a normal variable, G. Hahn, 1969.
    """
    return 1 - _tail(accuracies, target, 1 + 1 / len(accuracies)) if len(accuracies) > 1 else None


def _tail(accuracies: Sequence[float], target: float, share: float) -> float:
    above, error = statistics.fmean(accuracies) - target, statistics.stdev(accuracies) * math.sqrt(share)
    return student_tail(above / error if error else math.copysign(math.inf, above), len(accuracies) - 1)


def markdown(ladder: Sequence[Row]) -> str:
    """Return the rows as a Markdown table."""
    head = f"| {' | '.join(COLUMNS)} |\n|{' --- |' * len(COLUMNS)}\n"
    return head + "".join(f"| {' | '.join(_cells(row))} |\n" for row in ladder)


def _cells(row: Row) -> list[str]:
    interval = f"{row.interval[0]:.4f} to {row.interval[1]:.4f}" if row.interval else "-"
    return [
        f"`{row.rung}`",
        _number(row.mean, ".4f") + ("" if row.mean is None or row.reaches else " (missed)"),
        _number(row.sd, ".4f"),
        interval,
        f"{row.n} of {row.seeds}",
        f"{row.target:g}",
        _number(row.p_value, ".2g") if row.ruled else "-",
        _number(row.single_run, ".0%"),
        _number(row.views_mean, ".4f"),
        _number(row.seconds, ".1f"),
        _number(row.yardsticks, ".2f"),
        _number(row.mflop, ".2f"),
        _number(row.parameters, ",d"),
        str(row.hashes),
    ]


def _number(value: float | int | None, form: str) -> str:
    return "-" if value is None else format(value, form)


PLAIN_COLUMNS = (
    *("rung", "mean", "sd", "mean_low", "mean_high", "n", "seeds", "target", "p_value", "single_run", "views_mean"),
    *("holds", "seconds", "yardsticks", "mflop", "parameters", "recipes_scored"),
)


def plain_rows(ladder: Sequence[Row]) -> list[list[Any]]:
    """Return the rows as plain values in the order of `PLAIN_COLUMNS`, for a table of any format."""
    return [
        [
            *(row.rung, row.mean, row.sd, *(row.interval or (None, None)), row.n, row.seeds, row.target),
            *(row.p_value, row.single_run, row.views_mean, "yes" if row.holds else "no"),
            *(row.seconds, row.yardsticks, row.mflop, row.parameters, row.hashes),
        ]
        for row in ladder
    ]


def as_json(ladder: Sequence[Row]) -> dict[str, Any]:
    """Return the rows as one JSON value."""
    return {"schema": "fittingroom/ladder/2", "rungs": [asdict(row) | {"holds": row.holds} for row in ladder]}


@dataclass(frozen=True)
class Rung:
    """One row of the ladder; its recipe is the file of its name in `fittingroom.recipes`.

    Attributes:
        name: of the rung and of its recipe.
        accuracy: on the test set that the mean over the seeds is to reach, without averaging over views.
        seeds: how many; they are 0, 1, 2 and so on.
        at_most_parameters: of the network, less than this, or None for any number.
        beyond_chance: whether the seeds have to say so by Student's test, at `SIGNIFICANCE`; else their mean is enough.
    """

    name: str
    accuracy: float
    seeds: int = 5
    at_most_parameters: int | None = None
    beyond_chance: bool = True


RUNGS: dict[str, Rung] = {
    rung.name: rung
    for rung in (
        Rung("walkthrough", 0.862, seeds=10, beyond_chance=False),
        Rung("90", 0.90, seeds=10),
        Rung("92", 0.92, seeds=10),
        Rung("93", 0.93),
        Rung("94", 0.94),
        Rung("95", 0.95),
        Rung("micro", 0.92, seeds=3, at_most_parameters=20_000, beyond_chance=False),
        Rung("small", 0.946, seeds=3, at_most_parameters=100_000, beyond_chance=False),
        Rung("best", 0.9555, seeds=3, at_most_parameters=300_000, beyond_chance=False),
    )
}
