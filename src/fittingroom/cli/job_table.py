"""Many jobs on the terminal: one table that is drawn anew, or, where that is a log, a line when something happens."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fittingroom.cli.output import log, on_one_line
from fittingroom.jobs.run_jobs import JobLine, OnJob, no_job_lines

if TYPE_CHECKING:
    from rich.table import Table

LINES = 30  # of the table: of more jobs, those that ended first are left out
SHARE = 4  # of a second between two drawings


@contextmanager
def job_table(quiet: bool) -> Iterator[OnJob]:
    """Yield what is told where each job stands; everything goes to stderr.

    Args:
        quiet: show nothing.
    """
    if quiet:
        yield no_job_lines
    elif sys.stderr.isatty():
        with _live() as on_job:
            yield on_job
    else:
        yield _logged


def _logged(line: JobLine) -> None:
    if not line.is_passing:
        log(_as_text(line))


def _as_text(line: JobLine) -> str:
    where = f" on {line.worker}" if line.worker else ""
    return on_one_line(f"{line.key}: {line.state}{where}{': ' if line.words else ''}{line.words}")


@contextmanager
def _live() -> Iterator[OnJob]:
    from rich.console import Console
    from rich.live import Live

    lines: dict[str, JobLine] = {}
    with Live(console=Console(stderr=True), refresh_per_second=SHARE, transient=True) as live:

        def on_job(line: JobLine) -> None:
            before = lines.pop(line.key, None)
            lines[line.key] = line
            if line.state != "training" and (before is None or before.state != line.state):
                live.console.print(_as_text(line), highlight=False, soft_wrap=True, markup=False)
            live.update(_drawn(lines))

        yield on_job


def _drawn(lines: dict[str, JobLine]) -> Table:
    from rich.table import Table
    from rich.text import Text

    ended = sum(line.state != "training" for line in lines.values())
    drawn = Table("job", "state", "worker", "", title=f"{ended} of {len(lines)} begun have ended", title_justify="left")
    for line in sorted(lines.values(), key=lambda each: each.state != "training")[:LINES]:
        drawn.add_row(*(Text(on_one_line(cell)) for cell in (line.key, line.state, line.worker, line.words)))
    return drawn
