"""The printed tables of a race: medians, spread, and each bar held or missed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fittingroom.speed.jobs import JOBS, WHOLE_BARS, WHOLE_OURS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fittingroom.speed.race import Result

MEGABYTE = 1_000_000


def race_table(job: str, results: Mapping[str, Result]) -> str:
    """Return one job's results as Markdown.

    Args:
        job: a key of `JOBS`.
        results: by contender; "ours" among them.
    """
    ours = results["ours"]
    rows = [
        f"| {name} | {result.median:.3f} | {min(result.seconds):.3f} to {max(result.seconds):.3f} "
        f"| {len(result.seconds)} | {ours.median / result.median:.2f} |"
        for name, result in results.items()
    ]
    bars = [
        (f"epoch / {bar.rival}", bar.at_most, ours.median / results[bar.rival].median)
        for bar in JOBS[job].bars
        if bar.rival in results
    ]
    head = "| contender | median s an epoch | from, to | epochs | ours / it |\n| --- | --- | --- | --- | --- |\n"
    return f"### {job}\n\n{head}" + "\n".join(rows) + "\n\n" + _bars(bars)


def whole_table(results: Mapping[str, Result]) -> str:
    """Return what whole processes took, as Markdown.

    Args:
        results: by contender; `WHOLE_OURS` among them.
    """
    ours = results[WHOLE_OURS]
    rows = [
        f"| {name} | {result.median:.2f} | {min(result.seconds):.2f} to {max(result.seconds):.2f} "
        f"| {result.median_peak / MEGABYTE:.0f} | {len(result.seconds)} | {ours.median / result.median:.2f} "
        f"| {ours.median_peak / result.median_peak:.2f} |"
        for name, result in results.items()
    ]
    bars = [
        (f"{bar.what} / {bar.rival}", bar.at_most, _ratio(bar.what, ours, results[bar.rival]))
        for bar in WHOLE_BARS
        if bar.rival in results
    ]
    head = (
        "| process | median s | from, to | peak MB | processes | train / it, time | train / it, memory |\n"
        "| --- | --- | --- | --- | --- | --- | --- |\n"
    )
    return "### The walk-through as a whole, from a cold process\n\n" + head + "\n".join(rows) + "\n\n" + _bars(bars)


def _ratio(what: str, ours: Result, rival: Result) -> float:
    return ours.median_peak / rival.median_peak if what == "peak memory" else ours.median / rival.median


def _bars(bars: Iterable[tuple[str, float, float]]) -> str:
    head = "| bar | at most | reached | |\n| --- | --- | --- | --- |\n"
    rows = [
        f"| {what} | {at_most:.2f} | {ratio:.2f} | {'holds' if ratio <= at_most else '**missed**'} |"
        for what, at_most, ratio in bars
    ]
    return head + "\n".join(rows) + "\n"
