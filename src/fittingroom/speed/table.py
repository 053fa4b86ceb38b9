"""The printed table of a race: medians, spread, and each bar held or missed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fittingroom.speed.jobs import JOBS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fittingroom.speed.race import Result


def race_table(job: str, results: Mapping[str, Result]) -> str:
    """Return one job's results as Markdown.

    Args:
        job: a key of `JOBS`.
        results: by contender; "ours" among them.
    """
    ours = results["ours"]
    rows = [
        f"| {name} | {result.median:.3f} | {result.best:.3f} to {max(result.seconds):.3f} | {len(result.seconds)} "
        f"| {ours.median / result.median:.2f} |"
        for name, result in results.items()
    ]
    head = "| contender | median s an epoch | from, to | epochs | ours / it |\n| --- | --- | --- | --- | --- |\n"
    return f"### {job}\n\n{head}" + "\n".join(rows) + "\n\n" + _bars(job, results)


def _bars(job: str, results: Mapping[str, Result]) -> str:
    head = "| bar | at most | reached | |\n| --- | --- | --- | --- |\n"
    rows = []
    for bar in JOBS[job].bars:
        if bar.rival in results:
            ratio = results["ours"].median / results[bar.rival].median
            held = "holds" if ratio <= bar.at_most else "**missed**"
            rows.append(f"| epoch / {bar.rival} | {bar.at_most:.2f} | {ratio:.2f} | {held} |")
    return head + "\n".join(rows) + "\n"
